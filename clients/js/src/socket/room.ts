// One room's place in its history. This is the one rule of recovery: the server says where the room is
// (`$room`, the offset of each message, `$pos`), the client compares and asks for what it lacks, and
// what arrives meanwhile waits. A reconnect, a lost frame and a hole between servers are all mended by it.
//
// Invariants:
// - `position` is the last offset that was handed over. What is not above it is a repeat.
// - `#held` exists exactly while the past is being fetched; then nothing live is handed over.
// - What the log does not have any more is a gap, raised before what follows it.

import type { SocketError } from "../error.js"
import { Hub } from "../hub.js"
import type { WaitOptions } from "../options.js"
import { Timers } from "../timers.js"
import type { GapFrame, HistoryAnswer, RoomFrame } from "./frames.js"
import type { Handler } from "./listeners.js"
import type { LiveSocket } from "./socket.js"
import type { Gap, HistoryPage, Meta, Position, Room, Unsubscribe } from "./types.js"

/** How many live messages wait. Those beyond are fetched with the rest of the past. */
const HELD = 500
const ATTEMPTS = 5
const FETCH_TIMEOUT = 30_000
const NOWHERE: Position = { epoch: "", offset: 0 }

/** A message as it came, with the room's epoch at that time: the frame itself does not name it. */
type Live = [event: string, data: unknown, offset: number, epoch: string]
type Events = Record<string, unknown>
type Past = { history: string }

export class LiveRoom implements Room<Events, Past> {
  joined = false
  position: Position | undefined
  /** As the server names it: `null` is everybody. */
  readonly #wireName: string | null
  readonly #socket: LiveSocket
  readonly #changed: Hub
  readonly #gaps: Hub<[Gap]>
  readonly #timers = new Timers()
  #held: Live[] | undefined
  /** The newest place that the server has named. */
  #told: Position | undefined
  /** The connection's id when the position was last up to date: the server excluded messages for it. */
  #was: string | undefined
  /** Since when messages may be missing. */
  #since = Date.now()

  constructor(wireName: string | null, socket: LiveSocket) {
    this.#wireName = wireName
    this.#socket = socket
    this.#changed = new Hub(socket.report)
    this.#gaps = new Hub(socket.report)
  }

  get name(): string {
    return this.#wireName ?? ""
  }

  // ------------------------------------------------------------------------------- what the server says

  /** `$room`. */
  joinedOrLeft({ in: joined, e, o = 0 }: RoomFrame): void {
    this.joined = joined
    // Left on purpose: a later join begins where the room is then.
    if (!joined) this.position = this.#held = undefined
    else if (e !== undefined) this.compare({ epoch: e, offset: o })
    this.#changed.fire()
  }

  /** The room is at `told`: is anything missing? */
  compare(told: Position): void {
    this.#told = told
    if (this.#held) return
    const { epoch, offset } = (this.position ??= told)
    if (epoch !== told.epoch || offset < told.offset) void this.#recover([])
    else this.#upToDate()
  }

  /** A live message; an empty name where its offset was not for this connection. */
  take(event: string, data: unknown, offset: number, epoch: string = (this.#told ?? this.position)?.epoch ?? ""): void {
    const { position } = this
    if (this.#held) {
      if (this.#held.length < HELD) this.#held.push([event, data, offset, epoch])
      else this.#told = { epoch, offset }
    } else if (!position) this.#deliver(event, data, {})
    // The log was ahead: of an epoch that is over there is already a gap.
    else if (epoch !== position.epoch) return
    else if (offset > position.offset + 1) void this.#recover([[event, data, offset, epoch]])
    else this.#pass(event, data, offset, epoch)
  }

  /** The connection is lost: what waited will be fetched. */
  down(): void {
    this.#held = this.#told = undefined
    this.#timers.clear()
    if (!this.joined) return
    this.joined = false
    this.#since = Date.now()
    this.#changed.fire()
  }

  /** `$gap`; with a position, the room goes on behind it. */
  lost({ reason, missed, e, o = 0 }: GapFrame): void {
    if (e !== undefined) {
      this.#told = { epoch: e, offset: o }
      // The fetch under way says so as well.
      if (this.#held) return
      const { position } = this
      if (position?.epoch !== e || position.offset < o) return this.#skip(e, o, reason)
      if (position.offset > o) return
    }
    this.gap(reason, missed)
  }

  gap(reason: Gap["reason"], missed: number | null = null): void {
    const gap: Gap = { room: this.#wireName, reason, missed, since: new Date(this.#since) }
    this.#gaps.fire(gap)
    this.#socket.gaps.fire(gap)
  }

  // ----------------------------------------------------------------------------------------- recovery

  /** Fetches what is missing, page by page, and then hands over what waited. */
  async #recover(held: Live[]): Promise<void> {
    this.#held = held
    const from = this.position
    for (let attempt = 1, more = true; more; ) {
      try {
        const was = this.#was === this.#socket.id ? undefined : this.#was
        const answer = await this.#history({ after: pair(this.position), was }, { timeout: FETCH_TIMEOUT })
        if (this.#held !== held) return
        more = this.#apply(answer, held)
      } catch (error) {
        if (this.#held !== held) return
        if ((error as SocketError).retryable && attempt++ < ATTEMPTS) {
          await new Promise<void>(resolve => this.#timers.set("again", 200 * 2 ** attempt, resolve))
        } else {
          // It cannot be had: what waits goes on after it.
          this.#socket.report(error)
          const { epoch, offset } = this.#told ?? from ?? NOWHERE
          const next = held.find(live => live[3] === epoch)
          this.#skip(epoch, next ? next[2] - 1 : offset, "broker")
          more = false
        }
      }
      // Lost, left or closed meanwhile, perhaps by a handler.
      if (this.#held !== held) return
    }
    const told = this.#told
    this.#held = undefined
    this.#upToDate()
    for (const live of held) this.take(...live)
    // Is there more? A server that knew no more than before is not asked again before it says something
    // new, and what it had said about an epoch that is over says nothing now.
    const isOver = told?.epoch === from?.epoch && told?.epoch !== this.position?.epoch
    if (told && !this.#held && from !== this.position && !isOver) this.compare(told)
  }

  /** Hands over one page. Returns whether another follows. */
  #apply({ e, o, items, gap, more }: HistoryAnswer, held: Live[]): boolean {
    const before = this.position
    const first = items[0]?.[2] ?? o + 1
    if (e !== before?.epoch) gap = "reset"
    if (gap) this.#skip(e, first - 1, gap)
    for (const [event, data, offset] of items) if (this.#held === held) this.#pass(event, data, offset, e, true)
    if (this.#held !== held || (more && this.position !== before)) return true
    if (o > (this.position?.offset ?? 0)) this.#skip(e, o, "expired")
    return false
  }

  #pass(event: string, data: unknown, offset: number, epoch: string, replayed?: true): void {
    const before = this.position?.offset ?? 0
    if (offset <= before) return
    // The log has a hole.
    if (offset > before + 1) this.#skip(epoch, offset - 1, "expired")
    const at = (this.position = { epoch, offset })
    this.#since = Date.now()
    if (event) this.#deliver(event, data, replayed ? { at, replayed } : { at })
  }

  #deliver(event: string, data: unknown, meta: Meta): void {
    this.#socket.deliver(event, data, this.#wireName === null ? meta : { room: this.#wireName, ...meta })
  }

  /** What is up to `offset` cannot be had. */
  #skip(epoch: string, offset: number, reason: Gap["reason"]): void {
    const before = this.position ?? NOWHERE
    const missed = before.epoch === epoch ? offset - before.offset : null
    if (missed !== null && missed < 0) return
    this.position = { epoch, offset }
    this.gap(reason, missed)
  }

  #upToDate(): void {
    this.#was = this.#socket.id
    this.#since = Date.now()
  }

  #history(range: object, options: WaitOptions): Promise<HistoryAnswer> {
    return this.#socket.request("$history", { r: this.#wireName, ...range }, options) as Promise<HistoryAnswer>
  }

  // ------------------------------------------------------------------------------------ the user's side

  on(event: string, handler: Handler): Unsubscribe {
    return this.#socket.on(event, (data, meta) => meta.room === this.#wireName && handler(data, meta))
  }

  onGap(handler: (gap: Gap) => unknown): Unsubscribe {
    return this.#gaps.add(handler)
  }

  readonly subscribe = (listener: () => void): Unsubscribe => this.#changed.add(listener)

  async history({
    limit = 50,
    before,
    signal,
  }: { limit?: number | undefined; before?: Position | undefined; signal?: AbortSignal | undefined } = {}): Promise<
    HistoryPage<Events, Past>
  > {
    const { e, items, more = false } = await this.#history({ limit, before: pair(before) }, { signal })
    const page = items.map(([event, data, offset, time]) => ({ event, data, at: { epoch: e, offset }, time: new Date(time) }))
    return { more, items: page.filter(({ event }) => event) }
  }
}

const pair = (position: Position | undefined): [string, number] | undefined =>
  position && [position.epoch, position.offset]
