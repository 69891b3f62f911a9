import { type LocalCode, SocketError } from "./error.js"
import type { WaitOptions } from "./options.js"

/**
 * A promise that ends in any case that the options name. `begin` starts the work, and returns what
 * undoes it; that is called once, however the wait ends.
 */
export function wait<T>(
  { signal, timeout }: WaitOptions,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
  event?: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let undo: (() => void) | undefined
    let over = false
    const end = (settle: () => void): void => {
      if (over) return
      over = true
      clearTimeout(timer)
      signal?.removeEventListener("abort", abort)
      undo?.()
      settle()
    }
    const fail = (error: unknown): void => end(() => reject(error))
    const stop = (code: LocalCode) => (): void => fail(new SocketError(code, `"${event ?? "ready"}": ${code}`, event))
    const abort = stop("aborted")
    const timer = timeout === undefined ? undefined : setTimeout(stop("timeout"), timeout)
    if (signal?.aborted) return abort()
    signal?.addEventListener("abort", abort)
    undo = begin(value => end(() => resolve(value)), fail)
    // It may have ended while it began.
    if (over) undo()
  })
}
