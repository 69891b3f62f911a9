// Rooms with a history under fire: cuts, delays, lost frames, refused and failing reads, a log that is too
// short, a memory that begins again. The oracle knows all that was said, and what it was said to:
// each message arrives once and in order, or a gap says that it did not.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { createClient } from "jstack-rs"
import { memorySockets } from "./memory.mjs"
import { sleep, until } from "./support.mjs"

const SEEDS = Number(process.env.JSTACK_FUZZ ?? 300)
const FIRST = Number(process.env.JSTACK_FUZZ_SEED ?? 1)

/** A small generator of repeatable numbers (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One room of a server that loses, delays, refuses and forgets. */
class FaultyServer {
  epoch = "e1"
  log = []
  top = 0
  /** All that was ever said: [epoch, offset, whether this client was excluded]. */
  said = []
  connections = new Set()
  faults = true
  #count = 0
  #keep
  #chance
  #random

  constructor(random, keep) {
    this.#random = random
    this.#chance = p => this.faults && random() < p
    this.#keep = keep
  }

  accept = peer => {
    // Frames keep their order, whatever they wait.
    let before = Promise.resolve()
    const later = run => (before = before.then(() => sleep(this.#random() * 4)).then(run))
    const connection = { id: `s${++this.#count}`, joined: false, send: (...frame) => void later(() => peer.send(...frame)) }
    // It is of profile v1 and takes nothing else here: a base connection has no history to look at.
    if (!peer.protocols.length || this.#chance(0.15)) return void later(() => peer.end())
    later(() => peer.open())
    connection.send("$welcome", { v: 1, id: connection.id, ping: 25_000, history: true })
    later(() => {
      this.connections.add(connection)
      connection.joined = true
      peer.send("$room", { r: "r", in: true, e: this.epoch, o: this.top })
    })
    connection.cut = () => {
      this.connections.delete(connection)
      peer.end()
    }
    peer.onclose = () => this.connections.delete(connection)
    peer.onmessage = ([name, data, { i } = {}]) => {
      if (name === "ping") return connection.send("pong", null)
      if (name === "$history") later(() => this.#history(data, i, connection, peer))
    }
  }

  #history({ after: [epoch, offset], was }, i, connection, peer) {
    if (this.#chance(0.1)) return peer.send("$err", { code: "unavailable", message: "later", status: 503 }, { i })
    if (this.#chance(0.02)) return peer.send("$err", { code: "failed", message: "no", status: 500 }, { i })
    const isReset = epoch !== this.epoch
    const from = isReset ? 0 : offset
    const entries = this.log.filter(entry => entry.offset > from)
    const first = this.log[0]?.offset ?? this.top + 1
    const gap = isReset ? "reset" : first > from + 1 ? "expired" : undefined
    const page = entries.slice(0, 7)
    const items = page.map(({ offset, except }) => (except && [connection.id, was].includes(except) ? ["", null, offset, 0] : ["m", `${this.epoch}:${offset}`, offset, 0]))
    peer.send("$ok", { e: this.epoch, o: this.top, items, more: page.length < entries.length, ...(gap && { gap }) }, { i })
  }

  say() {
    const offset = ++this.top
    const [one] = this.connections
    const except = one && this.#chance(0.1) ? one.id : undefined
    this.said.push([this.epoch, offset, !!except])
    this.log.push({ offset, except })
    if (this.log.length > this.#keep) this.log.shift()
    for (const connection of this.connections) {
      if (this.#chance(0.05)) continue
      if (connection.id === except) connection.send("$at", { r: "r", o: offset })
      else connection.send("m", `${this.epoch}:${offset}`, { r: "r", o: offset })
    }
  }

  reset() {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`
    this.log = []
    this.top = 0
    // A server that notices says so at once.
    for (const connection of this.connections) connection.send("$room", { r: "r", in: true, e: this.epoch, o: 0 })
  }

  where() {
    for (const connection of this.connections) connection.send("$pos", { r: [this.epoch, this.top] })
  }

  cut() {
    for (const connection of this.connections) connection.cut()
  }
}

async function run(seed) {
  const next = random(seed)
  const server = new FaultyServer(next, seed % 3 === 0 ? 12 : 1000)
  const client = createClient({
    baseUrl: "http://localhost",
    WebSocket: memorySockets(server.accept),
    socket: { backoff: [1, 8] },
    onError: error => assert.ok(["failed", "connect", "unsupported"].includes(error.code), error),
  })
  try {
    await story(client.a.b.$ws(), server, next, seed)
  } finally {
    client.$close()
  }
}

async function story(socket, server, next, seed) {
  const seen = []
  socket.on("m", (data, { at }) => {
    assert.equal(data, `${at.epoch}:${at.offset}`)
    seen.push(["message", at.epoch, at.offset])
  })
  socket.onGap(({ room, reason, missed }) => seen.push(["gap", room, reason, missed]))
  await until(() => socket.room("r").position !== undefined, "the first place")
  const begin = socket.room("r").position

  const steps = 60 + Math.floor(next() * 60)
  for (let step = 0; step < steps; step++) {
    const dice = next()
    if (dice < 0.75) server.say()
    else if (dice < 0.8) server.cut()
    else if (dice < 0.83) server.where()
    else if (dice < 0.835) server.reset()
    if (next() < 0.5) await sleep(next() * 4)
  }
  server.faults = false
  await until(() => socket.isConnected, `seed ${seed}: connected`)
  const arrived = () => {
    const { position } = socket.room("r")
    return position?.epoch === server.epoch && position.offset === server.top
  }
  for (let tries = 0; !arrived() && tries < 100; tries++) {
    server.where()
    await sleep(25)
  }
  assert.ok(arrived(), `seed ${seed}: at ${JSON.stringify(socket.room("r").position)}, not at ${server.epoch}:${server.top}`)
  check(seen, server.said, begin, seed)
}

/** Walks through all that was said, with what was heard of it. */
function check(seen, said, begin, seed) {
  const story = JSON.stringify(seen)
  let expected = said.filter(([epoch, offset]) => epoch > begin.epoch || offset > begin.offset)
  if (begin.offset) expected = expected.filter(([epoch, offset]) => epoch !== begin.epoch || offset > begin.offset)
  let explained = false
  for (const [what, ...rest] of seen) {
    if (what === "gap") {
      assert.equal(rest[0], "r", `seed ${seed}: ${story}`)
      explained = true
      continue
    }
    const [epoch, offset] = rest
    const at = expected.findIndex(([e, o]) => e === epoch && o === offset)
    assert.ok(at >= 0, `seed ${seed}: ${epoch}:${offset} twice or out of order: ${story}`)
    const skipped = expected.splice(0, at + 1).slice(0, -1).filter(([, , except]) => !except)
    assert.ok(explained || !skipped.length, `seed ${seed}: ${JSON.stringify(skipped)} missing before ${epoch}:${offset}: ${story}`)
    explained = false
  }
  const left = expected.filter(([, , except]) => !except)
  assert.ok(explained || !left.length, `seed ${seed}: ${JSON.stringify(left)} missing at the end: ${story}`)
}

describe("rooms under fire", { concurrency: 50 }, () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) test(`seed ${seed}`, () => run(seed))
})
