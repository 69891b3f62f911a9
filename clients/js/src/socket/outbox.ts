// What waits to be sent: while there is no connection, and while the browser has enough to send.

import type { DeliveryClass } from "./frames.js"
import type { LiveSocket } from "./socket.js"

/** Beyond so many unsent bytes, events that may be dropped or replaced are not added. */
const FULL = 65_536

export interface Kept {
  event: string
  data: unknown
  text: string
  /** A request's id: it ends by itself, and is reliable whatever its event is. */
  id?: string
}

export class Outbox {
  /** Of events that are not reliable. Empty before the first `$welcome`, so until then all are. */
  classes: Record<string, DeliveryClass> = {}
  /** In their order. While the socket is open, only `latest` events are here. */
  readonly #waiting = new Map<unknown, Kept & { since: number }>()
  readonly #socket: LiveSocket
  readonly #limit: number
  readonly #age: number

  constructor(socket: LiveSocket, [limit, age]: readonly [number, number] = [100, 30_000]) {
    this.#socket = socket
    this.#limit = limit
    this.#age = age
  }

  /** Sends it or keeps it; `false`: it was dropped. */
  add(kept: Kept): boolean {
    const { isConnected } = this.#socket
    const [kind, key] = this.#classOf(kept)
    const slot = key ?? kept.id ?? kept
    // A `latest` event that waits is older than this one.
    this.#waiting.delete(slot)
    if (isConnected && !(kind && this.#isFull)) return this.#socket.write(kept.text)
    if (kind === "volatile") return this.#socket.drop(kept, kind)
    if (this.#waiting.size >= this.#limit) return this.#socket.drop(kept, "overflow")
    this.#waiting.set(slot, { ...kept, since: Date.now() })
    if (isConnected) this.#later()
    return true
  }

  /** Takes out a request that ended before it was sent. */
  remove(id: string): void {
    this.#waiting.delete(id)
  }

  /** Sends what waited, in order. */
  flush(): void {
    const { isConnected, requests } = this.#socket
    if (!isConnected) return
    for (const [slot, kept] of this.#waiting) {
      const [kind] = this.#classOf(kept)
      if (kind && this.#isFull) {
        this.#later()
        continue
      }
      this.#waiting.delete(slot)
      const request = requests.get(kept.id ?? "")
      if (request) request.sent = true
      if (kind === "volatile") this.#socket.drop(kept, kind)
      else if (!request && Date.now() - kept.since > this.#age) this.#socket.drop(kept, "expired")
      else this.#socket.write(kept.text)
    }
  }

  clear(): void {
    this.#waiting.clear()
  }

  get #isFull(): boolean {
    return this.#socket.bufferedAmount > FULL
  }

  #later(): void {
    this.#socket.timers.set("drain", 50, () => this.flush())
  }

  /** How it may be treated and, of a `latest` event, the place in which it replaces an older one. */
  #classOf({ event, data, id }: Kept): [kind?: string | null | undefined, slot?: string] {
    const [kind, field] = [(!id && this.classes[event]) || []].flat()
    return kind === "latest" ? [kind, JSON.stringify([event, field && (data as Record<string, unknown> | null)?.[field]])] : [kind]
  }
}
