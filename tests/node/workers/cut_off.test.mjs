// What a deploy cuts off, as clients of the profile v1 see it: they come back by themselves, and
// nothing is missing without a word. The object's memory ends, so that rooms begin again.

import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import WebSocket from "ws"
import { createClient } from "../../../clients/js/dist/index.js"
import { freePort, options, worker } from "./support.mjs"

const folder = process.env.WORKERS_BUILD
let server, port
before(async () => {
  port = await freePort()
  server = await worker(folder, { port })
})
after(() => server?.stop())

// Somebody in a room, with what they heard in its order: texts, and gaps by their reason.
async function member(room, name) {
  const client = createClient({ baseUrl: `${server.url}/api`, WebSocket, onError: () => {} })
  const socket = client.p.talk.$ws()
  const heard = []
  let entered = 0
  socket.onGap(({ reason }) => heard.push({ gap: reason }))
  socket.on("said", ({ text }) => heard.push(text))
  socket.on("joined", joined => void (joined === room && heard.length >= 0 && entered++))
  socket.on("onConnect", () => void socket.emit("join", room))
  const until = async (what, is) => {
    for (let tries = 0; tries < 300; tries++) {
      if (is()) return
      await sleep(50)
    }
    assert.fail(`${name}: ${what} not in time; heard ${JSON.stringify(heard)}`)
  }
  await until("the room", () => entered > 0)
  return { heard, until, times: () => entered, end: () => client.$close() }
}

async function say(room, text) {
  for (let tries = 0; tries < 100; tries++) {
    const headers = { "content-type": "application/json" }
    const answer = await fetch(`${server.url}/api/p/say`, { method: "POST", headers, body: JSON.stringify({ room, text }) }).catch(() => undefined)
    if (answer?.status === 200) return
    await sleep(50)
  }
  assert.fail(`nobody takes "${text}"`)
}

// The clients hear `one`; then `cut` cuts them off, `two` is said while they are away, and `three`
// when they are back.
async function survives(room, cut) {
  const members = await Promise.all(["ann", "bob"].map(name => member(room, name)))
  try {
    await say(room, "one")
    for (const { heard, until } of members) await until("one", () => heard.includes("one"))
    const before = members.map(({ times }) => times())
    await cut()
    await say(room, "two")
    for (const [n, { until, times }] of members.entries()) await until("the way back", () => times() > before[n])
    await say(room, "three")
    for (const { heard, until } of members) {
      await until("three", () => heard.includes("three"))
      const gap = heard.findIndex(it => it.gap !== undefined)
      assert.deepEqual(heard.filter(it => typeof it === "string" && it !== "two"), ["one", "three"])
      assert.ok(gap > heard.indexOf("one") && gap < heard.indexOf("three"), `a gap before what follows it: ${JSON.stringify(heard)}`)
      assert.ok(!heard.includes("two") || gap < heard.indexOf("two"), JSON.stringify(heard))
    }
  } finally {
    members.forEach(({ end }) => end())
  }
}

test("a deploy cuts all sockets off; clients come back, and a gap says that the room began again", async () => {
  // The runtime starts again, with the same program.
  await survives("deployed", () => server.runtime.setOptions(options(folder, { port }, server.log)))
})

test("so does an object that ends alone", { skip: process.env.WORKERS_PANIC !== "abort" && "a panic ends its own connection" }, async () => {
  await survives("evicted", async () => {
    const answer = await fetch(`${server.url}/api/p/panics`, { method: "POST" })
    assert.equal(answer.status, 500)
  })
})
