// Who listens to a socket's events, and what waits until somebody does. The socket itself is built on it.

import type { SocketError } from "../error.js"
import { Hub } from "../hub.js"
import type { WaitOptions } from "../options.js"
import { wait } from "../wait.js"
import type { Gap, Meta, Occurrence, Unsubscribe } from "./types.js"

export type Handler = (data: unknown, meta: Meta) => unknown
type Events = Record<string, unknown>
type Any = Occurrence<Events>

/** Not an event's name: its listeners get every event. */
const EVERY = ""

export abstract class Listeners {
  readonly #hubs = new Map<string, Hub<[data: unknown, meta: Meta]>>()
  /** What came before anybody listened to its name. */
  readonly #early = new Map<string, [data: unknown, meta: Meta][]>()
  #earlyCount = 0
  readonly #earlyLimit: number
  /** Here messages may be missing. */
  readonly gaps: Hub<[Gap]>

  abstract readonly isConnected: boolean
  /** For what no call returns. */
  readonly report: (error: unknown, event?: string) => void
  /** Calls `handler` with the cause when nothing will come any more, or at once if it is so. */
  abstract whenClosed(handler: (cause: SocketError) => void): Unsubscribe

  constructor(report: (error: unknown, event?: string) => void, earlyLimit = 256) {
    this.report = report
    this.#earlyLimit = earlyLimit
    this.gaps = new Hub(report)
  }

  on(event: string, handler?: Handler): Unsubscribe {
    if (!handler) return () => {}
    let hub = this.#hubs.get(event)
    if (!hub) this.#hubs.set(event, (hub = new Hub(error => this.report(error, event))))
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
  deliver(event: string, data: unknown, meta: Meta): void {
    const waiting = this.#early.get(event)
    const isHeard = this.#hubs.has(event) || !!this.#hubs.get(EVERY)?.size
    // Also where somebody has just begun to listen: behind those that are about to be handed over.
    if (waiting || !isHeard) {
      if (!isHeard && this.#earlyCount >= this.#earlyLimit) return
      this.#earlyCount++
      if (waiting) waiting.push([data, meta])
      else this.#early.set(event, [[data, meta]])
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

  /** Hands over what waited, a microtask later: others may begin to listen in this turn. */
  #release(event: string): void {
    if (!this.#early.has(event)) return
    queueMicrotask(() => {
      const waiting = this.#early.get(event) ?? []
      this.#early.delete(event)
      this.#earlyCount -= waiting.length
      for (const [data, meta] of waiting) this.deliver(event, data, meta)
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
    if (!names) for (const event of this.#early.keys()) this.#release(event)
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
