// Who is in a room. The server sends a list, and then numbered differences. A difference that comes
// before the list waits for it, and a number that is missing asks for the list again.

import type { SocketError } from "../error.js"
import { Hub } from "../hub.js"
import { Timers } from "../timers.js"
import type { MemberFrame, PresenceAnswer, PresenceFrame } from "./frames.js"
import type { LiveSocket } from "./socket.js"
import type { Member, Presence, Unsubscribe } from "./types.js"

type Person = Member<unknown, unknown>
type Change = "join" | "leave" | "update"

/** What this client says is sent at most so often, in ms. */
const PACE = 50

export class LivePresence implements Presence<unknown, unknown> {
  members: readonly Person[] = []
  others: readonly Person[] = []
  self: Person | undefined
  count = 0
  stale = true
  readonly #room: string
  readonly #socket: LiveSocket
  readonly #timers = new Timers()
  readonly #changed: Hub
  readonly #changes: Hub<[Change, Person]>
  /** Each member as it came beside what became of it: who did not change keeps the same object. */
  readonly #people = new Map<string, [text: string, person: Person]>()
  #me: string | undefined
  #mine: unknown
  /** When this client last said something. */
  #saidAt = 0
  #joined: boolean
  /** The number of the last difference; `undefined` before the list. */
  #number: number | undefined
  /** What came since the list was asked for: also what tells one question from another. */
  #early: PresenceFrame[] | undefined

  constructor(room: string, socket: LiveSocket, joined: boolean) {
    this.#room = room
    this.#socket = socket
    this.#joined = joined
    this.#changed = new Hub(socket.report)
    this.#changes = new Hub(socket.report)
  }

  // ------------------------------------------------------------------------------------ the user's side

  readonly subscribe = (listener: () => void): Unsubscribe => {
    const off = this.#changed.add(listener)
    if (this.#changed.size === 1 && !this.#timers.clear("off")) void this.#watch()
    return () => {
      off()
      // A turn later: a component that is only mounted again goes on watching.
      if (!this.#changed.size) this.#timers.set("off", 0, () => this.#unwatch())
    }
  }

  on(change: Change, handler: (member: Person) => unknown): Unsubscribe {
    const offs = [
      this.#changes.add((what, member) => what === change && handler(member)),
      this.subscribe(() => {}),
    ]
    return () => offs.forEach(off => off())
  }

  set(state: unknown): void {
    this.#mine = typeof state === "function" ? state(this.#mine) : state
    const early = this.#saidAt + PACE - Date.now()
    if (early > 0) this.#timers.set("say", early, () => this.#say())
    else this.#say()
  }

  clear(): void {
    this.#mine = undefined
    this.#say()
  }

  // ------------------------------------------------------------------------------- what the server says

  /** `$room`: both the watching and what this client said end with the membership. */
  joinedOrLeft(joined: boolean): void {
    this.#joined = joined
    if (!joined) return this.down()
    if (this.#mine !== undefined) this.#say()
    this.#watch()
  }

  /** The connection is lost. The list stays: only the server says who left. */
  down(): void {
    this.#joined = false
    this.#early = this.#number = undefined
    this.#timers.clear()
    if (this.stale) return
    this.stale = true
    this.#changed.fire()
  }

  /** `$presence`. */
  difference(frame: PresenceFrame): void {
    const { n, set, gone, count } = frame
    if (this.#number === undefined) this.#early?.push(frame)
    else if (n > this.#number + 1) this.#watch()
    else if (n > this.#number) {
      this.#number = n
      this.#replace(set, gone, count, true)
    }
  }

  // -------------------------------------------------------------------------------------------- inside

  #say(): void {
    this.#timers.clear("say")
    this.#saidAt = Date.now()
    if (this.#joined) this.#socket.send("$state", { r: this.#room, s: this.#mine ?? null })
  }

  /** Asks for the list. Only members may, so it waits for `$room`. */
  async #watch(): Promise<void> {
    if (!this.#changed.size || !this.#joined) return
    const early: PresenceFrame[] = (this.#early = [])
    this.#number = undefined
    try {
      const { n, me, members, count } = (await this.#socket.request("$presence", { r: this.#room })) as PresenceAnswer
      if (this.#early !== early) return
      // The first list tells of nobody who came.
      const isFirst = this.#me === undefined
      this.#me = me
      this.#number = n
      const here = new Set(members.map(({ key }) => key))
      const gone = [...this.#people.keys()].filter(key => !here.has(key))
      this.#replace(members, gone, count, !isFirst)
      for (const frame of early) this.difference(frame)
    } catch (error) {
      if (this.#early !== early) return
      if ((error as SocketError).retryable) this.#timers.set("again", 1000, () => this.#watch())
      else this.#socket.report(error)
    }
  }

  #unwatch(): void {
    this.#early = this.#number = undefined
    this.stale = true
    if (this.#joined) this.#socket.send("$presence", { r: this.#room, off: true })
  }

  #replace(set: MemberFrame[] = [], gone: string[] = [], count: number, announce: boolean): void {
    const people = this.#people
    const changes: [Change, Person][] = []
    for (const key of gone) {
      const [, person] = people.get(key) ?? []
      if (person) changes.push(["leave", person])
      people.delete(key)
    }
    for (const frame of set) {
      const text = JSON.stringify(frame)
      const [before] = people.get(frame.key) ?? []
      if (before === text) continue
      const person = personOf(frame)
      people.set(frame.key, [text, person])
      changes.push([before ? "update" : "join", person])
    }
    if (changes.length) {
      this.members = [...people.values()].map(([, person]) => person)
      this.self = people.get(this.#me ?? "")?.[1]
      this.others = this.members.filter(person => person !== this.self)
    }
    this.stale = false
    this.count = count
    if (announce) for (const change of changes) this.#changes.fire(...change)
    this.#changed.fire()
  }
}

const personOf = ({ states = [], since, ...frame }: MemberFrame): Person => ({
  ...frame,
  states,
  state: states[0],
  since: new Date(since),
})
