// The stock client on two processes that share one Redis: one chat, also across outages.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { after, describe, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { createClient } from "jstack"
import { chat, endAll, freePort, next, open, redis } from "./support.mjs"

after(endAll)

// Two processes of the chat and their Redis, ended with the test.
async function two(t) {
  const site = { cache: await redis(), client: of => createClient({ baseUrl: `${of.url}/api` }).post }
  t.after(() => Promise.all([site.a, site.b, site.cache].map(server => server?.stop())))
  const env = { REDIS_URL: site.cache.url }
  site.a = await chat(await freePort(), env)
  site.b = await chat(await freePort(), env)
  return site
}

// A stock socket in a room, which it joins again whenever it was lost; `heard` is its log.
async function enter(procedures, room) {
  const socket = await open(procedures.chat)
  const heard = []
  let connects = 0
  socket.on("message", message => heard.push(message))
  socket.on("onConnect", () => {
    connects++
    socket.emit("join", { roomId: room })
  })
  const joined = next(socket, "joined")
  socket.emit("join", { roomId: room })
  await joined
  return { socket, heard, again: () => connects, say: text => socket.emit("message", { roomId: room, message: text, author: "x" }) }
}

const texts = heard => heard.map(({ message }) => message)

async function until(what, holds, deadline = 10_000) {
  const since = Date.now()
  while (!holds()) {
    if (Date.now() - since > deadline) assert.fail(`${what}: not within ${deadline} ms`)
    await sleep(5)
  }
  return Date.now() - since
}

describe("two processes", () => {
  test("what is said on one is heard on both, in one order", async t => {
    const { a, b, client } = await two(t)
    const [ann, bob] = [await enter(client(a), "one"), await enter(client(b), "one")]
    for (let n = 0; n < 80; n++) {
      ann.say(`ann ${n}`)
      bob.say(`bob ${n}`)
    }
    await until("all is heard", () => ann.heard.length === 160 && bob.heard.length === 160)
    assert.deepEqual(ann.heard, bob.heard)
    for (const name of ["ann", "bob"]) {
      const own = texts(ann.heard).filter(text => text.startsWith(name))
      assert.deepEqual(own, Array.from({ length: 80 }, (_, n) => `${name} ${n}`))
    }
  })

  test("rooms do not meet, and typing reaches the others of a room alone", async t => {
    const { a, b, client } = await two(t)
    const [ann, bob, eve] = [await enter(client(a), "one"), await enter(client(b), "one"), await enter(client(b), "two")]
    ann.socket.on("typing", () => assert.fail("who types is not told"))
    eve.socket.on("typing", () => assert.fail("another room is not told"))
    const typing = next(bob.socket, "typing")
    ann.socket.emit("typing", { roomId: "one", author: "ann" })
    assert.deepEqual(await typing, { roomId: "one", author: "ann" })
    ann.say("in one")
    await until("bob hears", () => bob.heard.length === 1)
    eve.say("in two")
    await until("eve hears", () => eve.heard.length === 1)
    ann.say("end")
    await until("the end", () => ann.heard.length === 2 && bob.heard.length === 2)
    assert.deepEqual([ann, bob, eve].map(({ heard }) => texts(heard)), [["in one", "end"], ["in one", "end"], ["in two"]])
  })

  test("a POST on one reaches sockets on the other", async t => {
    const { a, b, client } = await two(t)
    const bob = await enter(client(b), "one")
    const said = { roomId: "one", message: "by POST", author: "a script" }
    const res = await client(a).create.$post(said)
    const heard = await res.json()
    assert.deepEqual(heard, { ...said, at: heard.at })
    await until("bob hears", () => bob.heard.length === 1)
    assert.deepEqual(bob.heard, [heard])
  })

  test("each says at start where Redis is, and holds two connections, however many its sockets and rooms", async t => {
    const { cache, a, b, client } = await two(t)
    await Promise.all(Array.from({ length: 40 }, (_, n) => enter(client(n % 2 ? a : b), `room ${n}`)))
    const list = execFileSync("redis-cli", ["-p", cache.port, "client", "list"], { encoding: "utf8" })
    assert.equal(list.trim().split("\n").filter(line => !line.includes("cmd=client")).length, 4, list)
    for (const process of [a, b]) assert.ok(process.log().includes(`REDIS_URL=${cache.url} (environment)`), process.log())
  })
})

// Says numbers without end, through these procedures in turn, and notes those that were taken.
function count(room, ...speakers) {
  const taken = new Set()
  let n = 0, stopped = false
  const done = (async () => {
    for (; !stopped; n++) {
      const said = { roomId: room, message: String(n), author: "x" }
      await speakers[n % speakers.length].create.$post(said).then(() => taken.add(n), () => {})
      await sleep(5)
    }
  })()
  const end = async () => {
    stopped = true
    await done
    return taken
  }
  return { next: () => n, end }
}

// Holds a log against what was taken: ascending without a number twice, and what is missing was
// said during the outage and is told of as a gap in the log of the client's process.
function check(heard, taken, process, [begin, end]) {
  const got = texts(heard).map(Number)
  got.forEach((n, at) => assert.ok(at === 0 || n > got[at - 1], `${n} came after ${got[at - 1]}`))
  const all = new Set(got)
  const missing = [...taken].filter(n => !all.has(n))
  assert.ok(missing.every(n => n >= begin && n < end), `of ${missing} not all were said from ${begin} to ${end}`)
  const told = process.log().includes("messages from other processes may be missing")
  assert.ok(told || missing.length === 0, `${missing} were taken, not heard, and nobody was told`)
  return { missing, told }
}

// Numbers are said on both processes while `outage` happens; it returns once it is over. Both
// clients keep their sockets, are back within two seconds, and their logs are whole or say that
// they are not.
async function survive(t, outage) {
  const site = await two(t)
  const [a, b] = [site.client(site.a), site.client(site.b)]
  const [ann, bob] = [await enter(a, "one"), await enter(b, "one")]
  const sockets = [ann, bob].map(({ socket }) => socket.ws)
  const counting = count("one", a, b)
  await until("all goes well", () => [ann, bob].every(({ heard }) => heard.length >= 50))

  // One may be on its way to the Redis that is about to go.
  const begin = counting.next() - 1
  await outage(site)

  // What both say, both hear.
  const back = new Set(["0 0", "0 1", "1 0", "1 1"])
  const since = Date.now()
  while (back.size > 0) {
    for (const [speaker, who] of [ann, bob].entries()) {
      who.socket.emit("message", { roomId: "one", message: `${1e6 + Date.now() - since}`, author: `${speaker}` })
    }
    await sleep(20)
    for (const [listener, { heard }] of [ann, bob].entries()) {
      for (const { author } of heard) back.delete(`${author} ${listener}`)
    }
    assert.ok(Date.now() - since < 2_000, `after ${Date.now() - since} ms still missing: ${[...back]}`)
  }
  t.diagnostic(`both hear each other ${Date.now() - since} ms after the outage`)
  const end = counting.next()
  await until("the numbers go on", () => [ann, bob].every(({ heard }) => heard.some(m => m.author === "x" && m.message >= end)))
  const taken = await counting.end()
  const last = Math.max(...taken)
  await until("the last number", () => [ann, bob].every(({ heard }) => heard.some(m => m.message === String(last))))
  const numbers = ({ heard }) => heard.filter(({ author }) => author === "x")
  for (const [at, who] of [ann, bob].entries()) {
    assert.equal(who.socket.ws, sockets[at], "the socket is another")
    assert.equal(who.again(), 0, "the socket was lost")
  }
  return [check(numbers(ann), taken, site.a, [begin, end]), check(numbers(bob), taken, site.b, [begin, end])]
}

describe("outages of Redis", { concurrency: true }, () => {
  for (const seconds of [2, 20]) {
    test(`killed for ${seconds} s`, async t => {
      const logs = await survive(t, async site => {
        await site.cache.stop()
        await sleep(seconds * 1000)
        for (const server of [site.a, site.b]) {
          assert.equal((await fetch(`${server.url}/readyz`)).status, 503)
          assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
        }
        await assert.rejects(site.client(site.a).create.$post({ roomId: "one", message: "lost", author: "y" }), { status: 503 })
        site.cache = await redis(site.cache.port)
      })
      assert.ok(logs.every(({ told }) => told))
    })
  }

  test("subscribers cut off", async t => {
    const logs = await survive(t, async ({ cache }) => {
      for (let n = 0; n < 5; n++) {
        execFileSync("redis-cli", ["-p", cache.port, "client", "kill", "type", "pubsub"])
        await sleep(300)
      }
    })
    assert.ok(logs.every(({ told }) => told))
  })

  test("silent for 10 s", t => survive(t, async ({ cache }) => {
    cache.signal("SIGSTOP")
    await sleep(10_000)
    cache.signal("SIGCONT")
  }))

  test("emptied", async t => {
    const logs = await survive(t, ({ cache }) => execFileSync("redis-cli", ["-p", cache.port, "flushall"]))
    assert.deepEqual(logs, [{ missing: [], told: false }, { missing: [], told: false }], "nothing is kept in Redis")
  })
})

describe("outages of a process", { concurrency: true }, () => {
  test("killed: its client comes back when it does, and the other's log is whole", async t => {
    const site = await two(t)
    const [ann, bob] = [await enter(site.client(site.a), "one"), await enter(site.client(site.b), "one")]
    const counting = count("one", site.client(site.a))
    await until("all goes well", () => bob.heard.length >= 50)
    await site.b.stop()
    await sleep(500)
    const heard = bob.heard.length
    site.b = await chat(site.b.port, { REDIS_URL: site.cache.url })
    // The stock client tries again 1.5 s after the loss.
    await until("bob is back", () => bob.heard.length > heard, 3_000)
    assert.equal(bob.again(), 1)
    const taken = await counting.end()
    assert.deepEqual(texts(ann.heard).map(Number), [...taken], "ann was on the other process")
    // His log has one hole, the time that he was away.
    const numbers = texts(bob.heard).map(Number)
    const holes = numbers.filter((n, at) => at > 0 && n !== numbers[at - 1] + 1)
    assert.equal(holes.length, 1, `${holes}`)
    bob.say("back")
    await until("ann hears", () => texts(ann.heard).includes("back"))
    ann.say("welcome")
    await until("bob hears", () => texts(bob.heard).includes("welcome"))
  })

  test("stopped for 5 s and continued: its client is still there, and has missed nothing silently", async t => {
    const site = await two(t)
    const [ann, bob] = [await enter(site.client(site.a), "one"), await enter(site.client(site.b), "one")]
    const counting = count("one", site.client(site.a))
    await until("all goes well", () => bob.heard.length >= 50)
    const begin = counting.next() - 1
    site.b.signal("SIGSTOP")
    await sleep(5_000)
    site.b.signal("SIGCONT")
    const from = counting.next()
    await until("bob hears again", () => bob.heard.some(({ message }) => message >= from), 2_000)
    const taken = await counting.end()
    const last = String(Math.max(...taken))
    await until("the last number", () => [ann, bob].every(({ heard }) => texts(heard).includes(last)))
    assert.deepEqual(texts(ann.heard).map(Number), [...taken])
    check(bob.heard, taken, site.b, [begin, from])
    assert.equal(bob.again(), 0, "the socket was lost")
  })
})
