// One socket's connection: it is dialled, watched, lost and dialled again.
//
//   idle ──connect()──▶ connecting ──$welcome──▶ open ──lost──▶ reconnecting ──▶ open …
//                            │                     │                 │
//                            └── final or close() ─┴─────────────────┴──▶ closed ──connect()──▶ connecting
//
// Invariants:
// - At most one attempt runs: `#dialing` (a token is being fetched) or `#ws`, never both.
// - While `#wanted`, exactly one of these is true: an attempt runs, `#ws` is open, the timer `retry`
//   runs, or the page is in the back/forward cache and `pageshow` will go on.
// - After `closed` there is no timer and no listener on the page.
// - A connection counts as good after five seconds; before that the delays go on growing.
//
// A server of the base profile selects no subprotocol, and then a browser fails the whole connection. So
// after two attempts that failed before they opened, each such failure is followed at once by an attempt
// without subprotocols. Two, because one failure is often an accident, and the base profile has much
// less. A server that has spoken v1 once is never tried without.

import { attempt } from "../attempt.js"
import { type Environment, isHidden, isOnline, watchPage } from "../environment.js"
import { type LocalCode, SocketError } from "../error.js"
import { Hub } from "../hub.js"
import type { WebSocketConstructor, WebSocketLike } from "../options.js"
import type { TappedFrame } from "../routes.js"
import { LONGEST, Timers } from "../timers.js"
import { type Bye, type End, judge } from "./closing.js"
import type { Extra, Welcome } from "./frames.js"
import { Listeners } from "./listeners.js"
import type { AnySocket, Status, Unsubscribe } from "./types.js"

const PROTOCOL = "jstack.v1"
/** How late a timer may be before the machine must have slept. */
const LATE = 2000
/** How long a connection that slept may take to prove itself. */
const PROBE = 5000
/** After how long a loss is worth showing, and a connection counts as good. */
const LASTING = 5000
const NOT_SELECTED = "the server, or a proxy, did not select jstack.v1"

type StatusWithoutOnline<S = Status> = S extends Status ? Omit<S, "online"> : never

export abstract class Link extends Listeners implements AnySocket {
  status: Status = { state: "idle", online: isOnline() }
  /** Between `connect` and the end for good. */
  isWanted = false
  readonly environment: Environment
  readonly #heartbeat: readonly [idle: number, wait: number]
  readonly #changed = new Hub(this.report)
  readonly #timers = new Timers()
  #ws: WebSocketLike | undefined
  #dialing: AbortController | undefined
  #attempts = 0
  /** How many attempts with v1 failed before they opened. */
  #missed = 0
  /** When the last open connection was lost; 0 before the first was open. */
  #lostAt = 0
  #cause: SocketError | undefined
  #retryAt: Date | null = null
  #bye: Bye | undefined
  /** The server refused the last token, so the next one must be another. */
  #refused = false
  #heardAt = 0
  #patience = 0
  #unwatch: Unsubscribe | undefined

  constructor(environment: Environment) {
    super((error, event) => environment.report(error, { socket: this, event }), environment.options.early)
    this.environment = environment
    this.#heartbeat = environment.options.heartbeat ?? [25_000, 15_000]
  }

  abstract readonly url: string
  /** It is open; `welcome` is missing in the base profile. */
  protected abstract up(welcome: Welcome | undefined): void
  /** The connection ended, or an attempt failed. */
  protected abstract down(end: End, wasOpen: boolean, willRetry: boolean): void
  protected abstract receive(name: string, data: unknown, extra: Extra): void
  /** The user has changed. */
  abstract refresh(): Promise<void>

  get isConnected(): boolean {
    return this.status.state === "open"
  }

  get isV1(): boolean {
    return (this.status as { profile?: string }).profile === "v1"
  }

  get bufferedAmount(): number {
    return this.#ws?.bufferedAmount ?? 0
  }

  readonly subscribe = (listener: () => void): Unsubscribe => this.#changed.add(listener)

  whenClosed(handler: (cause: SocketError) => void): Unsubscribe {
    const look = (): void => {
      if (this.status.state === "closed") handler(this.status.cause ?? closed())
    }
    look()
    return this.subscribe(look)
  }

  connect(): void {
    if (!this.isWanted) {
      this.isWanted = true
      this.#attempts = this.#lostAt = 0
      this.#refused = false
      this.#unwatch = watchPage(this.#onPage)
      this.environment.sockets.add(this)
    }
    if (this.#ws || this.#dialing) return
    this.#timers.clear("retry")
    this.#retryAt = null
    this.#begin()
    this.#say()
  }

  close(code = 1000, reason = ""): void {
    this.environment.sockets.delete(this)
    if (this.status.state === "closed") return
    this.#hangUp(code, reason)
    this.#finish({ code, reason, cause: closed() }, null)
  }

  /** Drops the connection, if there is one, and dials again at once. */
  restart(): void {
    if (this.isConnected) this.#giveUp("lost", "connecting", { after: 0 })
    else this.#hangUp()
    this.connect()
  }

  write(text: string): boolean {
    this.tap("out", text)
    return !!attempt(() => {
      this.#ws?.send(text)
      return this.#ws
    })
  }

  tap(direction: TappedFrame["direction"], text: string): void {
    this.environment.taps.fire({ socket: this, direction, text, time: Date.now() })
  }

  /** The status of a connection that is on its way. */
  #say(): void {
    const attempt = this.#attempts
    this.#set(
      this.#lostAt && this.#cause
        ? {
            state: "reconnecting",
            attempt,
            retryAt: this.#retryAt,
            since: new Date(this.#lostAt),
            lost: Date.now() - this.#lostAt >= LASTING,
            cause: this.#cause,
          }
        : { state: "connecting", attempt: attempt + 1 },
    )
  }

  #set(status: StatusWithoutOnline): void {
    this.status = { ...status, online: isOnline() } as Status
    this.#changed.fire()
  }

  // ------------------------------------------------------------------------------------- one attempt

  /** A microtask later: what React mounts twice and closes in between never dials. */
  #begin(plain?: boolean): void {
    const { signal } = (this.#dialing = new AbortController())
    queueMicrotask(() => !signal.aborted && this.#dial(signal, plain))
  }

  async #dial(signal: AbortSignal, plain?: boolean): Promise<void> {
    const { client, options, token } = this.environment
    const Socket = client.WebSocket ?? (globalThis.WebSocket as WebSocketConstructor)
    const protocols = plain || options.profile === "base" ? [] : [PROTOCOL]
    this.#timers.set("open", options.connectTimeout ?? 10_000, () => this.#giveUp("timeout", "cannot connect"))
    if (protocols.length && token) {
      try {
        const text = await token(this.#refused ? "refused" : "connect", signal)
        if (text) protocols.push(`jstack.bearer.${base64url(text)}`)
      } catch (error) {
        if (!signal.aborted) this.#giveUp("unauthorized", `no token: ${error}`)
        return
      }
    }
    if (signal.aborted) return
    this.#dialing = undefined
    try {
      this.#listen(new Socket(this.url, protocols), protocols)
    } catch (error) {
      // A bad address, or no WebSocket at all (then the option is missing): no attempt mends it.
      this.#giveUp("connect", `${error}`, { final: true })
    }
  }

  #listen(ws: WebSocketLike, { length: offered }: string[]): void {
    this.#ws = ws
    this.#bye = undefined
    let reached = false
    ws.onopen = () => {
      reached = true
      if (ws.protocol === PROTOCOL) return
      if (this.environment.options.profile !== "base") this.report(new SocketError("unsupported", NOT_SELECTED))
      this.#opened()
    }
    // What it means comes with `onclose`.
    ws.onerror = () => {}
    ws.onmessage = ({ data }: { data: unknown }) => this.#receive(data)
    ws.onclose = ({ code, reason }: { code: number; reason: string }) => {
      if (reached || !offered || this.environment.spoken || this.#missed++ === 0)
        return this.#lost(judge(code, reason, this.isConnected, this.#bye, ws.protocol === PROTOCOL))
      this.#hangUp()
      this.#begin(true)
    }
  }

  #opened(welcome?: Welcome): void {
    const [idle, more] = this.#heartbeat
    this.#patience = welcome ? (welcome.ping ?? idle) + more : idle
    this.#heardAt = Date.now()
    this.#timers.clear("open", "lost")
    this.#timers.set("stable", LASTING, () => {
      this.#attempts = 0
      this.#refused = false
    })
    this.#watchSilence(this.#patience)
    if (welcome) this.environment.spoken = true
    this.#set({ state: "open", since: new Date(), profile: welcome ? "v1" : "base" })
    // A listener of the status may have closed it.
    if (this.isConnected) this.up(welcome)
  }

  #receive(data: unknown): void {
    this.#heardAt = Date.now()
    const frame = attempt<unknown>(() => JSON.parse(data as string))
    if (!Array.isArray(frame) || typeof frame[0] !== "string")
      return this.report(new SocketError("malformed", `not a frame: ${String(data).slice(0, 99)}`))
    const [name, value, extra = {}] = frame as [string, unknown, Extra?]
    this.tap("in", data as string)
    if (name === "$welcome" && !this.isConnected) this.#opened(value as Welcome)
    else if (name === "$bye") this.#bye = value as Bye
    else this.receive(name, value, extra)
  }

  // --------------------------------------------------------------------------------------- its end

  /** Ends what runs, without a word to anybody. */
  #hangUp(code?: number, reason?: string): void {
    const ws = this.#ws
    this.#dialing?.abort()
    this.#dialing = this.#ws = undefined
    this.#timers.clear("open", "silence", "stable", "retry")
    if (!ws) return
    // `onerror` stays: in Node an error that nobody hears ends the process.
    ws.onopen = ws.onmessage = ws.onclose = null
    try {
      ws.close(code, reason)
    } catch {
      // A code or a reason that browsers refuse.
      ws.close()
    }
  }

  #giveUp(code: LocalCode, message: string, more?: Partial<End>): void {
    this.#lost({ code: 1006, reason: message, cause: new SocketError(code, message), ...more })
  }

  #lost(end: End): void {
    this.#hangUp()
    let { final, after, cause } = end
    if (end.unauthorized && this.environment.renews && !this.#refused) {
      // Once: another refusal of a new token is final.
      this.#refused = true
      final = false
      after ??= 0
    }
    if (final) return this.#finish(end, cause)
    const wasOpen = this.isConnected
    const [first, longest] = this.environment.options.backoff ?? [500, 20_000]
    const delay = after ?? Math.random() * Math.min(longest, first * 2 ** this.#attempts)
    const now = Date.now()
    this.#attempts++
    this.#cause = cause
    if (wasOpen) {
      this.#lostAt = now
      this.#timers.set("lost", LASTING, () => this.#say())
    }
    this.#retryAt = delay < LONGEST ? new Date(now + delay) : null
    if (this.#retryAt) this.#timers.set("retry", delay, () => this.connect())
    this.#say()
    this.down(end, wasOpen, true)
  }

  #finish(end: End, cause: SocketError | null): void {
    const wasOpen = this.isConnected
    this.isWanted = false
    this.#unwatch?.()
    this.#timers.clear()
    this.#set({ state: "closed", code: end.code, cause })
    this.down(end, wasOpen, false)
  }

  // ----------------------------------------------------------------------------------- signs of life

  /**
   * Waits for `ms` and then judges the silence. In profile v1 the server speaks in time, so silence is
   * the end; in the base profile it is asked first. `askedAt`: a ping is on its way since then.
   */
  #watchSilence(ms: number, askedAt?: number): void {
    const due = Date.now() + ms
    this.#timers.set("silence", ms, () => {
      const now = Date.now()
      const left = this.#heardAt + this.#patience - now
      if (askedAt ? this.#heardAt >= askedAt : left > 0) this.#watchSilence(Math.max(left, 1))
      // A timer that is late slept with the machine, and proves nothing.
      else if (now > due + LATE) this.#probe(PROBE)
      else if (!askedAt && !this.isV1) this.#probe(this.#heartbeat[1])
      else this.#giveUp("lost", "the server is silent")
    })
  }

  #probe(ms: number): void {
    this.#watchSilence(ms, Date.now())
    this.write('["ping",null]')
  }

  readonly #onPage = ({ type }: { type: string }): void => {
    if (type === "online" || type === "offline") this.#set(this.status)
    // An open connection would keep the page out of the back/forward cache. It is back when the page is.
    if (type === "pagehide") this.#giveUp("lost", "the page is hidden", { after: LONGEST })
    else if (type === "offline" || isHidden()) return
    else if (this.isConnected) this.#probe(PROBE)
    else this.connect()
  }
}

const closed = (): SocketError => new SocketError("closed", "the socket is closed")

/** Credentials are ASCII, as they are in headers. */
const base64url = (text: string): string => btoa(text).replace(/[+/=]/g, sign => ({ "+": "-", "/": "_" })[sign] ?? "")
