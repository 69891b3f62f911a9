// The template's application, made by `templates/check`: while it is worked on, and once it is built.

import assert from "node:assert/strict"
import { readFile, writeFile } from "node:fs/promises"
import { after, afterEach, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { launch } from "./browser.mjs"
import { answers, freePort, start } from "./support.mjs"

const app = process.env.JSTACK_TEMPLATE
let browser, visit
before(async () => { ({ browser, visit } = await launch()) })
afterEach(() => browser.endVisits())
after(() => browser?.close())

async function say(page, text) {
  await page.getByRole("status").filter({ hasText: "connected" }).waitFor()
  await page.getByLabel("Message").fill(text)
  await page.getByRole("button", { name: "Send" }).click()
  await page.locator("li", { hasText: text }).waitFor()
}

test("the built server has the page, its routes, and what was said before", async () => {
  const address = `127.0.0.1:${await freePort()}`
  const server = await start(process.env.JSTACK_TEMPLATE_SERVER, ["serve", address], { ready: null, env: { WEB: `${app}/web/dist` } })
  try {
    await answers(`http://${address}/readyz`, server)
    const page = await visit(`http://${address}/a/route/of/the/browser`)
    await say(page, "hello")
    const late = await visit(`http://${address}/`)
    await late.locator("li", { hasText: "hello" }).waitFor()
    await say(late, "hi")
    await page.locator("li", { hasText: "hi" }).waitFor()
    assert.equal(await page.locator("li").count(), 2)
    assert.equal((await fetch(`http://${address}/api/nothing`)).status, 404)
  } finally {
    await server.stop()
  }
})

test("`npm run dev` runs both, and a change in Rust reaches api.ts and the server", async () => {
  const [port, serverPort] = [await freePort(), await freePort()]
  const dev = await start("node", ["node_modules/.bin/vite", "--port", port, "--strictPort", "--host", "127.0.0.1"], {
    ready: null, cwd: `${app}/web`, env: { PORT: serverPort },
  })
  const source = `${app}/src/chat.rs`
  const before = await readFile(source, "utf8")
  try {
    await answers(`http://127.0.0.1:${port}/api/post/recent`, dev)
    const page = await visit(`http://127.0.0.1:${port}/`)
    await say(page, "from Vite's page")

    // First a mistake: the server that runs goes on.
    await writeFile(source, before.replace("pub text: String", "pub text: Strin"))
    for (let tries = 0; !dev.log().includes("cannot find type `Strin`"); tries++) {
      assert.ok(tries < 600, dev.log())
      await sleep(50)
    }
    await say(page, "still here")

    await writeFile(source, before.replace("pub struct Message {", "pub struct Message {\n    /// In stars.\n    #[garde(skip)]\n    pub rating: Option<u8>,"))
    for (let tries = 0; !(await readFile(`${app}/web/src/api.ts`, "utf8")).includes("rating?: number | null"); tries++) {
      assert.ok(tries < 600, dev.log())
      await sleep(50)
    }
    for (let tries = 0; ; tries++) {
      const schema = await fetch(`http://127.0.0.1:${port}/api/_schema/openapi.json`).then(res => res.text(), String)
      if (schema.includes("In stars.")) break
      assert.ok(tries < 600, dev.log())
      await sleep(50)
    }
  } finally {
    dev.signal("SIGTERM")
    await dev.ended
    await writeFile(source, before)
  }
  // The server ended with it.
  await assert.rejects(fetch(`http://127.0.0.1:${serverPort}/healthz`))
})
