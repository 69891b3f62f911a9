// Hooks, tabs and the page's life in Chromium.

import assert from "node:assert/strict"
import { createRequire } from "node:module"
import { after, afterEach, before, beforeEach, describe, test } from "node:test"
import { build } from "esbuild"
import { chromium } from "playwright-core"
import { board } from "./board.mjs"
import { sleep, until } from "./support.mjs"

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]
const files = { "/": ["text/html", '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>'], "/other": ["text/html", "other"] }
let browser, server
const errors = []

before(async () => {
  const bundled = async (entry, contents) => {
    const { outputFiles } = await build({
      ...(contents ? { stdin: { contents, resolveDir: import.meta.dirname } } : { entryPoints: [`${import.meta.dirname}/${entry}`] }),
      bundle: true,
      format: "esm",
      jsx: "automatic",
      define: { "process.env.NODE_ENV": '"development"' },
      write: false,
    })
    return ["text/javascript", outputFiles[0].text]
  }
  files["/page.js"] = await bundled("page.jsx")
  files["/hydrated.js"] = await bundled("hydrated.jsx")
  files["/worker.js"] = await bundled("", 'import "jstack-rs/worker"')
  browser = await chromium.launch({
    executablePath: process.env.JSTACK_CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  })
})
after(() => browser?.close())
beforeEach(async () => {
  server = await board(files)
})
afterEach(async () => {
  for (const context of browser.contexts()) await context.close()
  await server.close()
  assert.deepEqual(errors.splice(0), [])
})

async function visit(query, context) {
  context ??= await browser.newContext()
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  page.on("pageerror", error => errors.push(String(error)))
  await page.goto(`${server.url}/?${new URLSearchParams(query)}`)
  return page
}
const text = (page, id, wanted) => page.locator(`#${id}`, { hasText: wanted }).first().waitFor()
const exact = (page, id, wanted) => page.waitForFunction(([id, wanted]) => document.getElementById(id)?.textContent === wanted, [id, wanted])
const log = page => page.evaluate(() => window.log)

/** Stops every process that shows a page, as a machine that sleeps does. */
async function asleep(ms) {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send("SystemInfo.getProcessInfo")
  const pages = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id)
  for (const id of pages) process.kill(id, "SIGSTOP")
  await sleep(ms)
  for (const id of pages) process.kill(id, "SIGCONT")
}

describe("hooks", () => {
  test("StrictMode and three components are one dial; a second after the last has gone it is closed", async () => {
    const page = await visit({ show: "shared" })
    await text(page, "state", "open v1")
    await sleep(100)
    assert.equal(server.dials.length, 1)
    await page.evaluate(() => window.setShown(false))
    await text(page, "nothing", "nothing")
    await sleep(300)
    await page.evaluate(() => window.setShown(true))
    await text(page, "state", "open v1")
    assert.equal(server.dials.length, 1)
    await page.evaluate(() => window.setShown(false))
    await until(() => server.sockets.size === 0, "closed")
    assert.equal(server.dials.length, 1)
  })

  test("handlers are those of the newest render, and each event is heard once", async () => {
    const page = await visit({ show: "shared" })
    await text(page, "state", "open")
    server.send("a", 1)
    await text(page, "events", "0 1")
    server.send("b", null)
    await text(page, "events", "1 1")
    server.send("b", null)
    await text(page, "events", "2 1")
    server.send("a", 2)
    await text(page, "events", "2 2")
    assert.deepEqual((await log(page)).filter(line => line.startsWith("a ")), ["a 1 at 0", "a 2 at 2"])
  })

  test("presence: what this client says follows its state; who is away stays in the list", async () => {
    const [ada, bob] = [await visit({ show: "people", key: "ada" }), await visit({ show: "people", key: "bob" })]
    await exact(ada, "people", "ada:false bob:false")
    await exact(ada, "others", "bob false")
    await bob.getByText("type", { exact: true }).click()
    await exact(ada, "people", "ada:false bob:true")
    server.refuse = true
    server.cut()
    await exact(ada, "others", "bob true")
    server.refuse = false
    await exact(ada, "others", "bob false")
    await exact(ada, "people", "ada:false bob:true")
    await bob.evaluate(() => window.setShown(false))
    await exact(ada, "people", "ada:false")
  })

  test("what is selected of the others renders only when it changes", async () => {
    const page = await visit({ show: "others", key: "ada" })
    await visit({ show: "people", key: "bob" })
    await text(page, "renders", "bob")
    const before = await page.locator("#renders").textContent()
    const bob = browser.contexts().at(-1).pages()[0]
    await bob.getByText("type", { exact: true }).click()
    await until(() => server.said.some(([event, data]) => event === "$state" && data.s?.typing), "said")
    await sleep(100)
    assert.equal(await page.locator("#renders").textContent(), before)
  })

  test("history: the past and what follows are one list, each once, over a reconnect too", async () => {
    for (const n of [1, 2, 3, 4, 5]) server.say("r", "m", n)
    const page = await visit({ show: "past" })
    await exact(page, "past", "ready 3,4,5 true")
    server.say("r", "m", 6)
    await exact(page, "past", "ready 3,4,5,6 true")
    server.refuse = true
    server.cut()
    await text(page, "state", "reconnecting")
    server.say("r", "m", 7)
    server.refuse = false
    await exact(page, "past", "ready 3,4,5,6,7 true")
    await page.getByText("more", { exact: true }).click()
    await exact(page, "past", "ready 1,2,3,4,5,6,7 false")
  })

  test("requests as state", async () => {
    const page = await visit({ show: "ask" })
    await page.getByText("ask", { exact: true }).click()
    await exact(page, "reply", "false 42 undefined")
    await page.getByText("fail", { exact: true }).click()
    await exact(page, "reply", "false 42 invalid")
  })
})

describe("tabs", () => {
  test("three tabs are one connection; answers go to the tab that asked; the last tab closes it", async () => {
    const context = await browser.newContext()
    const pages = []
    for (const n of [1, 2, 3]) pages.push(await visit({ show: "tabs", n }, context))
    for (const page of pages) await text(page, "state", "open v1")
    assert.equal(server.dials.length, 1)
    server.say("r", "a", "hello")
    for (const page of pages) await text(page, "events", "0 hello")
    await Promise.all(pages.map(page => page.getByText("ask", { exact: true }).click()))
    for (const [index, page] of pages.entries()) await exact(page, "reply", `false ${2 * (index + 1)} undefined`)

    // A tab that comes later knows where the room is: nothing is fetched, nothing is missed.
    const late = await visit({ show: "tabs" }, context)
    await text(late, "state", "open v1")
    server.say("r", "a", "late")
    for (const page of [...pages, late]) await text(page, "events", "0 late")
    assert.equal(server.said.filter(([event]) => event === "$history").length, 0)

    for (const page of pages) await page.close()
    await sleep(100)
    assert.equal(server.sockets.size, 1)
    server.cut()
    await until(() => server.dials.length === 2, "dialled again")
    await text(late, "state", "open v1")
    await late.close()
    await until(() => server.sockets.size === 0, "closed")
  })
})

describe("the page's life", () => {
  test("when the network comes back it does not wait for its delay", async () => {
    const page = await visit({ show: "shared", slow: 1 })
    await text(page, "state", "open")
    server.refuse = true
    server.cut()
    await text(page, "state", "reconnecting")
    await page.context().setOffline(true)
    await page.waitForFunction(() => !navigator.onLine)
    server.refuse = false
    await page.context().setOffline(false)
    await text(page, "state", "open")
  })

  test("a machine that sleeps and wakes keeps its connection, or notices that it has none", async () => {
    server.ping = 500
    const page = await visit({ show: "shared", slow: 1 })
    await text(page, "state", "open")
    const pings = () => server.said.filter(([event]) => event === "ping").length
    await asleep(3500)
    await sleep(500)
    assert.equal(await page.locator("#state").first().textContent(), "open v1")
    assert.equal(server.dials.length, 1)

    server.mute()
    await asleep(3500)
    await until(() => pings() > 0, "the page asks")
    await text(page, "state", "reconnecting")
  })

  test("a page that is shown or woken asks its server", async () => {
    const page = await visit({ show: "shared" })
    await text(page, "state", "open")
    for (const [count, name] of ["visibilitychange", "resume"].entries()) {
      await page.evaluate(name => document.dispatchEvent(new Event(name)), name)
      await until(() => server.said.filter(([event]) => event === "ping").length === count + 1, name)
    }
    assert.equal(server.dials.length, 1)
  })

  test("a server that drains says when to come back, whatever the client's own delay is", async () => {
    const page = await visit({ show: "shared", slow: 1 })
    await text(page, "state", "open")
    const from = Date.now()
    server.drain(400)
    await text(page, "state", "reconnecting")
    await text(page, "state", "open v1")
    assert.ok(Date.now() - from >= 390, `after ${Date.now() - from} ms`)
    assert.equal(server.dials.length, 2)
  })

  test("a token that is refused is asked for once more, and the new one is taken", async () => {
    server.token = "new"
    const page = await visit({ show: "shared", slow: 1, token: "new" })
    await text(page, "state", "open v1")
    const bearers = server.dials.map(offered => atob(offered.split("jstack.bearer.")[1]))
    assert.deepEqual(bearers, ["old", "new"])
    assert.deepEqual((await log(page)).filter(line => line.startsWith("token")), ["token connect", "token refused"])
  })

  test("a second refusal is final, and says why", async () => {
    server.token = "another"
    const page = await visit({ show: "shared", token: "new" })
    await text(page, "state", "closed unauthorized")
    await sleep(200)
    assert.equal(server.dials.length, 2)
  })

  test("a page that a server rendered opens nothing there, and one connection here", async () => {
    const { outputFiles } = await build({
      entryPoints: [`${import.meta.dirname}/hydrated.jsx`], bundle: true, platform: "node", format: "cjs", jsx: "automatic", write: false,
    })
    const module = { exports: {} }
    new Function("module", "exports", "require", outputFiles[0].text)(module, module.exports, createRequire(import.meta.url))
    const html = module.exports.html()
    assert.equal(html, '<p id="page">idle 0 loading</p>')
    await sleep(50)
    assert.equal(server.dials.length, 0)
    files["/rendered"] = ["text/html", `<!doctype html><div id="root">${html}</div><script type="module" src="/hydrated.js"></script>`]
    const page = await browser.newPage()
    page.on("pageerror", error => errors.push(String(error)))
    await page.goto(`${server.url}/rendered`)
    await exact(page, "page", "open 1 ready")
    await sleep(100)
    assert.equal(server.dials.length, 1)
    assert.deepEqual(await log(page), [])
  })

  test("the back/forward cache may keep the page, which then connects again", async () => {
    const page = await visit({ show: "shared" })
    await text(page, "state", "open")
    await page.goto(`${server.url}/other`)
    await until(() => server.sockets.size === 0, "closed")
    // Without a load there is nothing that `goBack` could wait for.
    await page.evaluate(() => history.back()).catch(() => {})
    await text(page, "state", "open")
    assert.ok((await log(page)).includes("persisted"), "it came out of the cache")
  })

  test("a server of the base profile is spoken to without the profile", async () => {
    server.profile = false
    const page = await visit({ show: "shared" })
    await text(page, "state", "open base")
    assert.deepEqual(server.dials, ["jstack.v1", "jstack.v1", ""])
    assert.ok((await log(page)).includes("error unsupported"))
    server.send("a", 1)
    await text(page, "events", "0 1")
  })
})
