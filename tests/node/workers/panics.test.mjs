// Panics on Cloudflare's runtime. With unwinding one ends its own connection or request. Without, it
// ends the instance: all connections break off, the application starts again, and nothing stays deaf.

import assert from "node:assert/strict"
import { after, afterEach, before, describe, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Peer } from "./socket.mjs"
import { worker } from "./support.mjs"

const unwinds = process.env.WORKERS_PANIC !== "abort"
let server, api
const open = []
before(async () => {
  server = await worker(process.env.WORKERS_BUILD)
  api = `${server.url}/api`
})
afterEach(() => open.splice(0).forEach(peer => peer.ws.terminate()))
after(() => server?.stop())

const talk = async name => {
  const peer = await Peer.open(`${api}/p/talk?${name}`)
  open.push(peer)
  await peer.next("hello")
  return peer
}

// Everything works: a request, a socket, and a message from the one to the other.
async function isWell() {
  const peer = await talk("after")
  await peer.join("well")
  const body = JSON.stringify({ room: "well", text: "still here" })
  const answer = await fetch(`${api}/p/say`, { method: "POST", headers: { "content-type": "application/json" }, body })
  assert.equal(answer.status, 200)
  assert.deepEqual((await peer.next("said"))[1].text, "still here")
}

const inTime = (promise, what) => Promise.race([promise, sleep(5000).then(() => assert.fail(`${what} not in time`))])

describe(unwinds ? "with unwinding" : "without unwinding", () => {
  test("a panic in a handler", async () => {
    const [other, own] = [await talk("other"), await talk("own")]
    own.send("panic", null)
    if (unwinds) {
      assert.deepEqual(await own.closed, [1011, "Internal Server Error"])
      other.send("count", null)
      assert.deepEqual(await other.next("counted"), ["counted", 1])
    } else {
      for (const peer of [own, other]) assert.equal((await inTime(peer.closed, "the break"))[0], 1006)
    }
    await isWell()
  })

  test("a panic in a request is a 500 that leaks nothing", async () => {
    const other = await talk("other")
    const answer = await fetch(`${api}/p/panics`, { method: "POST" })
    assert.equal(answer.status, 500)
    assert.doesNotMatch(await answer.text(), /purpose/)
    if (unwinds) {
      other.send("count", null)
      await other.next("counted")
    } else {
      assert.equal((await inTime(other.closed, "the break"))[0], 1006)
    }
    await isWell()
  })

  test("a panic in a stateless procedure leaves no socket deaf", async () => {
    const other = await talk("other")
    await fetch(`${api}/edge/version`)
    const answer = await fetch(`${api}/edge/breakDown`, { method: "POST" })
    assert.equal(answer.status, 500)
    assert.doesNotMatch(await answer.text(), /purpose/)
    // It answers, or it is closed: the local runtime has one isolate for the Worker and the object.
    other.send("count", null)
    await inTime(Promise.race([other.next("counted"), other.closed]), "an answer or the end")
    await isWell()
  })

  test("one panic after the other", async () => {
    for (let n = 0; n < 5; n++) {
      const peer = await talk("again")
      peer.send("panic", null)
      await inTime(peer.closed, "the end")
    }
    await isWell()
  })
})

test("the log has the panic", () => assert.match(server.text(), /a handler panics on purpose/))
