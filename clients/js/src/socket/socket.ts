// A socket without its events' types: each part of it has a file of its own beside this one. Users see
// it as the interface `Socket`, so what is public here and not there is for the other parts.

import { attempt } from "../attempt.js"
import { entry } from "../entry.js"
import { type Environment, isInteractive } from "../environment.js"
import { SocketError } from "../error.js"
import type { RequestOptions, TokenReason, WaitOptions } from "../options.js"
import { LONGEST, Timers } from "../timers.js"
import { wait } from "../wait.js"
import type { End } from "./closing.js"
import type { Extra, GapFrame, PresenceFrame, RoomFrame, Welcome } from "./frames.js"
import { Link } from "./link.js"
import { type Kept, Outbox } from "./outbox.js"
import { LivePresence } from "./presence.js"
import { Requests } from "./requests.js"
import { LiveRoom } from "./room.js"
import type { Unsubscribe } from "./types.js"

type Answerer = (data: unknown) => unknown
/** The client's own: a server that sends one is not believed. */
const OWN_EVENTS = /^(on(Connect|Disconnect|Error)|p[io]ng)$/

export class LiveSocket extends Link {
  id: string | undefined
  readonly requests: Requests = new Requests()
  /** Those that end with the connection. */
  readonly timers: Timers = new Timers()
  readonly #address: () => string
  readonly #outbox: Outbox
  readonly #answerers = new Map<string, Answerer>()
  readonly #rooms = new Map<string, LiveRoom>()
  readonly #presences = new Map<string, LivePresence>()
  /** The longest message that the server takes, in bytes. */
  #max = Infinity
  /** Since when there was no connection, after there was one. */
  #awaySince: Date | undefined

  constructor(environment: Environment, address: () => string, connect: boolean | undefined = environment.options.connect) {
    super(environment)
    this.#address = address
    this.#outbox = new Outbox(this, environment.options.queue)
    if (connect ?? (environment.client.WebSocket !== undefined || isInteractive())) this.connect()
  }

  // --------------------------------------------------------------------------------- the connection

  get url(): string {
    return this.#address()
  }

  cleanup(): void {
    this.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  ready(options?: WaitOptions): Promise<void> {
    return this.once("onConnect", options) as Promise<void>
  }

  protected up(welcome: Welcome | undefined): void {
    this.id = welcome?.id
    this.#outbox.classes = welcome?.classes ?? {}
    this.#max = welcome?.max ?? Infinity
    this.#expires(welcome?.ttl)
    if (!welcome) this.requests.fail("unsupported", "this server answers no requests")
    // Before anything may follow the hole. Rooms with a history find out by themselves.
    const since = this.#awaySince
    this.#awaySince = undefined
    if (since && !welcome?.history) this.gaps.fire({ room: null, reason: "offline", missed: null, since })
    // What these handlers send goes first: they restore what the server needs to know. Any may close it.
    if (this.isConnected) this.fire("onConnect", undefined)
    if (this.isConnected) this.#outbox.flush()
  }

  /** The link's connection ended, or an attempt failed. */
  protected down({ code, reason, cause }: End, wasOpen: boolean, willRetry: boolean): void {
    this.id = undefined
    this.timers.clear()
    if (wasOpen) this.#awaySince = new Date()
    const isClosed = cause.code === "closed"
    if (!isClosed) this.requests.fail("lost", "lost; it may have been done", true)
    for (const part of [...this.#rooms.values(), ...this.#presences.values()]) part.down()
    if (!willRetry) {
      this.requests.fail(cause.code, cause.message)
      this.#outbox.clear()
    }
    if (wasOpen) this.fire("onDisconnect", { code, reason: reason || cause.message, willRetry, cause })
    else if (!isClosed) this.fire("onError", cause)
  }

  // ------------------------------------------------------------------------------------------ frames

  protected receive(name: string, data: unknown, { i, r, o }: Extra): void {
    if (name.startsWith("$")) {
      if (this.isV1) this.#control(name, data, i)
    } else if (OWN_EVENTS.test(name)) return
    else if (i !== undefined) void this.#answer(name, data, i)
    else if (o !== undefined) this.room(r).take(name, data, o)
    else this.deliver(name, data, {})
  }

  /** What is unknown is ignored: that is how the protocol grows. */
  #control(name: string, data: unknown, i = ""): void {
    if (name === "$ok" || name === "$err") return this.requests.settle(name, data, i)
    const frame = (data ?? {}) as RoomFrame & GapFrame & PresenceFrame
    const room = frame.r ?? ""
    if (name === "$room") {
      this.room(frame.r).joinedOrLeft(frame)
      this.#presences.get(room)?.joinedOrLeft(frame.in)
    } else if (name === "$at") this.room(frame.r).take("", null, frame.o as number)
    else if (name === "$gap") this.room(frame.r).lost(frame)
    else if (name === "$presence") this.#presences.get(room)?.difference(frame)
    else if (name === "$pos")
      for (const [name, [epoch, offset]] of Object.entries(frame as unknown as Record<string, [string, number]>))
        this.#rooms.get(name)?.compare({ epoch, offset })
  }

  // --------------------------------------------------------------------------------------- to the server

  emit(event: string, data?: unknown): boolean {
    const text = encode([event, data ?? null])
    const kept = { event, data, text }
    const why = this.#unfit(text)
    return why ? this.drop(kept, why) : this.#outbox.add(kept)
  }

  request(event: string, data: unknown, { timeout = this.environment.options.requestTimeout ?? 10_000, signal }: RequestOptions = {}): Promise<unknown> {
    const id = this.requests.newId()
    return wait(
      { timeout, signal },
      (resolve, reject) => {
        const text = encode([event, data ?? null, { i: id }])
        const sent = this.isConnected
        this.requests.set(id, { event, sent, resolve, reject })
        const why = this.#unfit(text) ?? (sent && !this.isV1 ? "unsupported" : undefined)
        if (why || !this.#outbox.add({ event, data, text, id })) reject(notSent(event, why ?? (sent ? "lost" : "overflow")))
        return () => {
          this.requests.delete(id)
          this.#outbox.remove(id)
        }
      },
      event,
    )
  }

  /** A frame of the protocol itself. */
  send(name: string, data: unknown): void {
    this.write(encode([name, data]))
  }

  /** Why it cannot be sent, not even later. */
  #unfit(text: string): string | undefined {
    if (!text) return "malformed"
    if (!this.isWanted) return "closed"
    return new TextEncoder().encode(text).length > this.#max ? "too_large" : undefined
  }

  drop({ event, text }: Kept, why: string): false {
    this.tap("dropped", text)
    // To be dropped is what a volatile event is for.
    if (why !== "volatile") this.report(notSent(event, why), event)
    return false
  }

  answer(event: string, answerer: Answerer): Unsubscribe {
    this.#answerers.set(event, answerer)
    return () => {
      if (this.#answerers.get(event) === answerer) this.#answerers.delete(event)
    }
  }

  async #answer(event: string, data: unknown, i: string): Promise<void> {
    const { id } = this
    const answerer = this.#answerers.get(event)
    const fail = (code: string): string => encode(["$err", { code, message: `"${event}": ${code}` }, { i }])
    let text = fail("unsupported")
    try {
      if (answerer) text = JSON.stringify(["$ok", (await answerer(data)) ?? null, { i }])
    } catch (error) {
      // It is reported here. The server learns only that it failed, or the code that was chosen.
      this.report(error, event)
      text = fail(error instanceof SocketError ? error.code : "failed")
    }
    // Another connection was not asked.
    if (this.id === id) this.write(text)
  }

  // -------------------------------------------------------------------------------------- the application

  presence(name: string): LivePresence {
    return entry(this.#presences, name, () => new LivePresence(name, this, this.room(name).joined))
  }

  /** `null` is everybody; its key is the empty text, which no room is called. */
  room(name: string | null = null): LiveRoom {
    return entry(this.#rooms, name ?? "", () => new LiveRoom(name, this))
  }

  // ------------------------------------------------------------------------------------------ credentials

  /** Another token, before the server ends this one: after four fifths of its time. */
  #expires(ttl: number | undefined): void {
    if (!ttl || !this.environment.renews) return
    const ms = Math.min(Math.max(ttl * 0.8, 1000), LONGEST)
    this.timers.set("token", ms, () => this.#renew("expiring").catch(this.report))
  }

  /** Gives the server another token; `false`: there is none. */
  async #renew(reason: TokenReason): Promise<boolean> {
    const { id } = this
    const text = await this.environment.token?.(reason, new AbortController().signal)
    if (!text || !id || this.id !== id) return false
    const answer = (await this.request("$token", text)) as { ttl?: number } | null
    if (this.id === id) this.#expires(answer?.ttl)
    return true
  }

  /** The user has changed: in place where the server agrees, by another connection otherwise. */
  async refresh(): Promise<void> {
    const isRenewed = await this.#renew("refused").catch(() => false)
    // Its user may have closed it meanwhile.
    if (!isRenewed && this.environment.sockets.has(this)) this.restart()
  }
}

const notSent = (event: string, why: string): SocketError => new SocketError(why, `"${event}" not sent: ${why}`, event)

/** Empty: it is not JSON. */
const encode = (frame: unknown[]): string => attempt(() => JSON.stringify(frame)) ?? ""
