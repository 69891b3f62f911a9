// The stock client's sockets: rooms, errors, loss.

import assert from "node:assert/strict"
import { once } from "node:events"
import { after, afterEach, before, describe, test } from "node:test"
import { createClient } from "jstack"
import { end, endAll, fixture, frames, logged, next, onWorkers, open } from "./support.mjs"

let server, client
before(async () => {
  server = await fixture()
  client = createClient({ baseUrl: `${server.url}/api` })
})
afterEach(endAll)
after(() => server?.stop())

// A name that no other test uses.
let count = 0
const fresh = () => `room ${++count}`

async function joined(socket, room) {
  const done = next(socket, "joined", data => data.room === room)
  socket.emit("join", { room })
  await done
}

// What `socket` hears as `said`, up to and with the text `last`.
async function heard(socket, last) {
  const texts = []
  await next(socket, "said", ({ text }) => texts.push(text) && text === last)
  return texts
}

// What `socket` is told after it sent `raw`.
function refused(socket, raw) {
  const error = next(socket, "error")
  socket.ws.send(raw)
  return error
}

describe("rooms", () => {
  test("two clients of a room hear each other, and themselves", async () => {
    const [room, a, b] = [fresh(), await open(client.t.chat), await open(client.t.chat)]
    await Promise.all([joined(a, room), joined(b, room)])
    const all = [heard(a, "2"), heard(b, "2")]
    const first = next(b, "said")
    a.emit("say", { room, text: "1" })
    assert.deepEqual(await first, { room, text: "1" })
    b.emit("say", { room, text: "2" })
    assert.deepEqual(await Promise.all(all), [["1", "2"], ["1", "2"]])
  })

  test("nobody hears another room, not even of the same name by another procedure", async () => {
    const [one, two] = [fresh(), fresh()]
    const [a, b, c] = [await open(client.t.chat), await open(client.t.chat), await open(client.t.other)]
    await Promise.all([joined(a, one), joined(b, two), joined(c, one)])
    const all = [heard(a, "last a"), heard(b, "last b"), heard(c, "last c")]
    a.emit("say", { room: one, text: "last a" })
    await all[0]
    b.emit("say", { room: two, text: "last b" })
    c.emit("say", { room: one, text: "last c" })
    assert.deepEqual(await Promise.all(all), [["last a"], ["last b"], ["last c"]])
  })

  test("except leaves the sender out", async () => {
    const [room, a, b] = [fresh(), await open(client.t.chat), await open(client.t.chat)]
    await Promise.all([joined(a, room), joined(b, room)])
    const all = [heard(a, "to all"), heard(b, "to all")]
    const done = next(a, "done")
    a.emit("sayToOthers", { room, text: "to others" })
    await done
    a.emit("say", { room, text: "to all" })
    assert.deepEqual(await Promise.all(all), [["to all"], ["to others", "to all"]])
  })

  test("joining twice is joining once, and leaving leaves", async () => {
    const [room, a, b] = [fresh(), await open(client.t.chat), await open(client.t.chat)]
    await joined(a, room)
    await joined(a, room)
    await joined(b, room)
    const all = heard(a, "now")
    b.emit("say", { room, text: "once" })
    b.emit("say", { room, text: "now" })
    assert.deepEqual(await all, ["once", "now"])
    const left = next(a, "left")
    a.emit("leave", { room })
    await left
    const rooms = next(a, "rooms")
    const late = heard(a, "to everyone")
    const said = heard(b, "gone")
    b.emit("say", { room, text: "gone" })
    await said
    a.emit("rooms", null)
    assert.deepEqual(await rooms, [])
    b.emit("sayToAll", { room, text: "to everyone" })
    assert.deepEqual(await late, ["to everyone"])
  })

  test("a name is data, whatever is in it", async () => {
    for (const room of ["../flushall", "*", "{x}", "a,b", "räume/🎉", "x".repeat(200)]) {
      const [a, b] = [await open(client.t.chat), await open(client.t.chat)]
      await joined(a, room)
      await joined(b, `${room.slice(0, 100)}!`)
      const both = [heard(a, "in"), heard(b, "in")]
      a.emit("say", { room: "elsewhere", text: "not here" })
      a.emit("sayToAll", { room: "any", text: "in" })
      assert.deepEqual(await Promise.all(both), [["in"], ["in"]])
      endAll()
    }
  })

  test("what is no name is refused, and the connection stays", async () => {
    const socket = await open(client.t.chat)
    for (const room of ["", "x".repeat(201), "a\nb", "\u0000"]) {
      const { event, code, issues } = await refused(socket, JSON.stringify(["join", { room }]))
      assert.deepEqual([event, code, issues[0].path], ["join", "room", "room"])
    }
    await joined(socket, fresh())
  })

  test("a POST handler and a spawned task speak in a room", async () => {
    const [room, a] = [fresh(), await open(client.t.chat)]
    await joined(a, room)
    for (const call of [client.t.say, client.t.sayLater]) {
      const said = next(a, "said")
      await call.$post({ room, text: "from outside" })
      assert.deepEqual(await said, { room, text: "from outside" })
    }
  })
})

describe("frames", () => {
  test("ping is answered with pong, whatever it carries", async () => {
    const socket = await open(client.t.chat)
    for (const data of [undefined, 5, { a: [] }]) {
      const pong = next(socket, "pong")
      socket.emit("ping", data)
      assert.equal(await pong, null)
    }
  })

  test("an event without data carries null", async () => {
    const socket = await open(client.t.chat)
    const done = next(socket, "done")
    socket.emit("sayToOthers", { room: fresh(), text: "hm" })
    assert.equal(await done, null)
  })

  test("what is no frame is told so, and the connection stays", async () => {
    const socket = await open(client.t.chat)
    const bad = ["", "nonsense", "{}", "[]", "null", '["say"]', '["rooms",null,1]', '[1,{}]', '["rooms",null', '["rooms",null]]', '"ping"', Buffer.from('["rooms",null]')]
    for (const raw of bad) {
      const error = await refused(socket, raw)
      assert.deepEqual([error.event, error.code, error.issues], [null, "malformed", []], String(raw))
    }
    const rooms = next(socket, "rooms")
    socket.emit("rooms", null)
    assert.deepEqual(await rooms, [])
  })

  test("unknown and reserved events are refused by name", async () => {
    const socket = await open(client.t.chat)
    for (const event of ["nope", "Say", "onConnect", "onError", "onDisconnect", "pong", "error", "$welcome", "$", "__proto__", "joined"]) {
      const error = await refused(socket, JSON.stringify([event, {}]))
      assert.equal(error.event, event)
      assert.match(error.code, /^(unknown_event|unknown|reserved)$/, JSON.stringify(error))
    }
    await joined(socket, fresh())
  })

  test("a payload that breaks rules names each field", async () => {
    const socket = await open(client.t.chat)
    for (const [data, paths] of [
      [{ room: "", text: "" }, ["room", "text"]],
      [{ room: "r", text: "x".repeat(201) }, ["text"]],
      [{ room: "r" }, ["text"]],
      [{ room: "r", text: 5 }, ["text"]],
      [null, [""]],
      ["text", [""]],
    ]) {
      const error = await refused(socket, JSON.stringify(["say", data]))
      assert.deepEqual([error.event, error.code, error.issues.map(issue => issue.path)], ["say", "invalid", paths])
      assert.ok(error.message)
    }
    await joined(socket, fresh())
  })

  test("a handler's error reaches its client alone, and an unforeseen one leaks nothing", async () => {
    const [a, b] = [await open(client.t.chat), await open(client.t.chat)]
    b.on("error", error => assert.fail(JSON.stringify(error)))
    assert.deepEqual(await refused(a, '["conflict",null]'), { event: "conflict", code: "conflict", message: "that name is taken", issues: [] })
    assert.deepEqual(await refused(a, '["broken",null]'), { event: "broken", code: "internal", message: "Internal Server Error", issues: [] })
    const done = next(b, "pong")
    b.emit("ping")
    await done
  })

  test("the server cannot send what breaks its own rules", async () => {
    const socket = await open(client.t.chat)
    socket.on("said", () => assert.fail("it was sent"))
    const done = next(socket, "done")
    socket.emit("invalid", null)
    await done
  })

  test("who sends too fast is told so", async () => {
    const socket = await open(client.t.chat)
    const error = next(socket, "error")
    for (let i = 0; i < 400; i++) socket.emit("ping")
    assert.equal((await error).code, "rate")
  })

  for (const [name, raw, code, skip] of [
    ["a message over the limit", `["say","${"x".repeat(70_000)}"]`, 1009],
    // Without unwinding a panic ends the whole application on Workers; that has a suite of its own.
    ["a handler that panics", '["panics",null]', 1011, process.env.WORKERS_PANIC === "abort"],
    ["a close of the server's", '["end",{"code":4001,"reason":"enough"}]', 4001],
  ]) {
    test(`${name} closes with ${code}`, { skip }, async () => {
      const socket = await open(client.t.chat)
      const closed = once(socket.ws, "close")
      socket.ws.send(raw)
      const [got, reason] = await closed
      assert.equal(got, code)
      assert.doesNotMatch(String(reason), /secret/)
      if (code === 4001) assert.equal(String(reason), "enough")
      end(socket)
    })
  }
})

describe("loss", () => {
  // The client gives up after 4.5 s, which the local runtime of Workers may take to start.
  test("after a restart the client comes back with its handlers, and joins anew", { skip: onWorkers }, async () => {
    const first = await fixture()
    const { chat } = createClient({ baseUrl: `${first.url}/api` }).t
    const [room, socket] = [fresh(), await open(chat)]
    socket.on("onConnect", () => socket.emit("join", { room }))
    await joined(socket, room)
    const back = next(socket, "joined")
    await Promise.all([once(socket.ws, "close"), first.stop()])
    const second = await fixture({ port: first.port })
    try {
      await back
      const said = next(socket, "said")
      socket.emit("say", { room, text: "again" })
      assert.deepEqual(await said, { room, text: "again" })
    } finally {
      await second.stop()
    }
  })

  test("a 401 before the upgrade is an error each time, and the client gives up", async () => {
    const gaveUp = new Promise(resolve => {
      const push = logged.push
      logged.push = (...texts) => {
        if (texts.some(text => text.includes("after multiple attempts"))) resolve(logged.push = push)
        return push.apply(logged, texts)
      }
    })
    const socket = client.t.guarded.$ws()
    let connected = false
    const errors = []
    socket.on("onConnect", () => { connected = true })
    socket.on("onError", error => errors.push(error.message))
    await gaveUp
    assert.equal(connected, false)
    assert.deepEqual(errors, Array(3).fill("Unexpected server response: 401"))
    assert.equal(await (await client.t.knocks.$get()).json(), 3)
  })

  test("who has the password comes in, and returning closes", async () => {
    const ws = new WebSocket(`${server.url.replace("http", "ws")}/api/t/guarded?password=open`)
    await once(ws, "open")
    ws.send('["say",{"room":"r","text":"hello"}]')
    const [data] = await once(ws, "message")
    assert.equal(data.toString(), '["said",{"room":"r","text":"hello"}]')
    ws.send('["rooms",null]')
    const [code] = await once(ws, "close")
    assert.equal(code, 1000)
  })

  for (const [status, path, headers] of [
    [404, "nowhere", {}],
    [403, "chat", { origin: "https://evil.example" }],
  ]) {
    test(`${path} with ${JSON.stringify(headers)} is refused with ${status} before the upgrade`, async () => {
      const ws = new WebSocket(`${server.url.replace("http", "ws")}/api/t/${path}`, { headers })
      const [error] = await once(ws, "error")
      assert.equal(error.message, `Unexpected server response: ${status}`)
    })
  }

  test("an allowed page may connect", async () => {
    const ws = new WebSocket(`${server.url.replace("http", "ws")}/api/t/chat`, { headers: { origin: "https://allowed.example" } })
    await once(ws, "open")
    ws.terminate()
  })
})

test("every frame that any client got is a text of exactly two elements, and none is the client's own event", () => {
  assert.ok(frames.length > 100, `${frames.length}`)
  for (const { text, binary } of frames) {
    assert.equal(binary, false, text)
    const frame = JSON.parse(text)
    assert.ok(Array.isArray(frame) && frame.length === 2 && typeof frame[0] === "string", text)
    assert.doesNotMatch(frame[0], /^(\$|onConnect$|onError$|onDisconnect$)/)
  }
})
