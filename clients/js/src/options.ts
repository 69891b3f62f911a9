import type { AnySocket } from "./socket/types.js"

/** Why a token is asked for. After `"refused"`, a kept token is known to be bad. */
export type TokenReason = "request" | "connect" | "expiring" | "refused"
/** A token, or a function that is asked each time. It should return the one it has while that is still good. */
export type Token =
  | string
  | ((why: { reason: TokenReason; signal: AbortSignal }) => string | null | undefined | Promise<string | null | undefined>)

/** Headers, or a function that gives them for each call. */
export type HeaderSource = Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)

/** As much of a `WebSocket` as the client uses. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly protocol: string
  send(data: string): void
  close(code?: number, reason?: string): void
  // A handler of any event type may be set: no two implementations agree on one.
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
}
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike

export interface SocketOptions {
  /** Whether `$ws()` connects by itself. Default: in pages, web workers and React Native, or where `WebSocket` is given. */
  connect?: boolean | undefined
  /** What is spoken: `v1` (replies, presence, history), or what the original JStack servers understand. Default: `v1`. */
  profile?: "v1" | "base" | undefined
  /** The longest delay before the first and before any attempt, in ms. The real one is random below it. [500, 20 000] */
  backoff?: readonly [first: number, max: number] | undefined
  /** How long silence may last, and how much longer an answer may take, in ms. The server's `ping` replaces the first. [25 000, 15 000] */
  heartbeat?: readonly [idle: number, wait: number] | undefined
  /** How long one attempt to connect may take, in ms, the token included. 10 000 */
  connectTimeout?: number | undefined
  /** How long `request` waits, in ms. 10 000 */
  requestTimeout?: number | undefined
  /** What is kept while there is no connection: how many events, and how long, in ms. [100, 30 000] */
  queue?: readonly [count: number, age: number] | undefined
  /** How many events are kept that nobody listens to yet. 256 */
  early?: number | undefined
}

export interface ClientOptions {
  /** `https://host/api`, or `/api` in a page. */
  baseUrl: string
  /** For `authorization: Bearer …` in calls, and for sockets. */
  token?: Token | undefined
  headers?: HeaderSource | undefined
  /** Default: `include`. */
  credentials?: RequestCredentials | undefined
  fetch?: typeof fetch | undefined
  /** For Node before 22, for tests, and for one connection in all tabs (`jstack-rs/tabs`). */
  WebSocket?: WebSocketConstructor | undefined
  socket?: SocketOptions | undefined
  /** Gets what no call returns: a handler that threw, a malformed frame, a dropped event. Default: `reportError`. */
  onError?: ((error: unknown, about: ErrorContext) => void) | undefined
}

export interface ErrorContext {
  socket?: AnySocket | undefined
  event?: string | undefined
}

export interface CallOptions {
  headers?: HeaderSource | undefined
  init?: RequestInit | undefined
  fetch?: typeof fetch | undefined
  signal?: AbortSignal | undefined
  /** ms */
  timeout?: number | undefined
}

/** What ends a wait. */
export interface WaitOptions {
  signal?: AbortSignal | undefined
  /** ms */
  timeout?: number | undefined
}
/** `timeout` counts from the call. Waiting for a connection is included. */
export type RequestOptions = WaitOptions
