// Who listens to a socket's events, and what waits until somebody does. The socket itself is built on it.

import type { SocketError } from "../error.js"
import { entry } from "../entry.js"
import { Hub } from "../hub.js"
import type { WaitOptions } from "../options.js"
import { wait } from "../wait.js"
import type { Gap, Meta, Occurrence, Unsubscribe } from "./types.js"

export type Handler = (data: unknown, meta: Meta) => unknown
type Events = Record<string, unknown>
type Early = [event: string, data: unknown, meta: Meta]
type Any = Occurrence<Events>

/** Not an event's name: its listeners get every event. */
const EVERY = ""

export abstract class Listeners {
  readonly #hubs = new Map<string, Hub<[data: unknown, meta: Meta]>>()
  /** What came before anybody listened to its name, in order. */
  #early: Early[] = []
  readonly #limit: number
  /** Here messages may be missing. */
  readonly gaps: Hub<[Gap]>

  abstract readonly isConnected: boolean
  /** For what no call returns. */
  readonly report: (error: unknown, event?: string) => void
  /** Calls `handler` with the cause when nothing will come any more, or at once if it is so. */
  abstract whenClosed(handler: (cause: SocketError) => void): Unsubscribe

  constructor(report: (error: unknown, event?: string) => void, limit = 256) {
    this.report = report
    this.#limit = limit
    this.gaps = new Hub(report)
  }

  on(event: string, handler?: Handler): Unsubscribe {
    if (!handler) return () => {}
    const hub = entry(this.#hubs, event, () => new Hub(error => this.report(error, event)))
    const off = hub.add(handler)
    // It came too late for this one; by then it may be over.
    if (event === "onConnect" && this.isConnected)
      queueMicrotask(() => this.isConnected && hub.call(handler, undefined, {}))
    this.#release(event)
    return off
  }

  off(event: string, handler?: Handler): void {
    this.#hubs.get(event)?.delete(handler)
  }

  /** An event of the server: to its listeners, or kept for the first. */
  deliver(...early: Early): void {
    const [event, data, meta] = early
    const isHeard = this.#hubs.has(event) || !!this.#hubs.get(EVERY)?.size
    // Also where somebody has just begun to listen: behind those that are about to be handed over.
    if (!isHeard || this.#early.some(([waiting]) => waiting === event)) {
      if (isHeard || this.#early.length < this.#limit) this.#early.push(early)
      return
    }
    this.fire(EVERY, { event, data, meta })
    this.fire(event, data, meta)
  }

  /** To the listeners of this name alone: the client's own events are not for iterators. */
  fire(event: string, data: unknown, meta: Meta = {}): void {
    this.#hubs.get(event)?.fire(data, meta)
  }

  onGap(handler: (gap: Gap) => unknown): Unsubscribe {
    return this.gaps.add(handler)
  }

  /** Hands over what waited for this name, or all: a microtask later, as others may begin to listen in this turn. */
  #release(event: string): void {
    queueMicrotask(() => {
      const isDue = ([name]: Early): boolean => name === event || event === EVERY
      const due = this.#early.filter(isDue)
      this.#early = this.#early.filter(early => !isDue(early))
      for (const early of due) this.deliver(...early)
    })
  }

  once(event: string, { where, ...options }: WaitOptions & { where?: ((data: unknown) => boolean) | undefined } = {}): Promise<unknown> {
    return wait(
      options,
      (resolve, reject) => {
        const offs = [
          this.on(event, data => {
            if (!where || where(data)) resolve(data)
          }),
          this.whenClosed(reject),
        ]
        return () => offs.forEach(off => off())
      },
      event,
    )
  }

  /** Where the oldest are dropped, there is one gap until the reader has caught up. */
  events(
    names?: string | readonly string[],
    { signal, buffer = 1000 }: { signal?: AbortSignal | undefined; buffer?: number | undefined } = {},
  ): AsyncIterableIterator<Any> {
    const items: Any[] = []
    let wake = (): void => {}
    let over = false
    let isBehind = false
    const take = (item: Any): void => {
      if (items.push(item) > buffer) {
        items.shift()
        if (!isBehind) this.gaps.fire({ room: null, reason: "overload", missed: null, since: new Date() })
        isBehind = true
      }
      wake()
    }
    const offs = ([names ?? EVERY].flat() as string[]).map(event =>
      this.on(event, (data, meta) => take(event === EVERY ? (data as Any) : { event, data, meta })),
    )
    const stop = (): void => {
      over = true
      offs.forEach(off => off())
      signal?.removeEventListener("abort", stop)
      wake()
    }
    offs.push(this.whenClosed(stop))
    signal?.addEventListener("abort", stop)
    if (over || signal?.aborted) stop()
    // What has come is given out even after the end.
    return (async function* () {
      try {
        for (;;) {
          for (let item; (item = items.shift()); ) yield item
          isBehind = false
          if (over) return
          await new Promise<void>(resolve => (wake = resolve))
        }
      } finally {
        stop()
      }
    })()
  }
}
