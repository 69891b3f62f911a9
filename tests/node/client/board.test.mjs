// The board on a desktop and on a phone: cursors, people, comments, and a sign-in that is renewed.

import assert from "node:assert/strict"
import { after, afterEach, before, describe, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { launch } from "./browser.mjs"
import { board, freePort } from "./support.mjs"

const SCREENS = {
  "1280×800": { viewport: { width: 1280, height: 800 } },
  "390×844": { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
}

let browser, visit, server
before(async () => {
  server = await board(await freePort())
  ;({ browser, visit } = await launch())
})
afterEach(() => browser.endVisits())
after(async () => {
  await browser?.close()
  await server?.stop()
})

// Somebody who has signed in, with the frames that their page sends and gets.
async function enter(name, plan, { of = server, ...options } = {}) {
  const page = await visit("about:blank", { script: keep, ...options })
  page.sent = []
  page.sockets = 0
  page.on("websocket", socket => {
    page.sockets++
    socket.on("framesent", ({ payload }) => page.sent.push(String(payload)))
  })
  await page.goto(`${of.url}/?board=${plan}`)
  await page.getByLabel("Your name").fill(name)
  await page.getByRole("button", { name: "Open the board" }).click()
  await status(page, "open")
  return page
}
// The last socket of a page, so that a test can cut it.
const keep = () => {
  const Real = WebSocket
  globalThis.WebSocket = class extends Real { constructor(...args) { super(...args); globalThis.last = this } }
}

const status = (page, is) => page.locator(`[role=status][data-state=${is}]`).waitFor()
const person = (page, name) => page.getByLabel("Who is here").locator(`li[title="${name}"]`)
const cursor = (page, name) => page.locator(`.cursor[data-user="${name}"]`)
const texts = page => page.locator("aside li button > span").evaluateAll(all => all.map(span => span.lastChild.textContent))

// A point of the board in a page's window, once the board keeps its place: what arrives moves it on a phone.
async function at(page, x, y) {
  const place = async () => {
    await page.evaluate(() => new Promise(requestAnimationFrame))
    return page.locator(".surface").boundingBox()
  }
  let box = await place()
  for (let before; JSON.stringify(before) !== JSON.stringify(box); ) [before, box] = [box, await place()]
  return [box.x + box.width * x, box.y + box.height * y]
}
async function comment(page, [x, y], text) {
  const spot = await at(page, x, y)
  await (page.touch ? page.touchscreen.tap(...spot) : page.mouse.click(...spot))
  await page.getByLabel("Comment", { exact: true }).fill(text)
  await page.getByRole("button", { name: "Comment", exact: true }).click()
  await page.locator("aside li", { hasText: text }).waitFor()
  await page.locator(".composer").waitFor({ state: "detached" })
}

test("without a built page the server says how to build it", async () => {
  const bare = await board(await freePort(), { BOARD_PAGE: "/nowhere" })
  try {
    const res = await fetch(bare.url)
    assert.equal(res.status, 404)
    assert.match(await res.text(), /npm ci --prefix examples\/board\/page/)
    assert.equal((await fetch(`${server.url}/assets/..%2findex.html`)).status, 404)
  } finally {
    await bare.stop()
  }
})

test("two pages see each other, where the other points, and who is writing", async () => {
  const [ada, bob] = [await enter("Ada", "see"), await enter("Bob", "see")]
  await person(ada, "Bob").waitFor()
  await person(bob, "Ada").waitFor()
  await person(bob, "Bob (you)").waitFor()
  assert.equal(await cursor(bob, "Ada").count(), 0)
  await ada.mouse.move(...await at(ada, 0.2, 0.2))
  await ada.mouse.move(...await at(ada, 0.5, 0.25), { steps: 8 })
  await cursor(bob, "Ada").waitFor()
  await ada.mouse.move(...await at(ada, 0.75, 0.5))
  await bob.waitForFunction(() => {
    const { left, top } = document.querySelector(".cursor").style
    return Math.abs(parseFloat(left) - 75) < 0.5 && Math.abs(parseFloat(top) - 50) < 0.5
  })
  assert.equal(await cursor(ada, "Ada").count(), 0, "nobody sees their own")

  await ada.mouse.click(...await at(ada, 0.3, 0.3))
  await person(bob, "Ada is writing").waitFor()
  await ada.keyboard.press("Escape")
  await person(bob, "Ada").waitFor()
  await ada.close()
  await person(bob, "Ada").waitFor({ state: "detached" })
  await cursor(bob, "Ada").waitFor({ state: "detached" })
})

test("a comment is on all pages, at its place, once, and there for who comes later", async () => {
  const [ada, bob] = [await enter("Ada", "say"), await enter("Bob", "say")]
  await comment(ada, [0.25, 0.5], "<b>too small</b>?")
  await bob.locator("aside li", { hasText: "too small" }).waitFor()
  await comment(bob, [0.9, 0.9], "and this")
  await ada.locator("aside li", { hasText: "and this" }).waitFor()
  for (const page of [ada, bob, await enter("Eve", "say")]) {
    await page.getByRole("heading", { name: "2 comments" }).waitFor()
    assert.deepEqual(await texts(page), ["<b>too small</b>?", "and this"])
    const [left, top] = await page.locator(".pin").first().evaluate(({ style }) => [style.left, style.top].map(parseFloat))
    assert.ok(Math.abs(left - 25) < 0.5 && Math.abs(top - 50) < 0.5, `${left} ${top}`)
  }
  await bob.locator(".pin").first().click()
  assert.equal(await bob.locator(".bubble").textContent(), "Ada<b>too small</b>?")
})

test("comments survive a connection that is lost, and what was said meanwhile arrives once", async () => {
  const [ada, bob] = [await enter("Ada", "lost"), await enter("Bob", "lost")]
  await comment(ada, [0.2, 0.2], "before")
  await ada.evaluate(() => {
    // The way is cut: this socket ends, and no other one opens for now.
    globalThis.Cut = WebSocket
    globalThis.WebSocket = class extends Cut { constructor(_, ...rest) { super("ws://127.0.0.1:1", ...rest) } }
    last.close()
  })
  await status(ada, "reconnecting")
  await comment(bob, [0.4, 0.4], "one while away")
  await comment(bob, [0.6, 0.6], "two while away")
  assert.deepEqual(await texts(ada), ["before"], "they stay while it is offline")
  await ada.evaluate(() => { globalThis.WebSocket = Cut })
  await status(ada, "open")
  await ada.getByRole("heading", { name: "3 comments" }).waitFor()
  await comment(ada, [0.8, 0.8], "after")
  const all = ["before", "one while away", "two while away", "after"]
  assert.deepEqual(await texts(ada), all)
  await bob.getByRole("heading", { name: "4 comments" }).waitFor()
  assert.deepEqual(await texts(bob), all)
  assert.equal(await ada.locator("[role=alert]:not(:empty)").count(), 0)
})

test("a token is renewed in time, on the same connection, until the server does not know it", async () => {
  const port = await freePort()
  let brief = await board(port, { BOARD_TOKEN_SECONDS: "3" })
  try {
    const ada = await enter("Ada", "brief", { of: brief })
    const renewed = () => ada.sent.filter(frame => frame.startsWith('["$token"')).length
    for (const until = Date.now() + 60_000; renewed() < 3; await sleep(50)) {
      assert.ok(Date.now() < until, `${renewed()} renewals`)
    }
    assert.equal(ada.sockets, 1)
    // With the newest token, calls work as well.
    await comment(ada, [0.5, 0.5], "still signed in")
    await brief.stop()
    await status(ada, "reconnecting")
    brief = await board(port, { BOARD_TOKEN_SECONDS: "3" })
    await ada.getByText("You were signed out.").waitFor()
    assert.equal(await ada.getByLabel("Your name").inputValue(), "Ada")
    await ada.getByRole("button", { name: "Open the board" }).click()
    await status(ada, "open")
  } finally {
    await brief.stop()
  }
})

for (const [screen, options] of Object.entries(SCREENS)) describe(`at ${screen}`, () => {
  test("all that is needed is inside the window, also while a comment is written", async () => {
    const plan = `plan ${screen}`
    const [ada, bob] = [await enter("Ada", plan, options), await enter("Bob Who Has Quite A Long Name", plan)]
    ada.touch = options.hasTouch
    await person(ada, "Bob Who Has Quite A Long Name").waitFor()
    await comment(bob, [0.15, 0.3], "Could this be a little larger?")
    await comment(bob, [0.8, 0.7], `A very long one. ${"word ".repeat(40)}${"x".repeat(40)}`)
    await bob.mouse.move(...await at(bob, 0.6, 0.35))
    await comment(ada, [0.45, 0.55], "Looks good on a phone.")
    await cursor(ada, "Bob Who Has Quite A Long Name").waitFor()
    if (process.env.JSTACK_PICTURES) await ada.screenshot({ path: `${process.env.JSTACK_PICTURES}/board-${screen}.png` })
    const { width, height } = options.viewport
    // Now or soon: a scroll, or the keyboard's focus, may be under way.
    const isInside = async selector => {
      const outside = () => ada.locator(selector).evaluateAll((nodes, { width, height }) => nodes
        .map(node => node.getBoundingClientRect())
        .filter(({ left, top, right, bottom }) => left < 0 || top < 0 || right > width || bottom > height)
        .map(box => box.toJSON()), { width, height })
      let found = await outside()
      for (const until = Date.now() + 5_000; found.length && Date.now() < until; found = await outside()) await sleep(20)
      assert.deepEqual(found, [], selector)
    }
    for (const part of ["h1", "[role=status]", ".people li", ".surface", "aside"]) await isInside(part)
    for (const corner of [[0.02, 0.02], [0.98, 0.02], [0.02, 0.98], [0.98, 0.98]]) {
      const spot = await at(ada, ...corner)
      await (options.hasTouch ? ada.touchscreen.tap(...spot) : ada.mouse.click(...spot))
      await ada.getByLabel("Comment", { exact: true }).fill("here")
      for (const part of [".composer", ".composer textarea", ".composer button"]) await isInside(part)
      await ada.getByRole("button", { name: "Cancel" }).click()
    }
    if (process.env.JSTACK_PICTURES) {
      const spot = await at(ada, 0.3, 0.5)
      await (options.hasTouch ? ada.touchscreen.tap(...spot) : ada.mouse.click(...spot))
      await ada.getByLabel("Comment", { exact: true }).fill("What about a second column?")
      await ada.screenshot({ path: `${process.env.JSTACK_PICTURES}/board-writing-${screen}.png` })
    }
    assert.ok(await ada.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight))
  })
})
