// The chat's page on a desktop and on a phone: where the log is, what is new, what was refused, and
// whether it works without a mouse and without eyes.

import assert from "node:assert/strict"
import { after, afterEach, before, describe, test } from "node:test"
import { entered, here, launch, message, say, state, texts } from "./browser.mjs"
import { chat, freePort } from "./support.mjs"

let browser, visit, server, url
before(async () => {
  server = await chat(await freePort())
  url = server.url
  ;({ browser, visit } = await launch())
})
afterEach(() => browser.endVisits())
after(async () => {
  await browser?.close()
  await server?.stop()
})

// Somebody else in the room: a script.
async function post(roomId, text, author = "Bob") {
  const body = JSON.stringify({ roomId, message: text, author })
  const res = await fetch(`${url}/api/post/create`, { method: "POST", headers: { "content-type": "application/json" }, body })
  assert.equal(res.status, 200)
}

const rooms = (n => () => `room ${++n}`)(0)
async function enter(options = {}) {
  const room = rooms()
  const page = await visit(`${url}/?room=${room}`, { name: "Ada", ...options })
  await entered(page, room)
  return { page, room }
}

// How far the end of the log is below what can be seen of it.
const below = page => page.locator("#log").evaluate(log => log.scrollHeight - log.scrollTop - log.clientHeight)
const refused = (page, words) => page.locator("#refused", { hasText: words }).waitFor()
const inSight = locator => locator.evaluate(node => {
  const [box, log] = [node.getBoundingClientRect(), document.getElementById("log").getBoundingClientRect()]
  return box.top >= log.top && box.bottom <= log.bottom
})
const long = "a sentence that goes on and on. ".repeat(62).trim()
const scrollTo = (page, top) => page.locator("#log").evaluate((log, top) => new Promise(done => {
  log.addEventListener("scroll", done, { once: true })
  log.scrollTop = top
}), top)

const SCREENS = {
  "1280×800": { viewport: { width: 1280, height: 800 } },
  "390×844": { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 3 },
}

for (const [screen, options] of Object.entries(SCREENS)) describe(`at ${screen}`, () => {
  test("the log follows after messages that are longer than the window", async () => {
    const { page, room } = await enter(options)
    for (let n = 0; n < 3; n++) await post(room, `${long} ${n}`)
    await message(page, `${long} 2`).waitFor()
    assert.ok(await page.locator("#log").evaluate(log => log.scrollHeight > log.clientHeight), "it is a long log")
    assert.ok(await below(page) < 2)
    for (let n = 0; n < 3; n++) await post(room, `short ${n}`)
    await message(page, "short 2").waitFor()
    assert.ok(await inSight(message(page, "short 2")))
  })

  test("one's own message is always followed, also from far up", async () => {
    const { page, room } = await enter(options)
    for (let n = 0; n < 30; n++) await post(room, `line ${n}`)
    await message(page, "line 29").waitFor()
    await scrollTo(page, 0)
    await say(page, "here I am")
    assert.ok(await inSight(message(page, "here I am")))
    assert.ok(await below(page) < 2)
  })

  test("who reads further up is not moved, sees how many are new, and where they begin", async () => {
    const { page, room } = await enter(options)
    for (let n = 0; n < 40; n++) await post(room, `line ${n}`)
    await message(page, "line 39").waitFor()
    await scrollTo(page, 0)
    await post(room, "new one")
    await post(room, "new two")
    const jump = page.getByRole("button", { name: "2 new messages" })
    await jump.waitFor()
    assert.equal(await page.locator("#log").evaluate(log => log.scrollTop), 0)
    assert.equal(await page.title(), `(2) ${room} · Chat`)
    const after = await page.locator("#new").evaluate(line => line.nextSibling.querySelector("span").textContent)
    assert.equal(after, "new one")
    await jump.click()
    await jump.waitFor({ state: "hidden" })
    assert.ok(await below(page) < 2)
    assert.equal(await page.title(), `${room} · Chat`)
    assert.equal(await page.locator("#text").evaluate(text => text === document.activeElement), true)
    // The line is there until it was answered.
    assert.equal(await page.locator("#new").count(), 1)
    await say(page, "an answer")
    assert.equal(await page.locator("#new").count(), 0)
  })

  test("nothing is wider than the window, and all that is needed is inside", async () => {
    const { page, room } = await enter(options)
    await post(room, "x".repeat(500), "n".repeat(64))
    await message(page, "xxx").waitFor()
    await page.locator("#clear").click()
    const { width, height } = options.viewport
    const box = await page.locator("#sure").boundingBox()
    assert.ok(box.x >= 0 && box.x + box.width <= width, JSON.stringify(box))
    await page.keyboard.press("Escape")
    for (let n = 0; n < 20; n++) await say(page, `mine ${n}`)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    assert.ok(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight))
    await visit(`${url}/?room=${room}`, { name: "w".repeat(64) })
    await here(page, ["w".repeat(64)])
    if (process.env.JSTACK_PICTURES) await page.screenshot({ path: `${process.env.JSTACK_PICTURES}/chat-${screen}.png` })
    for (const part of ["#room", "#name", "#clear", "#state", "#here", "#text", "#send"]) {
      const box = await page.locator(part).boundingBox()
      assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, `${part} ${JSON.stringify(box)}`)
    }
  })

  test("the log keeps its end in sight when the window shrinks, as for a phone's keyboard", async () => {
    const { page, room } = await enter(options)
    for (let n = 0; n < 40; n++) await post(room, `line ${n}`)
    await message(page, "line 39").waitFor()
    await page.setViewportSize({ width: options.viewport.width, height: 420 })
    await page.waitForFunction(() => innerHeight === 420)
    await page.waitForFunction(() => { const log = document.getElementById("log"); return log.scrollHeight - log.scrollTop - log.clientHeight < 2 })
    assert.ok(await inSight(message(page, "line 39")))
  })
})

describe("what is new", () => {
  test("is counted in the title while the tab is hidden, and marked where it begins", async () => {
    const { page, room } = await enter()
    const hide = hidden => page.evaluate(hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true })
      document.dispatchEvent(new Event("visibilitychange"))
    }, hidden)
    await say(page, "before")
    await hide(true)
    await post(room, "while away")
    await page.waitForFunction(title => document.title === title, `(1) ${room} · Chat`)
    assert.equal(await page.locator("#new").evaluate(line => line.nextSibling.querySelector("span").textContent), "while away")
    await hide(false)
    await page.waitForFunction(title => document.title === title, `${room} · Chat`)
    assert.equal(await page.locator("#new").count(), 1)
  })

  test("has the time at which the server received it", async () => {
    const { page, room } = await enter()
    const before = Date.now()
    await say(page, "on time")
    const time = message(page, "on time").locator("time")
    const at = new Date(await time.getAttribute("datetime")).getTime()
    assert.ok(at >= before - 1000 && at <= Date.now() + 1000, `${at}`)
    assert.match(await time.textContent(), /^\d{1,2}:\d\d/)
    await page.reload()
    await entered(page, room)
    assert.equal(new Date(await message(page, "on time").locator("time").getAttribute("datetime")).getTime(), at)
  })
})

describe("what is refused", () => {
  test("comes back into the field with the reason", async () => {
    const { page } = await enter()
    // Longer than the rule says: typed by a hand that the field does not hold back.
    await page.locator("#text").evaluate(text => { text.maxLength = 4000 })
    await page.locator("#text").fill("x".repeat(2001))
    await page.locator("#send").click()
    await refused(page, "Not sent. The message is too long, it may have 2000 characters.")
    assert.equal(await page.locator("#text").inputValue(), "x".repeat(2001))
    assert.equal(await page.locator("#log .message").count(), 0)
    await say(page, "shorter")
    assert.equal(await page.locator("#refused").textContent(), "")
  })

  test("of many that are sent too fast, each is said once or comes back, in plain words", async t => {
    // So low a rate that a slow machine sends too fast, too.
    const strict = await chat(await freePort(), { JSTACK_RATE: "10", JSTACK_BURST: "250" })
    t.after(() => strict.stop())
    const page = await visit(`${strict.url}/?room=many`, { name: "Ada" })
    await entered(page, "many")
    await page.evaluate(() => {
      for (let n = 0; n < 600; n++) {
        document.getElementById("text").value = `<${n}>`
        document.getElementById("form").requestSubmit()
      }
    })
    await refused(page, "Not sent. You are sending too fast: wait a moment.")
    const said = (await texts(page)).map(([, text]) => text)
    const back = (await page.locator("#text").inputValue()).split(" ")
    assert.ok(said.length >= 200 && back.length > 0, `${said.length} ${back.length}`)
    assert.deepEqual([...said, ...back], Array.from({ length: 600 }, (_, n) => `<${n}>`))
  })

  test("a room that cannot be entered leaves one in the room before, which goes on", async () => {
    const { page, room } = await enter()
    await say(page, "here")
    await page.locator("#room").evaluate(room => { room.maxLength = 200 })
    await page.locator("#room").fill("🚪".repeat(60))
    await page.locator("#room").press("Enter")
    await refused(page, "The room’s name is too long, it may have 50 characters.")
    assert.equal(await page.locator("#room").inputValue(), room)
    assert.equal(new URL(page.url()).searchParams.get("room"), room)
    await post(room, "still heard")
    await message(page, "still heard").waitFor()
    assert.deepEqual((await texts(page)).map(([, text]) => text), ["here", "still heard"])
  })

  test("a name of a room as long as the rule allows is one that the server takes", async () => {
    const page = await visit(`${url}/?room=${encodeURIComponent("🚪".repeat(50))}`, { name: "Ada" })
    await entered(page, "🚪".repeat(50))
    await say(page, "knock")
  })

  test("an address with an impossible room leads to the general one, and says so", async () => {
    const page = await visit(`${url}/?room=${"x".repeat(51)}`, { name: "Ada" })
    await refused(page, "You cannot enter")
    await entered(page, "general")
    assert.equal(await page.locator("#room").inputValue(), "general")
  })
})

describe("deleting the messages of a room", () => {
  test("asks, says whose they are, and does nothing when it is cancelled", async () => {
    const { page, room } = await enter()
    await say(page, "keep me")
    await page.locator("#clear").click()
    const dialog = page.getByRole("dialog", { name: "Delete everybody’s messages?" })
    await dialog.waitFor()
    assert.match(await dialog.textContent(), new RegExp(`in the room “${room}” will be deleted for everyone`))
    // The careful answer has the focus.
    await page.keyboard.press("Enter")
    await dialog.waitFor({ state: "hidden" })
    await page.locator("#clear").click()
    await page.keyboard.press("Escape")
    await dialog.waitFor({ state: "hidden" })
    await say(page, "and me")
    await page.reload()
    await entered(page, room)
    assert.deepEqual((await texts(page)).map(([, text]) => text), ["keep me", "and me"])
    await page.locator("#clear").click()
    await page.getByRole("button", { name: "Delete for everyone" }).click()
    await page.locator("#log .note", { hasText: "deleted" }).waitFor()
    assert.deepEqual(await texts(page), [])
  })
})

describe("a connection that is lost", () => {
  test("what a frozen server never answered is sent once: found in the history, or given back", async () => {
    const frozen = await chat(await freePort())
    try {
      const page = await visit(`${frozen.url}/?room=ice`, { name: "Ada" })
      await entered(page, "ice")
      await say(page, "warm")
      frozen.signal("SIGSTOP")
      await page.locator("#text").fill("brr")
      await page.locator("#send").click()
      await page.locator("#log .message.sending", { hasText: "brr" }).waitFor()
      // Eight seconds without an answer are a loss.
      await page.locator("#state:not([data-is=open])").waitFor({ timeout: 15_000 })
      frozen.signal("SIGCONT")
      await state(page, "open")
      await message(page, "brr").waitFor()
      assert.deepEqual((await texts(page)).map(([, text]) => text), ["warm", "brr"])
      assert.equal(await page.locator("#text").inputValue(), "")
    } finally {
      frozen.signal("SIGCONT")
      await frozen.stop()
    }
  })

  test("what a server took with it is given back, with the reason", async () => {
    const port = await freePort()
    let mortal = await chat(port)
    try {
      const page = await visit(`${mortal.url}/?room=end`, { name: "Ada" })
      await entered(page, "end")
      mortal.signal("SIGSTOP")
      await page.locator("#text").fill("last words")
      await page.locator("#send").click()
      await page.locator("#log .message.sending").waitFor()
      await mortal.stop()
      mortal = await chat(port)
      await refused(page, "Not sent. The connection was lost.")
      assert.equal(await page.locator("#text").inputValue(), "last words")
      await page.locator("#send").click()
      await message(page, "last words").waitFor()
    } finally {
      await mortal.stop()
    }
  })

  test("adds what was missed, and leaves the reader at the same place", async () => {
    const keep = () => {
      const Real = WebSocket
      globalThis.WebSocket = class extends Real { constructor(...args) { super(...args); globalThis.last = this } }
    }
    const { page, room } = await enter({ script: keep, viewport: { width: 800, height: 400 } })
    for (let n = 0; n < 30; n++) await post(room, `line ${n}`)
    await message(page, "line 29").waitFor()
    await scrollTo(page, 120)
    await page.evaluate(() => last.close())
    await state(page, "closed")
    await post(room, "missed")
    await state(page, "open")
    await page.getByRole("button", { name: "1 new message" }).waitFor()
    assert.equal(await page.locator("#log").evaluate(log => log.scrollTop), 120)
    assert.equal((await texts(page)).length, 31)
  })
})

describe("without a mouse, and without eyes", () => {
  test("everything has a name, the log is a live region, and refusals are alerts", async () => {
    const { page } = await enter()
    for (const [role, name] of [
      ["textbox", "Room"], ["textbox", "Name"], ["textbox", "Message"], ["button", "Delete messages …"],
      ["button", "Send"], ["log", "Messages"], ["status"], ["alert"],
    ]) assert.equal(await page.getByRole(role, name && { name, exact: true }).count(), 1, `${role} ${name}`)
    assert.equal(await page.locator("#log").getAttribute("aria-live"), "polite")
    assert.equal(await page.locator("#state").textContent(), "connected")
  })

  test("Tab goes through everything in order, and the log scrolls with the keys", async () => {
    const { page, room } = await enter()
    for (let n = 0; n < 40; n++) await post(room, `line ${n}`)
    await message(page, "line 39").waitFor()
    const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName)
    assert.equal(await focus(), "text", "one can type at once")
    await page.locator("#room").focus()
    const order = []
    for (let n = 0; n < 6; n++) { order.push(await focus()); await page.keyboard.press("Tab") }
    assert.deepEqual(order, ["room", "name", "clear", "log", "text", "send"])
    await page.locator("#log").focus()
    await page.keyboard.press("Home")
    await page.waitForFunction(() => document.getElementById("log").scrollTop === 0)
  })

  test("after sending by the button or by Enter the field has the focus", async () => {
    const { page } = await enter()
    await say(page, "by the button")
    const focused = () => page.locator("#text").evaluate(text => text === document.activeElement)
    assert.ok(await focused())
    await page.keyboard.type("by the key")
    await page.keyboard.press("Enter")
    await message(page, "by the key").waitFor()
    assert.ok(await focused())
  })
})
