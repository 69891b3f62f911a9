"use client"
// React hooks. Every store is read through `useSyncExternalStore`, so nothing tears; handlers are always
// those of the newest render; what StrictMode mounts twice connects once.

import { useCallback, useEffect, useInsertionEffect, useMemo, useRef, useState, useSyncExternalStore } from "react"
import type { RouteInternals } from "./client.js"
import type { WsMore } from "./contract.js"
import type { SocketError } from "./error.js"
import type { RequestOptions } from "./options.js"
import type { WsRoute } from "./routes.js"
import type {
  AnySocket,
  Gap,
  HistoryItem,
  HistoryPage,
  InfoOf,
  Member,
  Meta,
  Position,
  Presence,
  ReplyOf,
  RoomName,
  Socket,
  StateOf,
  Status,
  SystemEvents,
  Unsubscribe,
} from "./socket/types.js"

type Keys<T> = keyof T & string
type Handlers<In> = { [K in keyof (In & SystemEvents)]?: (data: (In & SystemEvents)[K], meta: Meta) => unknown }

/** A socket whose events are not known here. */
interface Loose {
  on(event: string, handler: (data: unknown, meta: Meta) => unknown): Unsubscribe
  request(event: string, data: unknown, options?: RequestOptions): Promise<unknown>
}

/** The newest value, for what runs later. */
function useNewest<T>(value: T): { readonly current: T } {
  const newest = useRef(value)
  // At the commit: an event may come before effects run.
  useInsertionEffect(() => {
    newest.current = value
  })
  return newest
}

/** Listens with the handlers of the newest render, on whichever socket. The original package's hook. */
export function useWebSocket<In, Out, M extends WsMore>(
  socket: Socket<In, Out, M> | null | undefined,
  events: Handlers<In>,
  { enabled = true }: { enabled?: boolean } = {},
): void {
  const newest = useNewest(events as Record<string, ((data: unknown, meta: Meta) => unknown) | undefined>)
  const names = Object.keys(events).sort().join("\n")
  useEffect(() => {
    if (!enabled || !socket || !names) return
    const offs = names.split("\n").map(name =>
      (socket as unknown as Loose).on(name, (data, meta) => newest.current[name]?.(data, meta)),
    )
    return () => offs.forEach(off => off())
  }, [socket, enabled, names, newest])
}

export interface UseSocketOptions {
  enabled?: boolean
  /** How long the connection is kept after the last component has gone, in ms. 1 000 */
  linger?: number
}

export type UseSocketArgs<M extends WsMore> = M extends { params: infer P }
  ? undefined extends P
    ? [params?: P, options?: UseSocketOptions]
    : void extends P
      ? [params?: Exclude<P, void>, options?: UseSocketOptions]
      : [params: P, options?: UseSocketOptions]
  : [params?: undefined, options?: UseSocketOptions]

interface Shared {
  socket: AnySocket
  users: number
  timer?: ReturnType<typeof setTimeout>
}

/**
 * One socket for all components that name this route and these params. It is closed a second after
 * the last of them has gone.
 *
 * ```tsx
 * const socket = useSocket(client.post.chat, { room })
 * useEvent(socket, "message", message => setMessages(before => [...before, message]))
 * ```
 */
export function useSocket<In, Out, M extends WsMore>(
  route: WsRoute<In, Out, M>,
  ...args: UseSocketArgs<M>
): Socket<In, Out, M> {
  const [params, { enabled = true, linger = 1000 } = {}] = args as [params?: object, options?: UseSocketOptions]
  const key = JSON.stringify(params ?? null)
  const [entry, shared, id] = useMemo(() => {
    const { path, shared, open } = (route as unknown as { "~route": RouteInternals })["~route"]
    const id = `${path.join("/")} ${key}`
    const make = (): Shared => ({ socket: open(params as Record<string, unknown> | undefined), users: 0 })
    // On a server nothing is shared: the next request may be another user's.
    const entry = (typeof window !== "undefined" && (shared.get(id) as Shared | undefined)) || make()
    if (typeof window !== "undefined") shared.set(id, entry)
    return [entry, shared, id] as const
  }, [route, key])
  useEffect(() => {
    if (!enabled) return
    clearTimeout(entry.timer)
    // It may have been closed while this component was suspended.
    shared.set(id, entry)
    if (entry.users++ === 0) entry.socket.connect()
    return () => {
      if (--entry.users > 0) return
      entry.timer = setTimeout(() => {
        entry.socket.close()
        if (shared.get(id) === entry) shared.delete(id)
      }, linger)
    }
  }, [entry, enabled, linger])
  return entry.socket as Socket<In, Out, M>
}

/** Listens to one event. */
export function useEvent<In, Out, M extends WsMore, K extends Keys<In & SystemEvents>>(
  socket: Socket<In, Out, M>,
  event: K,
  handler: (data: (In & SystemEvents)[K], meta: Meta) => unknown,
): void {
  useWebSocket(socket, { [event]: handler } as unknown as Handlers<In>)
}

/** The newest event of this name as state. */
export function useLatest<In, Out, M extends WsMore, K extends Keys<In>>(
  socket: Socket<In, Out, M>,
  event: K,
): In[K] | undefined {
  const [latest, setLatest] = useState<In[K]>()
  useEvent(socket, event, data => setLatest(() => data as In[K]))
  return latest
}

const IDLE: Status = { state: "idle", online: true }

/** Where the socket is in its life. With `select`, renders only when the selected value changes. */
export function useStatus(socket: AnySocket): Status
export function useStatus<T>(socket: AnySocket, select: (status: Status) => T): T
export function useStatus(socket: AnySocket, select: (status: Status) => unknown = status => status): unknown {
  return useSyncExternalStore(
    socket.subscribe,
    () => select(socket.status),
    () => select(IDLE),
  )
}

/** Calls `handler` where messages may be missing. */
export function useGap(socket: Pick<AnySocket, "onGap">, handler: (gap: Gap) => unknown): void {
  const newest = useNewest(handler)
  useEffect(() => socket.onGap(gap => newest.current(gap)), [socket, newest])
}

/** Presence as hooks return it: a new object at each change. */
type Seen<M extends WsMore> = Presence<StateOf<M>, InfoOf<M>>
/** How many components say something about this client in a room. */
const speakers = new WeakMap<object, number>()

/** Who is in a room. With `state`: says it about this client, again when its value changes. Without: only looks on. */
export function usePresence<In, Out, M extends WsMore>(
  socket: Socket<In, Out, M>,
  room: RoomName<M>,
  state?: StateOf<M>,
): Seen<M> {
  const presence = socket.presence(room)
  const last = useRef<{ of: Seen<M>; count: number; seen: Seen<M> } | undefined>(undefined)
  const look = useCallback((): Seen<M> => {
    const { members, others, self, count, stale } = presence
    const seen = last.current?.seen
    if (last.current?.of === presence && seen?.members === members && seen.stale === stale && seen.count === count) return seen
    const made: Seen<M> = {
      members,
      others,
      self,
      count,
      stale,
      set: value => presence.set(value),
      clear: () => presence.clear(),
      on: (change, handler) => presence.on(change, handler),
      subscribe: presence.subscribe,
    }
    last.current = { of: presence, count, seen: made }
    return made
  }, [presence])
  const seen = useSyncExternalStore(presence.subscribe, look, look)

  const text = JSON.stringify(state)
  useEffect(() => {
    if (state !== undefined) presence.set(state)
  }, [presence, text])
  const speaks = state !== undefined
  useEffect(() => {
    if (!speaks) return
    speakers.set(presence, (speakers.get(presence) ?? 0) + 1)
    return () => {
      speakers.set(presence, (speakers.get(presence) ?? 1) - 1)
      // A turn later: another component, or the same one mounted again, may go on.
      setTimeout(() => speakers.get(presence) || presence.clear())
    }
  }, [presence, speaks])
  return seen
}

/** What is selected of the others in a room; renders only when that changes, by value unless `equal` says otherwise. */
export function useOthers<In, Out, M extends WsMore, T>(
  socket: Socket<In, Out, M>,
  room: RoomName<M>,
  select: (others: readonly Member<StateOf<M>, InfoOf<M>>[]) => T,
  equal: (a: T, b: T) => boolean = (a, b) => Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b),
): T {
  const presence = socket.presence(room)
  const last = useRef<{ value: T } | undefined>(undefined)
  const look = (): T => {
    const value = select(presence.others)
    if (!last.current || !equal(last.current.value, value)) last.current = { value }
    return last.current.value
  }
  return useSyncExternalStore(presence.subscribe, look, look)
}

interface HistoryState<Item> {
  readonly items: readonly Item[]
  readonly status: "loading" | "ready" | "error"
  readonly error: SocketError | null
  /** A hole before what is shown, until `reload`. */
  readonly gap: Gap | null
  readonly more: boolean
}
export interface History<Item> extends HistoryState<Item> {
  loadMore(): Promise<void>
  reload(): Promise<void>
}
interface Placed {
  readonly event: string
  readonly data: unknown
  readonly at: Position
  readonly time: Date
}

/** Each once, in the order of the offsets; `newer` is added to `older`. */
function merge<Item extends Placed>(older: readonly Item[], newer: readonly Item[]): Item[] {
  const seen = new Map([...older, ...newer].map(item => [`${item.at.epoch} ${item.at.offset}`, item]))
  return [...seen.values()].sort((a, b) => a.at.offset - b.at.offset)
}

/** A room's past and what follows, in one list, oldest first, each once. Loads when the server has this connection in the room. */
export function useHistory<In, Out, M extends WsMore>(
  socket: Socket<In, Out, M>,
  room: RoomName<M>,
  { limit = 50, keep = 1000 }: { limit?: number; keep?: number } = {},
): History<HistoryItem<In, M>> {
  type Item = HistoryItem<In, M> & Placed
  const [state, setState] = useState<HistoryState<Item>>({ items: [], status: "loading", error: null, gap: null, more: false })
  const view = socket.room(room)
  const joined = useSyncExternalStore(
    view.subscribe,
    () => view.joined,
    () => false,
  )
  /** The list that is shown: answers for another are too late. */
  const current = useRef(0)

  const load = useCallback(
    async (before?: Position) => {
      const mine = before ? current.current : ++current.current
      try {
        const { items, more } = (await view.history({ limit, before })) as HistoryPage<In, M> & { items: Item[] }
        if (mine !== current.current) return
        setState(({ items: old, gap }) => {
          // After a gap, what was shown before the hole goes.
          const kept = before || !gap ? old : old.filter(item => item.at.offset >= (items[0]?.at.offset ?? 0))
          return { items: merge(items, kept), status: "ready", error: null, gap: before ? gap : null, more }
        })
      } catch (error) {
        if (mine === current.current) setState(old => ({ ...old, status: "error", error: error as SocketError }))
      }
    },
    [view, limit],
  )
  useEffect(() => {
    setState({ items: [], status: "loading", error: null, gap: null, more: false })
    const stop = new AbortController()
    const follow = async (): Promise<void> => {
      for await (const { event, data, meta } of socket.events(undefined, { signal: stop.signal })) {
        if (meta.room !== room || !meta.at) continue
        const item = { event, data, at: meta.at, time: new Date() } as unknown as Item
        setState(old => ({ ...old, items: merge(old.items, [item]).slice(-keep) }))
      }
    }
    void follow()
    const offGap = view.onGap(gap => setState(old => ({ ...old, gap })))
    return () => {
      current.current++
      stop.abort()
      offGap()
    }
  }, [socket, view, room, keep])
  useEffect(() => {
    if (joined) void load()
  }, [joined, load])

  const first = state.items[0]?.at
  return { ...state, reload: () => load(), loadMore: () => load(first) }
}

interface RequestState<T> {
  readonly pending: boolean
  readonly error: SocketError | null
  readonly data: T | undefined
}

/** A request as state. `send` also returns the reply, and throws what `request` throws. */
export function useRequest<In, Out, M extends WsMore, K extends Keys<Out>>(
  socket: Socket<In, Out, M>,
  event: K,
  options?: RequestOptions,
): RequestState<ReplyOf<M, K>> & { readonly send: (data: Out[K]) => Promise<ReplyOf<M, K>>; reset(): void } {
  const idle: RequestState<ReplyOf<M, K>> = { pending: false, error: null, data: undefined }
  const [state, setState] = useState(idle)
  const newest = useNewest(options)
  const send = useCallback(
    async (data: Out[K]) => {
      setState(old => ({ ...old, pending: true, error: null }))
      try {
        const reply = await socket.request(event, data, newest.current)
        setState({ pending: false, error: null, data: reply })
        return reply
      } catch (error) {
        setState(old => ({ ...old, pending: false, error: error as SocketError }))
        throw error
      }
    },
    [socket, event, newest],
  )
  return { ...state, send, reset: () => setState(idle) }
}
