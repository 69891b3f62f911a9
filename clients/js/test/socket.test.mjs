// Promises of a socket that no script of the corpus can say: listeners, iterators, timers, the page.

import assert from "node:assert/strict"
import { afterEach, describe, mock, test } from "node:test"
import { createClient, SocketError } from "jstack-rs"
import { memorySockets } from "./memory.mjs"

const clients = []
afterEach(() => {
  mock.timers.reset()
  for (const client of clients.splice(0)) client.$close()
})

/** A client of a server that opens in profile v1; `peers` are the other ends. */
function make({ welcome = {}, accept, ...options } = {}) {
  const peers = []
  const errors = []
  const open = peer => {
    peer.open()
    peer.send("$welcome", { v: 1, id: `s${peers.length}`, ping: 25_000, ...welcome })
  }
  const client = createClient({
    baseUrl: "http://localhost/api",
    WebSocket: memorySockets(peer => {
      peer.heard = []
      peer.onmessage = frame => peer.heard.push(frame)
      peers.push(peer)
      queueMicrotask(() => (accept ?? open)(peer, peers.length))
    }),
    onError: (error, about) => errors.push([error, about]),
    ...options,
  })
  clients.push(client)
  return { client, peers, errors }
}
const turn = () => new Promise(resolve => setImmediate(resolve))

describe("connecting", () => {
  test("what is made and closed in one turn never dials; two sockets are two connections", async () => {
    const { client, peers } = make()
    client.a.b.$ws().close()
    await turn()
    assert.equal(peers.length, 0)
    client.a.b.$ws()
    client.a.b.$ws()
    await turn()
    assert.equal(peers.length, 2)
  })

  test("where pages are only rendered nothing is opened, and nothing is kept", async () => {
    const client = createClient({ baseUrl: "/api", onError: () => {} })
    const socket = client.a.b.$ws()
    socket.on("m", () => {})
    await turn()
    assert.equal(socket.status.state, "idle")
    assert.equal(socket.emit("m", 1), false)
    await assert.rejects(socket.request("m", 1), { code: "closed" })
  })

  test("without a WebSocket, or with a bad address, it is closed with the reason", async () => {
    const { WebSocket } = globalThis
    delete globalThis.WebSocket
    try {
      const client = createClient({ baseUrl: "http://localhost", socket: { connect: true } })
      await assert.rejects(client.a.b.$ws().ready(), { code: "connect" })
    } finally {
      if (WebSocket) globalThis.WebSocket = WebSocket
    }
    const { client, peers } = make({ baseUrl: "/api" })
    await assert.rejects(client.a.b.$ws().ready(), error => error.code === "connect" && error.message.includes("/api"))
    assert.equal(peers.length, 0)
  })

  test("status is one object a change, and `subscribe` tells of each", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    const seen = []
    socket.subscribe(() => seen.push(socket.status))
    assert.equal(socket.status, socket.status)
    await socket.ready()
    peers[0].end()
    socket.close()
    assert.deepEqual(seen.map(({ state }) => state), ["open", "reconnecting", "closed"])
    assert.equal(new Set(seen).size, 3)
    assert.equal(seen[0].online, true)
  })

  test("ready: too late, aborted, closed", async () => {
    const { client } = make({ accept: () => {} })
    const socket = client.a.b.$ws()
    await assert.rejects(socket.ready({ timeout: 5 }), { code: "timeout" })
    await assert.rejects(socket.ready({ signal: AbortSignal.abort() }), { code: "aborted" })
    const ready = socket.ready()
    socket.close()
    await assert.rejects(ready, { code: "closed" })
    await assert.rejects(socket.ready(), { code: "closed" })
  })

  test("`using` closes", async () => {
    const { client } = make()
    const socket = client.a.b.$ws()
    socket[Symbol.dispose]()
    assert.equal(socket.status.state, "closed")
    const other = client.a.b.$ws()
    other.cleanup()
    assert.equal(other.status.state, "closed")
  })

  test("the token goes with the connect, and its signal ends with the attempt", async () => {
    let given
    const { client } = make({ token: ({ signal }) => ((given = signal), new Promise(() => {})) })
    const socket = client.a.b.$ws()
    await turn()
    assert.equal(given.aborted, false)
    socket.close()
    assert.equal(given.aborted, true)
  })
})

describe("time", () => {
  const clock = () => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 })
  const settle = async () => {
    for (let index = 0; index < 20; index++) await Promise.resolve()
  }

  test("delays are random up to a bound that doubles to twenty seconds, and begin again after five good seconds", async () => {
    clock()
    const random = mock.method(Math, "random", () => 1)
    let fail = false
    const { client, peers } = make({
      accept: (peer, number) => {
        if (fail) return peer.end()
        peer.open()
        peer.send("$welcome", { v: 1, id: `s${number}`, ping: 25_000 })
      },
    })
    const socket = client.a.b.$ws()
    await settle()
    assert.equal(socket.isConnected, true)
    mock.timers.tick(5000)
    fail = true
    peers[0].end()
    for (const delay of [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]) {
      assert.equal(socket.status.retryAt - Date.now(), delay)
      const dials = peers.length
      mock.timers.tick(delay - 1)
      await settle()
      assert.equal(peers.length, dials)
      mock.timers.tick(1)
      await settle()
      assert.equal(peers.length, dials + 1)
    }
    // A connection that does not stay is not a good one.
    fail = false
    mock.timers.tick(20_000)
    await settle()
    assert.equal(socket.isConnected, true)
    mock.timers.tick(4000)
    peers.at(-1).end()
    assert.equal(socket.status.retryAt - Date.now(), 20_000)
    random.mock.restore()
  })

  test("a loss is worth showing after five seconds, and stays so while attempts fail", async () => {
    clock()
    let fail = false
    const { client, peers } = make({
      accept: (peer, number) => {
        if (fail) return peer.end()
        peer.open()
        peer.send("$welcome", { v: 1, id: `s${number}`, ping: 25_000 })
      },
      socket: { backoff: [1000, 1000] },
    })
    const socket = client.a.b.$ws()
    await settle()
    fail = true
    peers[0].end()
    const since = socket.status.since
    for (let ms = 0; ms < 4900; ms += 100) {
      assert.equal(socket.status.lost, false)
      mock.timers.tick(100)
      await settle()
    }
    mock.timers.tick(100)
    for (let ms = 0; ms < 5000; ms += 100) {
      assert.equal(socket.status.lost, true)
      mock.timers.tick(100)
      await settle()
    }
    assert.deepEqual(socket.status.since, since)
  })

  test("a timer that is late proves nothing: the server is asked first", async () => {
    clock()
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await settle()
    // The machine sleeps for an hour: the clock has moved, and then the timer fires.
    mock.timers.setTime(Date.now() + 3_600_000)
    mock.timers.tick(40_000)
    await settle()
    assert.deepEqual(peers[0].heard, [["ping", null]])
    assert.equal(socket.isConnected, true)
    mock.timers.tick(4000)
    peers[0].send("pong", null)
    mock.timers.tick(4000)
    await settle()
    assert.equal(socket.isConnected, true)
  })

  test("no timer is left after close", async () => {
    const before = process.getActiveResourcesInfo().filter(name => name === "Timeout").length
    const { client, peers } = make({ welcome: { ttl: 100_000, history: true }, token: () => "t" })
    const socket = client.a.b.$ws()
    await socket.ready()
    peers[0].send("$room", { r: "r", in: true, e: "e", o: 0 })
    peers[0].send("a", 1, { r: "r", o: 5 })
    socket.presence("r").subscribe(() => {})
    socket.presence("r").set(1)
    socket.presence("r").set(2)
    const request = socket.request("x", 1)
    peers[0].end()
    socket.close()
    await assert.rejects(request)
    await turn()
    assert.equal(process.getActiveResourcesInfo().filter(name => name === "Timeout").length, before)
  })
})

describe("the page", () => {
  const settle = async () => {
    for (let index = 0; index < 20; index++) await Promise.resolve()
  }
  /** As much of a page as the client looks at. */
  function page() {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 })
    const events = new EventTarget()
    // What happens to the document passes the window on its way.
    globalThis.document = { visibilityState: "visible", dispatchEvent: event => events.dispatchEvent(event) }
    globalThis.addEventListener = (name, handler) => events.addEventListener(name, handler)
    globalThis.removeEventListener = (name, handler) => events.removeEventListener(name, handler)
    return { events, document: globalThis.document }
  }
  afterEach(() => {
    delete globalThis.document
    delete globalThis.addEventListener
    delete globalThis.removeEventListener
  })

  test("a page that becomes visible asks the server, and leaves one that says nothing for five seconds", async () => {
    const { document } = page()
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await settle()
    document.visibilityState = "hidden"
    document.dispatchEvent(new Event("visibilitychange"))
    assert.deepEqual(peers[0].heard, [])
    document.visibilityState = "visible"
    document.dispatchEvent(new Event("visibilitychange"))
    assert.deepEqual(peers[0].heard, [["ping", null]])
    peers[0].send("pong", null)
    mock.timers.tick(6000)
    assert.equal(socket.isConnected, true)
    document.dispatchEvent(new Event("resume"))
    mock.timers.tick(4999)
    assert.equal(socket.isConnected, true)
    mock.timers.tick(1)
    assert.equal(socket.status.state, "reconnecting")
    assert.equal(socket.status.cause.code, "lost")
  })

  test("a hidden page waits for being shown, also where a delay ran", async () => {
    const { events } = page()
    const { client, peers } = make({ socket: { backoff: [1000, 1000] } })
    const socket = client.a.b.$ws()
    await settle()
    peers[0].end()
    events.dispatchEvent(new Event("pagehide"))
    assert.equal(socket.status.retryAt, null)
    mock.timers.tick(60_000)
    await settle()
    assert.equal(peers.length, 1)
    events.dispatchEvent(new Event("pageshow"))
    await settle()
    assert.equal(peers.length, 2)
    assert.equal(socket.isConnected, true)
  })

  test("`online` is the network's word: shown, and nothing more", async () => {
    const { events } = page()
    const { client } = make()
    const socket = client.a.b.$ws()
    await settle()
    const before = socket.status
    events.dispatchEvent(new Event("offline"))
    assert.notEqual(socket.status, before)
    assert.equal(socket.status.state, "open")
  })

  test("after close nothing listens to the page", async () => {
    const { events, document } = page()
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await settle()
    socket.close()
    for (const name of ["online", "pageshow"]) events.dispatchEvent(new Event(name))
    document.dispatchEvent(new Event("visibilitychange"))
    await settle()
    assert.equal(peers.length, 1)
    assert.equal(socket.status.state, "closed")
  })
})

describe("listening", () => {
  test("events wait for the first listener of their name, in order, and then go to all who listen in that turn", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    for (let n = 1; n <= 3; n++) peers[0].send("a", n)
    peers[0].send("b", 1)
    const [one, two, late] = [[], [], []]
    socket.on("a", n => one.push(n))
    socket.on("a", n => two.push(n))
    peers[0].send("a", 4)
    await turn()
    socket.on("a", n => late.push(n))
    peers[0].send("a", 5)
    assert.deepEqual([one, two, late], [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [5]])
  })

  test("at most so many events wait", async () => {
    const { client, peers } = make({ socket: { early: 2 } })
    const socket = client.a.b.$ws()
    await socket.ready()
    for (let n = 1; n <= 5; n++) peers[0].send("a", n)
    const seen = []
    socket.on("a", n => seen.push(n))
    peers[0].send("a", 6)
    await turn()
    assert.deepEqual(seen, [1, 2, 6])
  })

  test("a late onConnect is called once, unless it is gone by then", async () => {
    const { client } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    let calls = 0
    socket.on("onConnect", () => calls++)
    socket.on("onConnect", () => (calls += 100))()
    await turn()
    assert.equal(calls, 1)
  })

  test("onDisconnect and onError say what happened", async () => {
    let refuse = false
    const { client, peers } = make({
      socket: { backoff: [1, 1] },
      accept: peer => {
        if (refuse) return peer.end(4403, "no")
        peer.open()
        peer.send("$welcome", { v: 1, id: "s", ping: 25_000 })
      },
    })
    const socket = client.a.b.$ws()
    const seen = []
    socket.on("onDisconnect", ({ code, reason, willRetry, cause }) => seen.push([code, reason, willRetry, cause.code]))
    socket.on("onError", error => seen.push([error instanceof SocketError, error.code]))
    await socket.ready()
    refuse = true
    peers[0].end(1012, "restart")
    await assert.rejects(new Promise((_, reject) => socket.subscribe(() => socket.status.state === "closed" && reject(socket.status.cause))))
    assert.deepEqual(seen, [[1012, "restart", true, "lost"], [true, "connect"]])
  })

  test("a handler that throws or rejects is reported, and the others run", async () => {
    const { client, peers, errors } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const seen = []
    socket.on("a", () => {
      throw new Error("one")
    })
    socket.on("a", async () => {
      throw new Error("two")
    })
    socket.on("a", n => seen.push(n))
    peers[0].send("a", 1)
    await turn()
    assert.deepEqual(seen, [1])
    assert.deepEqual(errors.map(([{ message }, { event }]) => [message, event]), [["one", "a"], ["two", "a"]])
    assert.equal(errors[0][1].socket, socket)
  })

  test("off: one handler, or all of a name", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const seen = []
    const [one, two] = [n => seen.push([1, n]), n => seen.push([2, n])]
    socket.on("a", one)
    socket.on("a", two)
    socket.off("a", one)
    peers[0].send("a", 1)
    socket.off("a")
    peers[0].send("a", 2)
    assert.deepEqual(seen, [[2, 1]])
    socket.on("a")()
  })

  test("once: the next that is wanted, or why it will not come", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const two = socket.once("a", { where: n => n > 1 })
    for (const n of [1, 2, 3]) peers[0].send("a", n)
    assert.equal(await two, 2)
    await assert.rejects(socket.once("b", { timeout: 5 }), { code: "timeout", event: "b" })
    const abort = new AbortController()
    const aborted = socket.once("b", { signal: abort.signal })
    abort.abort()
    await assert.rejects(aborted, { code: "aborted" })
    const closed = socket.once("b")
    socket.close()
    await assert.rejects(closed, { code: "closed" })
    await assert.rejects(socket.once("b"), { code: "closed" })
  })

  test("room.on hears its room alone", async () => {
    const { client, peers } = make({ welcome: { history: true } })
    const socket = client.a.b.$ws()
    await socket.ready()
    const seen = []
    socket.room("r").on("a", n => seen.push(n))
    for (const r of ["r", "q"]) {
      peers[0].send("$room", { r, in: true, e: "e", o: 0 })
      peers[0].send("a", r, { r, o: 1 })
    }
    assert.deepEqual(seen, ["r"])
  })
})

describe("iterators", () => {
  const collect = async (iterator, count) => {
    const seen = []
    for await (const { event, data } of iterator) {
      seen.push([event, data])
      if (seen.length === count) break
    }
    return seen
  }

  test("begin when called, narrow by name, and end by break", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const some = socket.events("a")
    const both = socket.events(["a", "b"])
    const all = socket.events()
    for (const [event, data] of [["a", 1], ["b", 2], ["c", 3], ["a", 4]]) peers[0].send(event, data)
    assert.deepEqual(await collect(some, 2), [["a", 1], ["a", 4]])
    assert.deepEqual(await collect(both, 3), [["a", 1], ["b", 2], ["a", 4]])
    assert.deepEqual(await collect(all, 4), [["a", 1], ["b", 2], ["c", 3], ["a", 4]])
  })

  test("end by a signal and by close, and give out what had come", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const abort = new AbortController()
    const [one, two] = [socket.events("a", { signal: abort.signal }), socket.events("a")]
    peers[0].send("a", 1)
    abort.abort()
    peers[0].send("a", 2)
    assert.deepEqual(await collect(one, 9), [["a", 1]])
    socket.close()
    assert.deepEqual(await collect(two, 9), [["a", 1], ["a", 2]])
    assert.deepEqual(await collect(socket.events(), 9), [])
  })

  test("a reader that is too slow loses the oldest, and there is one gap", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const gaps = []
    socket.onGap(gap => gaps.push(gap))
    const events = socket.events("a", { buffer: 2 })
    for (const n of [1, 2, 3, 4]) peers[0].send("a", n)
    assert.deepEqual(gaps.map(({ room, reason }) => [room, reason]), [[null, "overload"]])
    assert.deepEqual(await collect(events, 2), [["a", 3], ["a", 4]])
  })
})

describe("sending", () => {
  test("while the browser has enough to send, volatile events are dropped and latest ones replaced", async () => {
    const { client, peers, errors } = make({ welcome: { classes: { cursor: "volatile", pos: ["latest", "id"] } } })
    const socket = client.a.b.$ws()
    await socket.ready()
    const { page, heard } = peers[0]
    page.bufferedAmount = 100_000
    assert.equal(socket.emit("cursor", 1), false)
    assert.equal(socket.emit("x", 1), true)
    for (const x of [1, 2, 3]) assert.equal(socket.emit("pos", { id: 1, x }), true)
    assert.deepEqual(heard, [["x", 1]])
    page.bufferedAmount = 0
    await new Promise(resolve => setTimeout(resolve, 80))
    assert.deepEqual(heard, [["x", 1], ["pos", { id: 1, x: 3 }]])
    assert.deepEqual(errors, [])
  })

  test("emit never throws: data that is not JSON is dropped and reported", async () => {
    const { client, errors } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const cycle = {}
    cycle.self = cycle
    assert.equal(socket.emit("x", cycle), false)
    assert.equal(socket.emit("x", 1n), false)
    assert.deepEqual(errors.map(([{ code }]) => code), ["malformed", "malformed"])
    await assert.rejects(socket.request("x", cycle), { code: "malformed" })
  })

  test("only the newest answerer answers, and an answer for a lost connection is not sent on the next", async () => {
    const { client, peers } = make({ socket: { backoff: [1, 1] } })
    const socket = client.a.b.$ws()
    await socket.ready()
    socket.answer("q", () => "old")
    const off = socket.answer("q", () => "new")
    peers[0].send("q", 1, { i: "1" })
    await turn()
    off()
    let finish
    socket.answer("q", () => new Promise(resolve => (finish = resolve)))
    peers[0].send("q", 1, { i: "2" })
    peers[0].end()
    await socket.ready()
    finish("late")
    await turn()
    assert.deepEqual(peers[0].heard, [["$ok", "new", { i: "1" }]])
    assert.deepEqual(peers[1].heard, [])
  })

  test("$tap sees every frame, and what was dropped", async () => {
    const { client, peers } = make()
    const seen = []
    const off = client.$tap(({ direction, text, socket, time }) => seen.push([direction, text, socket.isConnected, time > 0]))
    const socket = client.a.b.$ws()
    await socket.ready()
    socket.emit("x", 1)
    peers[0].send("a", 2)
    socket.close()
    socket.emit("y", 3)
    off()
    assert.deepEqual(seen.slice(1), [
      ["out", '["x",1]', true, true],
      ["in", '["a",2]', true, true],
      ["dropped", '["y",3]', false, true],
    ])
  })

  test("which errors may be tried again", () => {
    for (const code of ["timeout", "lost", "connect", "overflow", "rate", "unavailable", "broker"]) assert.equal(new SocketError(code, "").retryable, true)
    for (const code of ["invalid", "closed", "aborted", "too_large", "forbidden"]) assert.equal(new SocketError(code, "").retryable, false)
  })
})

describe("presence", () => {
  test("members that did not change keep their identity; lists are replaced", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    const member = (key, ...states) => ({ key, info: {}, states, connections: 1, since: 1 })
    const presence = socket.presence("r")
    const off = presence.subscribe(() => {})
    peers[0].send("$room", { r: "r", in: true })
    const [[, , { i }]] = peers[0].heard
    peers[0].send("$ok", { n: 1, me: "ada", members: [member("ada"), member("bob", 2, 1)], count: 2 }, { i })
    await turn()
    const before = presence.members
    assert.equal(presence.others[0].state, 2)
    assert.deepEqual(presence.self.since, new Date(1))
    peers[0].send("$presence", { r: "r", n: 2, set: [member("ada", "typing"), member("bob", 2, 1)], gone: [], count: 2 })
    assert.notEqual(presence.members, before)
    assert.equal(presence.members[1], before[1])
    assert.notEqual(presence.members[0], before[0])
    off()
  })

  test("`set` with a function gets what was said before", async () => {
    const { client, peers } = make()
    const socket = client.a.b.$ws()
    await socket.ready()
    peers[0].send("$room", { r: "r", in: true })
    const presence = socket.presence("r")
    presence.set({ n: 1 })
    presence.set(({ n }) => ({ n: n + 1 }))
    await new Promise(resolve => setTimeout(resolve, 80))
    assert.deepEqual(peers[0].heard, [["$state", { r: "r", s: { n: 1 } }], ["$state", { r: "r", s: { n: 2 } }]])
  })
})
