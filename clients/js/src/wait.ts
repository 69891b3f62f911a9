import { type LocalCode, SocketError } from "./error.js"
import type { WaitOptions } from "./options.js"

/**
 * A promise that ends in any case that the options name. `begin` starts the work, and returns what
 * undoes it; that is called however the wait ends, before anybody learns of the end, and perhaps again.
 */
export function wait<T>(
  { signal, timeout }: WaitOptions,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
  event?: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let undo: (() => void) | undefined
    let isOver = false
    const end = <A>(settle: (result: A) => void) => (result: A): void => {
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener("abort", abort)
      undo?.()
      settle(result)
    }
    const fail = end(reject)
    const stop = (code: LocalCode) => (): void => fail(new SocketError(code, `"${event}": ${code}`, event))
    const abort = stop("aborted")
    const timer = timeout === undefined ? undefined : setTimeout(stop("timeout"), timeout)
    if (signal?.aborted) return abort()
    signal?.addEventListener("abort", abort)
    undo = begin(end(resolve), fail)
    // It may have ended while it began.
    if (isOver) undo()
  })
}
