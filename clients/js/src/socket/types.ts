/// <reference lib="esnext.disposable" preserve="true" />
// The public surface of a socket. The classes beside this file implement it without knowing the events' types.

import type { WsMore } from "../contract.js"
import type { SocketError } from "../error.js"
import type { RequestOptions, WaitOptions } from "../options.js"

/** Where a socket is in its life. Each change makes a new object, so compare by identity. */
export type Status =
  | { readonly state: "idle"; readonly online: boolean }
  | { readonly state: "connecting"; readonly attempt: number; readonly online: boolean }
  | { readonly state: "open"; readonly since: Date; readonly profile: "v1" | "base"; readonly online: boolean }
  | {
      readonly state: "reconnecting"
      readonly attempt: number
      /** When the next attempt begins; `null` while one runs, and while the page is hidden in the back/forward cache. */
      readonly retryAt: Date | null
      /** Since when there is no connection. */
      readonly since: Date
      /** It has lasted five seconds: worth showing. False before, so that banners do not flash. */
      readonly lost: boolean
      readonly cause: SocketError
      readonly online: boolean
    }
  | { readonly state: "closed"; readonly code: number; readonly cause: SocketError | null; readonly online: boolean }

/** Events that the client itself raises. */
export interface SystemEvents {
  onConnect: void
  onDisconnect: { code: number; reason: string; willRetry: boolean; cause: SocketError }
  onError: Error
}

/** Where an event comes from: the second argument of its handler. */
export interface Meta {
  /** The room, where rooms have a history. */
  readonly room?: string
  /** The message's place in the room's history. */
  readonly at?: Position
  /** It was said while this client was away. */
  readonly replayed?: boolean
}
/** A place in a room's history. The epoch changes when the room's memory begins again. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}
export type Unsubscribe = () => void

/** Messages may be missing: fetch again what was built from them. */
export interface Gap {
  /** `null`: any of the rooms. */
  readonly room: string | null
  readonly reason:
    | "offline" // away, and the rooms remember nothing
    | "expired" // away for longer than the room remembers
    | "reset" // the room's memory began again
    | "broker" // lost between servers
    | "overload" // this reader was too slow
  /** How many, where it is known. */
  readonly missed: number | null
  /** Since when. */
  readonly since: Date
}

type Data<T, K> = K extends keyof T ? T[K] : never
type Keys<T> = keyof T & string
/** An event without data may be sent without any. */
type Payload<D> = [D] extends [null | void | undefined] ? [data?: null] : [data: D]
export type ReplyOf<M extends WsMore, K> = M extends { replies: infer R } ? (K extends keyof R ? R[K] : void) : void
type Asks<M extends WsMore> = M extends { asks: infer A } ? A : {}
export type RoomName<M extends WsMore> = M extends { rooms: infer R extends string } ? R : string
type HistoryEvents<M extends WsMore, In> = M extends { history: infer H extends string } ? H & Keys<In> : never
export type StateOf<M extends WsMore> = M extends { presence: { state: infer S } } ? S : undefined
export type InfoOf<M extends WsMore> = M extends { presence: { info: infer I } } ? I : undefined

/** What every socket has, whatever its events are. */
export interface AnySocket {
  readonly isConnected: boolean
  readonly status: Status
  /** Connects at once, where a delay runs or the socket was closed. */
  connect(): void
  /** Closes for good. What waits is dropped, requests reject with `closed`. `connect` opens again. */
  close(code?: number, reason?: string): void
  /** Calls `listener` after each change of `status`. */
  subscribe(listener: () => void): Unsubscribe
  onGap(handler: (gap: Gap) => unknown): Unsubscribe
}

/**
 * One connection to a WebSocket procedure. `In`: what this side gets. `Out`: what it sends.
 *
 * ```ts
 * const socket = client.post.chat.$ws({ room: "general" })
 * const off = socket.on("message", message => show(message))
 * socket.emit("typing", { author })
 * const { id } = await socket.request("message", { text }, { timeout: 5000 })
 * ```
 */
export interface Socket<In, Out, M extends WsMore = {}> extends AnySocket {
  /** The connection's id on the server. A new one after each reconnect. */
  readonly id: string | undefined
  readonly url: string
  /** Bytes that were handed to the browser and are not sent yet. */
  readonly bufferedAmount: number

  /** Sends, or keeps for the next connection. `false`: it was dropped. Never throws. */
  emit<K extends Keys<Out>>(event: K, ...data: Payload<Out[K]>): boolean
  /** Sends, and waits for the handler's answer. Rejects with a `SocketError`. */
  request<K extends Keys<Out>>(event: K, data: Out[K], options?: RequestOptions): Promise<ReplyOf<M, K>>
  /** Answers what the server asks. An event has one answerer: the newest. */
  answer<K extends Keys<Asks<M>> & Keys<In>>(
    event: K,
    answerer: (data: In[K]) => Data<Asks<M>, K> | Promise<Data<Asks<M>, K>>,
  ): Unsubscribe

  on<K extends Keys<In & SystemEvents>>(event: K, handler?: (data: (In & SystemEvents)[K], meta: Meta) => unknown): Unsubscribe
  off<K extends Keys<In & SystemEvents>>(event: K, handler?: (data: (In & SystemEvents)[K], meta: Meta) => unknown): void
  /** The next event of this name for which `where` is true. */
  once<K extends Keys<In>>(event: K, options?: WaitOptions & { where?: ((data: In[K]) => boolean) | undefined }): Promise<In[K]>
  /**
   * Every event, or those of these names, from the call until `signal`, `break` or `close()`.
   * Beyond `buffer` (1 000) the oldest are dropped, and `onGap` hears of it.
   */
  events<K extends Keys<In> = Keys<In>>(
    names?: K | readonly K[],
    options?: { signal?: AbortSignal | undefined; buffer?: number | undefined },
  ): AsyncIterableIterator<Occurrence<In, K>>

  /** Resolves when the socket is open. Rejects when it is closed for good, aborted, or too late. */
  ready(options?: WaitOptions): Promise<void>
  /** The original client's name for `close`. */
  cleanup(): void
  [Symbol.dispose](): void

  /** One room, as this connection sees it, where rooms have history or presence. */
  room(name: RoomName<M>): Room<In, M>
  presence(room: RoomName<M>): Presence<StateOf<M>, InfoOf<M>>
}
export type Occurrence<In, K extends Keys<In> = Keys<In>> = {
  [E in K]: { readonly event: E; readonly data: In[E]; readonly meta: Meta }
}[K]

/** One room, as a connection sees it. */
export interface Room<In, M extends WsMore> {
  readonly name: RoomName<M>
  /** Whether the server has this connection in it. */
  readonly joined: boolean
  /** The last message that was handed over. */
  readonly position: Position | undefined
  /** Like `socket.on`, for this room alone. Only rooms with a history name themselves. */
  on<K extends Keys<In>>(event: K, handler: (data: In[K], meta: Meta) => unknown): Unsubscribe
  /** A page of what was said, newest last. */
  history(options?: {
    limit?: number | undefined
    before?: Position | undefined
    signal?: AbortSignal | undefined
  }): Promise<HistoryPage<In, M>>
  onGap(handler: (gap: Gap) => unknown): Unsubscribe
  /** Calls `listener` after each change of `joined`. */
  subscribe(listener: () => void): Unsubscribe
}
export interface HistoryPage<In, M extends WsMore> {
  readonly items: readonly HistoryItem<In, M>[]
  /** There is more before the first. */
  readonly more: boolean
}
export type HistoryItem<In, M extends WsMore> = {
  [E in HistoryEvents<M, In>]: { readonly event: E; readonly data: In[E]; readonly at: Position; readonly time: Date }
}[HistoryEvents<M, In>]

/** Who is in a room: a store. Its lists are replaced, never changed. */
export interface Presence<State, Info> {
  readonly members: readonly Member<State, Info>[]
  /** All but the one with this client's own key. */
  readonly others: readonly Member<State, Info>[]
  readonly self: Member<State, Info> | undefined
  /** How many there are. Large rooms send only the first 200 as `members`. */
  readonly count: number
  /** The list may be old: the connection is lost. Nobody is shown as gone before the server says so. */
  readonly stale: boolean
  /** Says something about this client. The newest counts; sent at most every 50 ms, and again after a reconnect. */
  set(state: State | ((before: State | undefined) => State)): void
  /** Takes back what `set` said. The membership stays. */
  clear(): void
  on(change: "join" | "leave" | "update", handler: (member: Member<State, Info>) => unknown): Unsubscribe
  /** Watches the room while there is a listener. */
  subscribe(listener: () => void): Unsubscribe
}
export interface Member<State, Info> {
  /** The user, or the connection where users have no key. */
  readonly key: string
  readonly info: Info
  /** One for each connection (tab, device) that said something, newest first. */
  readonly states: readonly State[]
  readonly state: State | undefined
  readonly connections: number
  readonly since: Date
}
