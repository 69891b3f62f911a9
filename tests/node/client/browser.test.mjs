// Two pages in a real browser: the chat's own page, and the one on the stock packages.

import assert from "node:assert/strict"
import { after, afterEach, before, describe, test } from "node:test"
import { answers, chat, fixture, freePort, redis } from "./support.mjs"
import { entered, here, launch, message, say, state, texts } from "./browser.mjs"

let browser, visit, server, port, url
before(async () => {
  port = await freePort()
  url = `http://127.0.0.1:${port}`
  server = await chat(port)
  ;({ browser, visit } = await launch())
})
afterEach(() => browser.endVisits())
after(async () => {
  await browser?.close()
  await server?.stop()
})

describe("the chat's page", () => {
  test("two pages of a room hear each other, and a third in another room does not", async () => {
    const [ada, bob, eve] = [
      await visit(`${url}/?room=one`, { name: "Ada" }),
      await visit(`${url}/?room=one`, { name: "Bob" }),
      await visit(`${url}/?room=two`, { name: "Eve" }),
    ]
    await Promise.all([entered(ada, "one"), entered(bob, "one"), entered(eve, "two")])
    await say(ada, "hello")
    await message(bob, "hello").waitFor()
    await say(bob, "<b>hi</b> & welcome")
    await message(ada, "<b>hi</b> & welcome").waitFor()
    await say(eve, "alone")
    const both = [["Ada", "hello"], ["Bob", "<b>hi</b> & welcome"]]
    assert.deepEqual(await texts(ada), both)
    assert.deepEqual(await texts(bob), both)
    assert.deepEqual(await texts(eve), [["Eve", "alone"]])
    assert.equal(await message(ada, "hello").getAttribute("class"), "message mine")

    // Changing the room takes the page there, and nothing of the old one follows.
    await eve.locator("#room").fill("one")
    await eve.locator("#room").press("Enter")
    await entered(eve, "one")
    assert.deepEqual(await texts(eve), both)
    assert.equal(new URL(eve.url()).searchParams.get("room"), "one")
  })

  test("who writes is shown to the others, until it is said", async () => {
    const [ada, bob] = [await visit(`${url}/?room=typing`, { name: "Ada" }), await visit(`${url}/?room=typing`, { name: "Bob" })]
    await Promise.all([entered(ada, "typing"), entered(bob, "typing")])
    await ada.locator("#text").pressSequentially("hm")
    await bob.locator("#typing", { hasText: "Ada is typing" }).waitFor()
    assert.equal(await ada.locator("#typing").textContent(), "")
    await ada.locator("#send").click()
    await message(bob, "hm").waitFor()
    assert.equal(await bob.locator("#typing").textContent(), "")
    // The next message is shown at once again.
    await ada.locator("#text").pressSequentially("well")
    await bob.locator("#typing", { hasText: "Ada is typing" }).waitFor()
  })

  test("what was said is there after a reload, by the socket, by POST, and gone once it is deleted", async () => {
    const ada = await visit(`${url}/?room=history`, { name: "Ada" })
    await entered(ada, "history")
    await say(ada, "first")
    const body = JSON.stringify({ roomId: "history", message: "second", author: "a script" })
    const res = await fetch(`${url}/api/post/create`, { method: "POST", headers: { "content-type": "application/json" }, body })
    assert.equal(res.status, 200)
    await message(ada, "second").waitFor()
    await ada.reload()
    await entered(ada, "history")
    assert.deepEqual(await texts(ada), [["Ada", "first"], ["a script", "second"]])
    await ada.locator("#clear").click()
    await ada.getByRole("button", { name: "Delete for everyone" }).click()
    await ada.locator("#log .note", { hasText: "deleted" }).waitFor()
    await ada.reload()
    await entered(ada, "history")
    assert.deepEqual(await texts(ada), [])
  })

  test("who is in the room is shown, by name, as they come, are renamed and leave", async () => {
    const ada = await visit(`${url}/?room=people`, { name: "Ada" })
    await entered(ada, "people")
    await here(ada, [])
    const [bob, eve] = [await visit(`${url}/?room=people`, { name: "Bob" }), await visit(`${url}/?room=people`, { name: "Eve" })]
    await here(ada, ["Bob", "Eve"])
    await here(bob, ["Ada", "Eve"])
    await bob.locator("#name").fill("Robert")
    await bob.locator("#name").press("Enter")
    await here(ada, ["Eve", "Robert"])
    await eve.locator("#room").fill("elsewhere")
    await eve.locator("#room").press("Enter")
    await here(eve, [])
    await here(ada, ["Robert"])
    await bob.close()
    await here(ada, [])
    // The same after a reconnect.
    await server.stop()
    await state(ada, "closed")
    assert.match(await ada.locator("#here").getAttribute("class"), /stale/)
    server = await chat(port)
    await state(ada, "open")
    const cy = await visit(`${url}/react/?room=people&name=Cy`)
    await here(ada, ["Cy"])
    await cy.close()
    await here(ada, [])
  })

  test("the state of the connection is shown, and it comes back by itself after a restart", async () => {
    const ada = await visit(`${url}/?room=restart`, { name: "Ada" })
    await state(ada, "open")
    await entered(ada, "restart")
    await server.stop()
    await state(ada, "closed")
    assert.match(await ada.locator("#state").textContent(), /offline/)
    assert.equal(await ada.locator("#send").isDisabled(), true)
    server = await chat(port)
    await state(ada, "open")
    await entered(ada, "restart")
    await say(ada, "still here")
  })

  test("on a phone nothing is wider than the screen, and what is needed can be seen", async () => {
    const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }
    const [ada, bob] = [await visit(`${url}/?room=phone`, { name: "Ada", ...phone }), await visit(`${url}/?room=phone`, { name: "Bob" })]
    await Promise.all([entered(ada, "phone"), entered(bob, "phone")])
    await say(bob, `${"a long word ".repeat(20)}${"x".repeat(200)}`)
    for (let i = 0; i < 12; i++) await say(ada, `message ${i}`)
    await message(ada, "a long word").waitFor()
    const wide = await ada.evaluate(() => [document.documentElement.scrollWidth, innerWidth, document.documentElement.scrollHeight, innerHeight])
    assert.ok(wide[0] <= wide[1], `${wide}`)
    assert.ok(wide[2] <= wide[3], `${wide}`)
    for (const part of ["#text", "#send", "#state", "#room", "#name"]) {
      const box = await ada.locator(part).boundingBox()
      assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 360 && box.y + box.height <= 640, `${part} ${JSON.stringify(box)}`)
    }
    assert.ok(await message(ada, "message 11").evaluate(p => p.getBoundingClientRect().bottom <= innerHeight))
  })
})

describe("the React page on the stock packages", () => {
  const react = (name, room) => visit(`${url}/react/?room=${room}&name=${name}`)
  const status = (page, text) => page.locator("[role=status]", { hasText: text }).waitFor()
  const shown = page => page.locator("main p").evaluateAll(all => all.map(p => ["b", "span"].map(part => p.querySelector(part).textContent)))
  async function type(page, text) {
    await page.getByLabel("Message", { exact: true }).fill(text)
    await page.getByRole("button", { name: "Send" }).click()
  }

  test("two pages chat through useWebSocket, with history and who writes", async () => {
    const [ada, bob] = [await react("Ada", "react"), await react("Bob", "react")]
    await Promise.all([status(ada, "connected"), status(bob, "connected")])
    await type(ada, "hello")
    for (const page of [ada, bob]) await page.locator("main p", { hasText: "hello" }).waitFor()
    await bob.getByLabel("Message", { exact: true }).pressSequentially("hm")
    await ada.getByRole("note").filter({ hasText: "Bob is typing" }).waitFor()
    await type(bob, "hi")
    await ada.locator("main p", { hasText: "hi" }).waitFor()
    const both = [["Ada", "hello"], ["Bob", "hi"]]
    assert.deepEqual(await shown(ada), both)
    assert.deepEqual(await shown(bob), both)
    const late = await react("Cy", "react")
    await late.locator("main p", { hasText: "hi" }).waitFor()
    assert.deepEqual(await shown(late), both)
  })

  test("the log follows long messages, and a refused text comes back with the reason", async () => {
    const ada = await react("Ada", "react-long")
    await status(ada, "connected")
    const below = () => ada.locator("main").evaluate(log => log.scrollHeight - log.scrollTop - log.clientHeight)
    for (const text of ["a long one ".repeat(170), "and a short one"]) {
      await type(ada, text)
      await ada.locator("main p", { hasText: text.trim() }).waitFor()
      assert.ok(await below() < 2)
    }
    await ada.getByLabel("Message", { exact: true }).evaluate(input => { input.maxLength = 4000 })
    await type(ada, "x".repeat(2001))
    await ada.getByRole("alert").filter({ hasText: "message: length is greater than 2000" }).waitFor()
    assert.equal(await ada.getByLabel("Message", { exact: true }).inputValue(), "x".repeat(2001))
  })

  test("it talks with the chat's own page", async () => {
    const [ada, bob] = [await react("Ada", "mixed"), await visit(`${url}/?room=mixed`, { name: "Bob" })]
    await Promise.all([status(ada, "connected"), entered(bob, "mixed")])
    await type(ada, "from React")
    await message(bob, "from React").waitFor()
    await say(bob, "from the plain page")
    await ada.locator("main p", { hasText: "from the plain page" }).waitFor()
  })

  test("the stock client comes back after a restart, and joins its room again", async () => {
    const ada = await react("Ada", "back")
    await status(ada, "connected")
    // `connected` is shown before the server has answered `join`.
    await type(ada, "before")
    await ada.locator("main p", { hasText: "before" }).waitFor()
    await server.stop()
    server = await chat(port)
    // The history was in the server's memory: it is empty once the page has joined again.
    await ada.locator("main p", { hasText: "before" }).waitFor({ state: "detached" })
    await type(ada, "after")
    await ada.locator("main p", { hasText: "after" }).waitFor()
  })
})

describe("two processes on one Redis", () => {
  let cache, env, near, there
  before(async () => {
    cache = await redis()
    env = { REDIS_URL: cache.url }
    ;[near, there] = await Promise.all([chat(await freePort(), env), chat(await freePort(), env)])
  })
  after(() => Promise.all([near, there, cache].map(server => server?.stop())))

  test("a page whose server restarts gets what was said meanwhile, and sees who is there", async () => {
    const ada = await visit(`${near.url}/?room=away`, { name: "Ada" })
    const bob = await visit(`${there.url}/?room=away`, { name: "Bob" })
    await Promise.all([entered(ada, "away"), entered(bob, "away")])
    await here(ada, ["Bob"])
    await here(bob, ["Ada"])
    await say(bob, "before")
    await message(ada, "before").waitFor()
    await near.stop()
    await state(ada, "closed")
    await say(bob, "while you were away")
    near = await chat(near.port, env)
    await state(ada, "open")
    await message(ada, "while you were away").waitFor()
    await say(ada, "back")
    await message(bob, "back").waitFor()
    const all = [["Bob", "before"], ["Bob", "while you were away"], ["Ada", "back"]]
    assert.deepEqual(await texts(ada), all)
    assert.deepEqual(await texts(bob), all)
    await here(ada, ["Bob"])
    // The process that was killed is missed for its lease; then its Ada is gone, and the new one is there.
    await bob.locator("#here", { hasText: /^2 here: you, Ada$/ }).waitFor({ timeout: 20_000 })
  })

  test("pages of both are in one room, and stay in it when Redis is killed and comes back", async () => {
    const ada = await visit(`${near.url}/?room=both`, { name: "Ada" })
    const bob = await visit(`${there.url}/react/?room=both&name=Bob`)
    const inReact = text => bob.locator("main p", { hasText: text }).waitFor()
    const type = async text => {
      await bob.getByLabel("Message", { exact: true }).fill(text)
      await bob.getByRole("button", { name: "Send" }).click()
    }
    await entered(ada, "both")
    // It hears itself once it is in the room.
    await type("hello from there")
    await inReact("hello from there")
    await message(ada, "hello from there").waitFor()
    await say(ada, "hello from here")
    await inReact("hello from here")

    await cache.stop()
    cache = await redis(cache.port)
    for (const server of [near, there]) await answers(`${server.url}/readyz`, server)
    await type("back there")
    await message(ada, "back there").waitFor()
    await say(ada, "back here")
    await inReact("back here")
    assert.equal(await ada.locator("#log .note", { hasText: "You are in both" }).count(), 1, "it never had to join again")
  })
})

describe("what browsers do with origins", () => {
  const call = async (page, target) =>
    page.evaluate(async target => {
      const post = { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"t"}', credentials: "include" }
      const answer = await fetch(`${target}/api/t/write`, post).then(res => res.json(), () => "blocked")
      const moment = await fetch(`${target}/api/t/moment`, { credentials: "include" }).then(res => res.headers.get("x-is-superjson"), () => "blocked")
      const socket = await new Promise(done => {
        const ws = new WebSocket(`${target.replace("http", "ws")}/api/t/chat`)
        ws.onopen = () => done("open")
        ws.onerror = () => done("blocked")
      })
      return [answer, moment, socket]
    }, target)

  test("a page of an allowed origin may call, read and connect; another may not", async () => {
    const page = await visit(`${url}/?room=origins`)
    const [open, closed] = [await fixture({ env: { FIXTURE_ORIGIN: url } }), await fixture()]
    try {
      assert.deepEqual(await call(page, open.url), [{ text: "t" }, "true", "open"])
      assert.deepEqual(await call(page, closed.url), ["blocked", "blocked", "blocked"])
      assert.equal(await (await fetch(`${closed.url}/api/t/written`)).json(), 0)
    } finally {
      await Promise.all([open.stop(), closed.stop()])
    }
  })
})
