// What the documentation promises, on Cloudflare's runtime.

import assert from "node:assert/strict"
import { after, afterEach, before, describe, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Peer, refusal } from "./socket.mjs"
import { worker } from "./support.mjs"

let server, api
const open = []
before(async () => {
  const variables = {
    JSTACK_BODY_BYTES: "64KiB",
    JSTACK_HANDLER_TIMEOUT: "500ms",
    JSTACK_QUEUE_FRAMES: "9",
    UPSTASH_REDIS_REST_URL: "https://x.upstash.io",
  }
  server = await worker(process.env.WORKERS_BUILD, { variables })
  api = `${server.url}/api`
})
afterEach(() => open.splice(0).forEach(peer => peer.ws.terminate()))
after(() => server?.stop())

const talk = async (name = "ann", options) => {
  const peer = await Peer.open(`${api}/p/talk?${name}`, options)
  open.push(peer)
  return peer
}
const v1 = name => talk(name, { protocols: ["jstack.v1"] })
const post = (path, body) =>
  fetch(`${api}/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
const get = async path => (await fetch(`${api}/${path}`)).json()
const query = value => encodeURIComponent(JSON.stringify({ json: value }))
let rooms = 0
const fresh = () => `room ${++rooms}`

describe("sockets", () => {
  test("a refusal before the upgrade has its status and its words", async () => {
    const [status, text] = await refusal(`${api}/p/talk?refused`)
    assert.equal(status, 403)
    assert.match(text, /not you/)
    assert.equal((await refusal(`${api}/p/nothing`))[0], 404)
    const plain = await fetch(`${api}/p/talk`)
    assert.equal(plain.status, 426)
    assert.equal((await fetch(`${api}/p/talk`, { method: "POST" })).status, 405)
  })

  test("a page of another origin is refused, and one of the same is not", async () => {
    assert.equal((await refusal(`${api}/p/talk`, { headers: { origin: "https://evil.example" } }))[0], 403)
    await talk("own", { headers: { origin: server.url } })
  })

  test("what `#[connect]` emits comes first, and the session is kept", async () => {
    const peer = await talk("ann")
    assert.deepEqual(await peer.next(() => true), ["hello", "ann"])
    for (const count of [1, 2, 3]) {
      peer.send("count", null)
      assert.deepEqual(await peer.next("counted"), ["counted", count])
    }
  })

  test("a join is heard when it returns, and a leave ends it", async () => {
    const [room, ann, bob] = [fresh(), await talk(), await talk("bob")]
    await ann.join(room)
    await bob.join(room)
    ann.send("leave", room)
    ann.send("count", null)
    await ann.next("counted")
    bob.send("say", { room, text: "gone?" })
    await bob.next("said")
    ann.send("count", null)
    await ann.next("counted")
    assert.deepEqual(ann.heard("said"), [])
  })

  test("all members hear one order, from sockets and from requests", async () => {
    const room = fresh()
    const peers = await Promise.all(["a", "b", "c", "d", "e"].map(name => talk(name)))
    for (const peer of peers) await peer.join(room)
    const posts = Array.from({ length: 20 }, (_, n) => post("p/say", { room, text: `post ${n}` }))
    for (let n = 0; n < 40; n++) for (const peer of peers) peer.send("say", { room, text: `${n}` })
    for (const answer of await Promise.all(posts)) assert.equal(answer.status, 200)
    const heard = await Promise.all(peers.map(async peer => {
      const texts = []
      while (texts.length < 220) texts.push((await peer.next("said"))[1].text)
      return texts.join()
    }))
    assert.equal(new Set(heard).size, 1)
  })

  test("a request has been heard when it is answered", async () => {
    const [room, peer] = [fresh(), await talk()]
    await peer.join(room)
    assert.equal((await post("p/say", { room, text: "from a request" })).status, 200)
    assert.deepEqual(await peer.next("said"), ["said", { room, text: "from a request" }])
  })

  test("errors name the event and the fields, and the connection stays", async () => {
    const peer = await talk()
    peer.send("say", { room: "", text: "" })
    const [, error] = await peer.next("error")
    assert.deepEqual([error.event, error.code, error.issues.map(issue => issue.path)], ["say", "invalid", ["room", "text"]])
    peer.send("nonsense", 1)
    assert.equal((await peer.next("error"))[1].code, "unknown_event")
    peer.send("count", null)
    await peer.next("counted")
  })

  test("a handler that takes too long is cancelled, and pings are answered meanwhile", async () => {
    const peer = await talk()
    peer.send("hang", null)
    peer.send("ping", null)
    await peer.next("pong")
    assert.equal((await peer.next("error"))[1].code, "timeout")
    peer.send("count", null)
    await peer.next("counted")
  })

  test("the server's close has its code and words, and `#[disconnect]` runs for every end", async () => {
    const witness = await talk("witness")
    await witness.join("gone")
    const gone = name => witness.next(frame => frame[0] === "gone" && frame[1].startsWith(`${name} `))
    const closed = await talk("closed")
    closed.send("end", 4001)
    assert.deepEqual(await closed.closed, [4001, "enough"])
    assert.equal((await gone("closed"))[1], "closed Server 4001")
    const leaving = await talk("leaving")
    leaving.ws.close(4002, "bye")
    assert.equal((await gone("leaving"))[1], "leaving Client 4002")
    const broken = await talk("broken")
    broken.ws.terminate()
    assert.equal((await gone("broken"))[1], "broken Lost 1006")
  })

  test("limits end what goes beyond them", async () => {
    const long = await talk("long")
    long.send("say", { room: "r", text: "x".repeat(70_000) })
    assert.equal((await long.closed)[0], 1009)
    const quick = await talk("quick")
    for (let n = 0; n < 4000; n++) quick.send("count", null)
    await quick.next(frame => frame[0] === "error" && frame[1].code === "rate")
    assert.equal((await quick.closed)[0], 1008)
  })
})

describe("the profile v1", () => {
  test("requests have answers, and a refusal says why after the upgrade", async () => {
    const peer = await v1("ann")
    assert.equal(peer.ws.protocol, "jstack.v1")
    const [event, welcome] = await peer.next(() => true)
    assert.deepEqual([event, welcome.v, welcome.history], ["$welcome", 1, true])
    peer.send("double", 21, { i: "1" })
    assert.deepEqual(await peer.next("$ok"), ["$ok", 42, { i: "1" }])
    peer.send("double", 4_000_000_000, { i: "2" })
    assert.equal((await peer.next("$err"))[1].code, "bad_request")
    const refused = await v1("refused")
    assert.deepEqual((await refused.next("$bye"))[1].status, 403)
    assert.ok((await refused.closed)[0] >= 4000)
  })

  test("a room remembers what was said, and a client that was away gets what it missed", async () => {
    const room = fresh()
    const ann = await v1("ann")
    await ann.next("$welcome")
    await ann.join(room)
    for (const text of ["one", "two"]) await post("p/say", { room, text })
    assert.equal((await ann.next(frame => frame[0] === "said" && frame[1].text === "two"))[1].room, room)
    const remembered = await get(`p/remembered?room=${query(room)}`)
    assert.equal(remembered.filter(line => line.startsWith("Said")).length, 2)
  })

  test("who is in a room is known, and a watcher is told of changes", async () => {
    const room = fresh()
    const ann = await v1("ann")
    await ann.join(room)
    const bob = await talk("bob")
    await bob.join(room)
    assert.deepEqual(await get(`p/members?room=${query(room)}`), ["ann", "bob"])
    bob.ws.terminate()
    for (let tries = 0; tries < 50; tries++) {
      if ((await get(`p/members?room=${query(room)}`)).length === 1) return
      await sleep(50)
    }
    assert.fail("a member that is gone is still listed")
  })
})

describe("requests", () => {
  test("a page beside the procedures, a streamed answer, a body in pieces", async () => {
    assert.equal(await (await fetch(`${server.url}/`)).text(), "the page")
    assert.equal(await (await fetch(`${server.url}/streamed`)).text(), "one two three")
    const pieces = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 10; n++) controller.enqueue(new Uint8Array(20_000))
        controller.close()
      },
    })
    const sent = await fetch(`${server.url}/length`, { method: "POST", body: pieces, duplex: "half" })
    assert.equal(await sent.text(), "200000")
    const whole = await fetch(`${server.url}/length`, { method: "POST", body: new Uint8Array(100_000) })
    assert.equal(await whole.text(), "100000")
  })

  test("a POST without a body reaches a procedure without input", async () => {
    assert.equal((await fetch(`${api}/t/voidPost`, { method: "POST" })).status, 200)
  })

  test("a body that is too long is a 413", async () => {
    assert.equal((await post("p/say", { room: "r", text: "x".repeat(100_000) })).status, 413)
  })

  test("the client's address is the one that the edge reports", async () => {
    const answer = await fetch(`${api}/p/address`, { headers: { "cf-connecting-ip": "203.0.113.7" } })
    assert.equal(await answer.json(), "203.0.113.7")
  })

  test("stateless procedures run in the Worker, and what they emit arrives", async () => {
    const [room, peer] = [fresh(), await talk()]
    await peer.join(room)
    assert.equal(await get("edge/version"), "1")
    const answer = await post("edge/shout", { room, text: "from the edge" })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get("x-jstack-stateless"), null)
    assert.deepEqual(await peer.next("said"), ["said", { room, text: "from the edge" }])
    assert.match(server.text(), /messages go through: the application's Durable Object/)
  })
})

test("settings without a meaning are named in the log", () => {
  assert.match(server.text(), /JSTACK_QUEUE_FRAMES is set, and means nothing on Cloudflare Workers/)
  assert.match(server.text(), /UPSTASH_REDIS_REST_URL is set.*not needed/)
  assert.doesNotMatch(server.text(), /JSTACK_HANDLER_TIMEOUT/)
})
