/** What is wrong with one field of an input. */
export interface Issue {
  path: string
  message: string
}

/** The data of the `error` event: the server refused something that this client sent. */
export interface EventError {
  /** The event that was refused; `null` where the frame was not one. */
  event: string | null
  code: string
  message: string
  issues: Issue[]
}

/**
 * A call was answered with a status outside 200 to 299.
 *
 * ```ts
 * try { await client.post.create.$post({ title: "" }) }
 * catch (e) { if (e instanceof ApiError) for (const { path, message } of e.issues) show(path, message) }
 * ```
 */
export class ApiError extends Error {
  override readonly name: "ApiError" = "ApiError"

  /** `code`: what kind of error it is, `not_found`, `invalid`, or a code of the application. */
  constructor(
    readonly status: number,
    message: string,
    readonly res: Response,
    readonly code: string = String(status),
    readonly issues: readonly Issue[] = [],
  ) {
    super(message)
  }

  /** The same as `res`, under the name that hono's `HTTPException` gives it. */
  getResponse(): Response {
    return this.res
  }
}

/** Codes that the client itself gives. Every other code comes from the server. */
export type LocalCode =
  | "timeout" // no answer in time
  | "aborted" // by the caller's signal
  | "closed" // the socket was closed
  | "lost" // the connection was lost before the answer; the server may have done it
  | "overflow" // the queue was full
  | "expired" // it was in the queue for too long
  | "too_large" // longer than the server takes
  | "unsupported" // the other side does not know how
  | "unauthorized" // there is no token
  | "connect" // no connection came about
  | "malformed" // not a frame, or data that is not JSON

/** The same again may succeed. */
const RETRYABLE = /^(timeout|lost|connect|overflow|rate|unavailable|broker)$/

/** A request, a question or a connection failed. */
export class SocketError extends Error {
  override readonly name: "SocketError" = "SocketError"

  /**
   * `event`: the one it is about. `status`: the HTTP status that says the same, 401, 403, 404, 422, 429 …
   * `after`: the server asks to wait for so many ms before another try.
   */
  constructor(
    readonly code: LocalCode | (string & {}),
    message: string,
    readonly event?: string | undefined,
    readonly issues: readonly Issue[] = [],
    readonly status?: number | undefined,
    readonly after?: number | undefined,
  ) {
    super(message)
  }

  /** Whether the same again may succeed. After `lost` it is not known whether the server did it. */
  get retryable(): boolean {
    return RETRYABLE.test(this.code)
  }
}

/** What `$err` and `$bye` carry. */
export interface Refusal {
  code?: string
  message?: string
  issues?: Issue[]
  status?: number
  after?: number
}

/** The server's refusal as an error. */
export function refused(said: Refusal | null, event?: string): SocketError {
  return new SocketError(said?.code ?? "failed", said?.message ?? "failed", event, said?.issues, said?.status, said?.after)
}
