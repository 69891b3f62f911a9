// The example chat on Cloudflare's runtime, in a real browser.

import assert from "node:assert/strict"
import { after, afterEach, before, test } from "node:test"
import { entered, launch, message, say, state, texts } from "../client/browser.mjs"
import { worker } from "./support.mjs"

let browser, visit, server
before(async () => {
  server = await worker(process.env.WORKERS_CHAT)
  ;({ browser, visit } = await launch())
})
afterEach(() => browser.endVisits())
after(async () => {
  await browser?.close()
  await server?.stop()
})

test("two pages of a room hear each other, and a third in another room does not", async () => {
  const [ada, bob, eve] = [
    await visit(`${server.url}/?room=one`, { name: "Ada" }),
    await visit(`${server.url}/?room=one`, { name: "Bob" }),
    await visit(`${server.url}/?room=two`, { name: "Eve" }),
  ]
  await Promise.all([entered(ada, "one"), entered(bob, "one"), entered(eve, "two")])
  await say(ada, "hello")
  await message(bob, "hello").waitFor()
  await say(bob, "<b>hi</b> & welcome")
  await message(ada, "<b>hi</b> & welcome").waitFor()
  await say(eve, "alone")
  assert.deepEqual(await texts(ada), [["Ada", "hello"], ["Bob", "<b>hi</b> & welcome"]])
  assert.deepEqual(await texts(eve), [["Eve", "alone"]])
})

test("what was said is there after a reload, by the socket and by POST", async () => {
  const ada = await visit(`${server.url}/?room=history`, { name: "Ada" })
  await entered(ada, "history")
  await say(ada, "first")
  const body = JSON.stringify({ roomId: "history", message: "second", author: "a script" })
  const answer = await fetch(`${server.url}/api/post/create`, { method: "POST", headers: { "content-type": "application/json" }, body })
  assert.equal(answer.status, 200)
  await message(ada, "second").waitFor()
  await ada.reload()
  await entered(ada, "history")
  assert.deepEqual(await texts(ada), [["Ada", "first"], ["a script", "second"]])
  await state(ada, "open")
})
