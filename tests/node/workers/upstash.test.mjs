// An application on Workers and a server share rooms through Upstash's REST API.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { after, afterEach, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Peer } from "./socket.mjs"
import { freePort, worker } from "./support.mjs"
import { TOKEN, upstash } from "./upstash.mjs"

let database, edge, server
const open = []

// The same program as a server, on the same Redis.
async function native(variables = {}) {
  const port = await freePort()
  const child = spawn(process.env.WORKERS_SHARED_NATIVE, [], {
    env: { JSTACK_ADDRESS: `127.0.0.1:${port}`, REDIS_URL: database.redis, JSTACK_BROKER: "upstash", ...variables },
    stdio: ["ignore", "ignore", "pipe"],
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 200; tries++) {
    if (await fetch(`${url}/readyz`).then(answer => answer.ok, () => false)) return { url, stop: () => (child.kill("SIGKILL"), once(child, "exit")) }
    await sleep(50)
  }
  throw new Error("the server does not start")
}

const bindings = (variables = {}) => ({
  JSTACK_BROKER: "upstash",
  UPSTASH_REDIS_REST_URL: database.url,
  UPSTASH_REDIS_REST_TOKEN: TOKEN,
  JSTACK_REDIS_DEADLINE: "1s",
  ...variables,
})

before(async () => {
  database = await upstash()
  edge = await worker(process.env.WORKERS_SHARED, { variables: bindings() })
  server = await native()
})
afterEach(() => {
  open.splice(0).forEach(peer => peer.ws.terminate())
  Object.assign(database, { refuse: undefined, quota: undefined })
})
after(async () => {
  await edge?.stop()
  await server?.stop()
  await database?.stop()
})

async function talk(place, name = "somebody", protocols) {
  const peer = await Peer.open(`${place.url}/api/t/talk?${name}`, { protocols })
  open.push(peer)
  peer.id = (await peer.next("id"))[1]
  return peer
}
const v1 = (place, name) => talk(place, name, ["jstack.v1"])
let rooms = 0
const fresh = () => `Räume/${++rooms}, *`
const until = async (what, is) => {
  for (let tries = 0; tries < 100; tries++) {
    if (await is()) return
    await sleep(100)
  }
  assert.fail(`${what} not in time`)
}

test("a room is one room, in both directions and with every kind of addressee", async () => {
  const room = fresh()
  const [ann, bob] = [await talk(edge, "ann"), await talk(server, "bob")]
  for (const peer of [ann, bob]) await peer.join(room)
  for (const [speaker, text] of [[ann, "from the Worker, \"ä\"\n"], [bob, "from the server, \u{1f600}"]]) {
    speaker.send("say", { room, text })
    for (const peer of [ann, bob]) assert.deepEqual(await peer.next("said"), ["said", { room, text }])
  }
  for (const [speaker, other] of [[ann, bob], [bob, ann]]) {
    speaker.send("sayToOthers", { room, text: "not to me" })
    assert.equal((await other.next("said"))[1].text, "not to me")
    speaker.send("whisper", { to: other.id, text: "to you alone" })
    assert.deepEqual(await other.next("said"), ["said", { room: "whisper", text: "to you alone" }])
    assert.deepEqual(speaker.heard("said"), [])
  }
})

test("all members hear one order, wherever they are and whoever speaks", async () => {
  const room = fresh()
  const peers = [await talk(edge), await talk(edge), await talk(server), await talk(server)]
  for (const peer of peers) await peer.join(room)
  // In bursts, so that several share a batch.
  for (let n = 0; n < 50; n++) peers.forEach((peer, who) => peer.send("say", { room, text: `${who} ${n}` }))
  const heard = await Promise.all(peers.map(async peer => {
    const texts = []
    while (texts.length < 200) texts.push((await peer.next("said"))[1].text)
    return texts
  }))
  assert.equal(new Set(heard.map(texts => texts.join())).size, 1)
  for (const who of [0, 1, 2, 3]) {
    const own = heard[0].filter(text => text.startsWith(`${who} `))
    assert.deepEqual(own, Array.from({ length: 50 }, (_, n) => `${who} ${n}`))
  }
})

test("who is in a room is known in both places", async () => {
  const room = fresh()
  const [ann, bob] = [await v1(edge, "ann"), await v1(server, "bob")]
  for (const peer of [ann, bob]) await peer.join(room)
  let n = 0
  const members = async peer => {
    peer.send("members", room, { i: String(++n) })
    return (await peer.next("$ok"))[1].join()
  }
  for (const peer of [ann, bob]) await until("both", async () => (await members(peer)) === "ann,bob")
})

test("a room that everybody left is not heard any more, and one that is entered again is", async () => {
  const room = fresh()
  const [ann, bob] = [await talk(edge), await talk(server)]
  await bob.join(room)
  assert.equal(database.hears(room), false)
  await ann.join(room)
  assert.equal(database.hears(room), true)
  ann.send("leave", room)
  await until("the end of the stream", () => !database.hears(room))
  await ann.join(room)
  bob.send("say", { room, text: "again" })
  await ann.next("said")
})

test("a stream that is cut is followed by another, and clients of the profile v1 learn of the gap", async () => {
  const room = fresh()
  const [ann, bob] = [await v1(edge, "ann"), await talk(server)]
  for (const peer of [ann, bob]) await peer.join(room)
  database.refuse = { status: 503, error: "down" }
  database.cut()
  bob.send("say", { room, text: "lost" })
  await bob.next("said")
  assert.deepEqual(ann.heard("$gap"), [])
  database.refuse = undefined
  await until("the next stream", () => database.hears(room))
  await ann.next("$gap")
  bob.send("say", { room, text: "after the cut" })
  assert.equal((await ann.next("said"))[1].text, "after the cut")
  assert.match(edge.text(), /Upstash does not work.*listen.*Upstash works again.*listen/s)
})

test("an emit that is not taken fails, and the log says why", async () => {
  const room = fresh()
  const ann = await v1(edge)
  await ann.join(room)
  let n = 0
  const attempt = async () => {
    ann.send("try", { room, text: "?" }, { i: String(++n) })
    return (await ann.next("$ok"))[1]
  }
  assert.equal(await attempt(), "taken")
  for (const [failure, logged] of [
    [{ refuse: { status: 500, error: "ERR internal" } }, /it answered 500: ERR internal/],
    [{ refuse: { status: 401, error: "WRONGPASS" } }, /it does not accept UPSTASH_REDIS_REST_TOKEN \(401\): WRONGPASS/],
    [{ refuse: { status: 429, error: "slow down" } }, /its quota is used up \(429\): slow down/],
    [{ quota: "ERR max daily request limit exceeded" }, /ERR max daily request limit exceeded/],
  ]) {
    Object.assign(database, failure)
    assert.equal(await attempt(), "503 broker: the message broker is unavailable")
    Object.assign(database, { refuse: undefined, quota: undefined })
    assert.match(edge.text(), logged)
    assert.equal(await attempt(), "taken")
  }
  assert.ok(!edge.text().includes(TOKEN))
})

test("a join fails while nothing can be subscribed, and works afterwards", async () => {
  const [room, ann] = [fresh(), await talk(edge)]
  database.refuse = { status: 503, error: "down" }
  ann.send("join", room)
  assert.deepEqual((await ann.next("error"))[1].code, "broker")
  database.refuse = undefined
  await ann.join(room)
})

test("a server that publishes bytes is named in the log, and the gap is not hidden", async () => {
  const bytes = await native({ JSTACK_BROKER: undefined })
  try {
    const room = fresh()
    const [ann, bob] = [await v1(edge, "ann"), await talk(bytes)]
    for (const peer of [ann, bob]) await peer.join(room)
    bob.send("say", { room, text: "in bytes" })
    await ann.next("$gap")
    assert.match(edge.text(), /set JSTACK_BROKER=upstash for it as well/)
    // It reads both forms.
    ann.send("say", { room, text: "as text" })
    await bob.next(frame => frame[0] === "said" && frame[1].text === "as text")
  } finally {
    await bytes.stop()
  }
})

test("what is missing or wrong is said when the application starts", async () => {
  for (const [variables, words] of [
    [{ UPSTASH_REDIS_REST_TOKEN: undefined }, /JSTACK_BROKER=upstash needs UPSTASH_REDIS_REST_TOKEN/],
    [{ UPSTASH_REDIS_REST_URL: "eu1" }, /UPSTASH_REDIS_REST_URL, which must read as `https/],
  ]) {
    const given = Object.fromEntries(Object.entries(bindings(variables)).filter(([, value]) => value !== undefined))
    const wrong = await worker(process.env.WORKERS_SHARED, { variables: given })
    assert.equal((await fetch(`${wrong.url}/api/t/talk`)).status, 500)
    await until("the line", () => words.test(wrong.text()))
    await wrong.stop()
  }
})
