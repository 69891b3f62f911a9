// The corpus in `clients/conformance`, run by this client. Its README says what each step means.

import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { describe, test } from "node:test"
import { createClient } from "jstack-rs"
import { Queue, scripted, sleep, WebSocket } from "./support.mjs"

const folder = new URL("../../conformance/", import.meta.url)

for (const file of readdirSync(folder).filter(name => name.endsWith(".json")).sort()) {
  describe(file.replace(".json", ""), { concurrency: 8 }, () => {
    for (const script of JSON.parse(readFileSync(new URL(file, folder), "utf8"))) {
      if (!script.skip?.includes("npm")) test(script.name, () => run(script))
    }
  })
}

async function run({ options = {}, let: variables = {}, params, steps }) {
  const server = await scripted()
  const player = new Player(server, options, new Map(Object.entries(variables).map(([name, value]) => [`<${name}>`, value])), params)
  try {
    for (const [index, step] of steps.entries()) {
      await player.play(step).catch(error => {
        error.message = `step ${index + 1}, ${JSON.stringify(step)}: ${error.message}`
        throw error
      })
    }
    await sleep(20)
    player.assertNothingElse()
  } finally {
    player.end()
    await server.close()
  }
}

class Player {
  #events = new Queue()
  #reports = new Queue()
  #tokens = new Queue()
  #results = new Map()
  #changes = new Queue()
  #server
  #variables
  #connection
  #dial
  /** When the server ended a connection: delays count from there. */
  #ended
  #socket

  constructor(server, { token, tokens, ...socket }, variables, params) {
    this.#server = server
    this.#variables = variables
    const next = ({ reason }) => {
      this.#tokens.push(reason)
      const text = tokens.shift()
      if (text?.error) throw new Error(text.error)
      return text
    }
    const client = createClient({
      baseUrl: server.baseUrl,
      WebSocket,
      token: tokens ? next : token,
      socket: { connect: false, backoff: [1, 20], ...socket },
      onError: error => this.#reports.push(error),
    })
    this.client = client
    this.#socket = client.test.socket.$ws(params)
    for (const event of ["a", "b", "c", "error"]) {
      this.#socket.on(event, (data, meta) => this.#events.push({ event: [event, data], meta }))
    }
    this.#socket.onGap(({ since, ...gap }) => {
      assert.ok(since instanceof Date)
      this.#events.push({ gap })
    })
  }

  async play(step) {
    const [verb, value] = Object.entries(step)[0]
    if (["refuse", "hangup", "cut"].includes(verb)) this.#ended = Date.now()
    switch (verb) {
      case "dial":
        return this.#expectDial(value, step)
      case "open":
        this.#connection = await this.#dial.open(value)
        return
      case "refuse":
        return this.#dial.refuse(value)
      case "down":
        return this.#connection.send(...this.#fill(value))
      case "raw":
        return this.#connection.raw(value)
      case "up":
        return this.#match(await this.#connection.frames.next("a frame"), value)
      case "hangup":
        return this.#connection.close(value.code, value.reason)
      case "cut":
        return this.#connection.cut()
      case "closed":
        return includes(await this.#connection.closed, value)
      case "call":
        return this.#call(value, step)
      case "result":
        return this.#expectResult(value, step)
      case "event": {
        const seen = await this.#events.next("an event")
        assert.deepEqual(seen.event, this.#fill(value))
        return includes(seen.meta, this.#fill(step.meta ?? {}))
      }
      case "gap":
        return includes((await this.#events.next("a gap")).gap, value)
      case "report":
        return includes(await this.#reports.next("a report"), value)
      case "token":
        return assert.equal(await this.#tokens.next("a token"), value)
      case "status":
        return this.#expectStatus(value)
      case "presence":
        return this.#expectPresence(value, step)
      case "room":
        return soon(() => includes(this.#socket.room(value), this.#fill(step.is)))
      case "wait":
        return sleep(value)
      case "app":
        return // What the server's application does: for those who test a server.
      default:
        assert.fail(`no such step: ${verb}`)
    }
  }

  async #expectDial({ protocols, query = {} }, { after = [0, 3000] }) {
    const from = this.#ended ?? Date.now()
    this.#ended = undefined
    this.#dial = await this.#server.dials.next("a dial", after[1])
    const ms = Date.now() - from
    // Timers may be a little early.
    assert.ok(ms >= after[0] - 5, `dialled after ${ms} ms`)
    assert.deepEqual(this.#dial.offered, protocols)
    assert.deepEqual(Object.fromEntries(this.#dial.url.searchParams), query)
  }

  #call([what, ...args], { as, returns }) {
    const socket = this.#socket
    const calls = {
      connect: () => socket.connect(),
      close: () => socket.close(...args),
      emit: () => socket.emit(...args),
      request: () => socket.request(args[0], args[1], args[2]),
      refresh: () => this.client.$refresh(),
      history: () => socket.room(args[0]).history(this.#fill(args[1])),
      answer: () => socket.answer(args[0], () => (args[1].error ? Promise.reject(new Error(args[1].error)) : args[1].ok)),
      "emit on connect": () => socket.on("onConnect", () => socket.emit(...args)),
      watch: () => void (this.stop = socket.presence(args[0]).subscribe(() => {})),
      unwatch: () => this.stop(),
      "presence changes": () => {
        for (const change of ["join", "leave", "update"])
          socket.presence(args[0]).on(change, ({ key }) => this.#changes.push(`${change} ${key}`))
      },
      state: () => socket.presence(args[0]).set(args[1]),
      "clear state": () => socket.presence(args[0]).clear(),
    }
    const result = calls[what]()
    if (returns !== undefined) assert.equal(result, returns)
    if (!as) return
    // Looked at later.
    this.#results.set(as, Promise.allSettled([result]).then(([settled]) => settled))
  }

  async #expectResult(name, { ok, error }) {
    const late = sleep(3000, undefined, { ref: false }).then(() => assert.fail(`no result of ${name}`))
    const settled = await Promise.race([this.#results.get(name), late])
    if (error) return includes(settled.reason ?? assert.fail(`${name} did not fail`), error)
    assert.equal(settled.reason, undefined)
    const plain = JSON.parse(JSON.stringify(settled.value ?? null))
    typeof ok === "object" && ok !== null ? includes(plain, this.#fill(ok)) : assert.deepEqual(plain, ok)
  }

  /** Now or soon. */
  async #expectStatus({ cause, ...wanted }) {
    const look = () => {
      const { status } = this.#socket
      includes(status, wanted)
      if (cause === null) assert.equal(status.cause, null)
      else if (cause) includes(status.cause, cause)
    }
    await soon(look)
  }

  async #expectPresence(room, { is, changes }) {
    const presence = this.#socket.presence(room)
    const keys = list => list.map(member => member.key)
    await soon(() => {
      const { members, others, self, count, stale } = presence
      const states = Object.fromEntries(members.map(({ key, state }) => [key, state ?? null]))
      includes({ members: keys(members), others: keys(others), self: self?.key ?? null, count, stale, states }, is)
    })
    for (const change of changes ?? []) assert.equal(await this.#changes.next(change), change)
  }

  assertNothingElse() {
    const left = {
      events: this.#events.items,
      reports: this.#reports.items.map(error => String(error)),
      tokens: this.#tokens.items,
      // A client of the base profile asks a silent server whenever that is due.
      frames: (this.#connection?.frames.items ?? []).filter(([name]) => name !== "ping"),
      dials: this.#server.dials.items.length,
    }
    assert.deepEqual(left, { events: [], reports: [], tokens: [], frames: [], dials: 0 })
  }

  end() {
    this.#socket.close()
  }

  /** With the variables' values. */
  #fill(value) {
    return JSON.parse(JSON.stringify(value), (_, item) =>
      this.#isVariable(item) ? (this.#variables.get(item) ?? assert.fail(`${item} has no value`)) : item,
    )
  }

  #isVariable(item) {
    return typeof item === "string" && /^<\w+>$/.test(item)
  }

  /** As `deepEqual`, but that a variable without a value takes what is there. */
  #match(actual, wanted) {
    const bind = (item, pattern) => {
      if (this.#isVariable(pattern) && !this.#variables.has(pattern)) this.#variables.set(pattern, item)
      else if (pattern && typeof pattern === "object") for (const key of Object.keys(pattern)) bind(item?.[key], pattern[key])
    }
    bind(actual, wanted)
    assert.deepEqual(actual, this.#fill(wanted))
  }
}

/** Every key of `wanted`, in depth. */
function includes(actual, wanted) {
  for (const [key, value] of Object.entries(wanted)) assert.deepEqual(actual?.[key], value, `${key}: ${JSON.stringify(actual?.[key])}`)
}

async function soon(look, ms = 1500) {
  for (const end = Date.now() + ms; ; ) {
    try {
      return look()
    } catch (error) {
      if (Date.now() > end) throw error
      await sleep(3)
    }
  }
}
