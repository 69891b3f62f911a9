// Against the chat server, which is a Rust program (`JSTACK_CHAT`; `./check` builds it): the profile v1 as the
// server speaks it, and the React example, written for the stock client, with its two imports changed.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer } from "node:net"
import { after, before, describe, test } from "node:test"
import { build } from "esbuild"
import { createClient } from "jstack-rs"
import { chromium } from "playwright-core"
import { sleep, WebSocket } from "./support.mjs"

const CHAT = process.env.JSTACK_CHAT
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]
const example = new URL("../../../examples/chat-react/src/", import.meta.url).pathname
const here = new URL(".", import.meta.url).pathname

// The example's own `node_modules` are not needed: what it imports is what this package has.
const changed = {
  name: "changed imports",
  setup(build) {
    build.onLoad({ filter: /\.tsx?$/ }, async ({ path }) => {
      if (!path.startsWith(example)) return
      const text = await readFile(path, "utf8")
      const contents = text.replaceAll('"jstack/client"', '"jstack-rs/react"').replaceAll('"jstack"', '"jstack-rs"')
      return { contents, loader: path.endsWith("x") ? "tsx" : "ts" }
    })
    build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) =>
      importer.startsWith(example) ? build.resolve(path, { resolveDir: here, kind: "import-statement" }) : undefined,
    )
  },
}

const skip = !CHAT && "JSTACK_CHAT names no chat server"

describe("the profile v1", { skip }, () => {
  test("requests, their errors, and a server that drains", async () => {
    const port = await freePort()
    const server = await chat(port)
    const errors = []
    const client = createClient({ baseUrl: `http://127.0.0.1:${port}/api`, WebSocket, onError: error => errors.push(error) })
    try {
      const socket = client.post.chat.$ws()
      await socket.ready({ timeout: 5000 })
      assert.equal(socket.status.profile, "v1")
      assert.ok(socket.id)
      assert.equal(await socket.request("join", { roomId: "v1" }), null)
      await assert.rejects(socket.request("message", { roomId: "v1" }), error => {
        assert.deepEqual([error.name, error.code, error.status, error.issues[0].path], ["SocketError", "invalid", 422, "message"])
        return true
      })
      const message = socket.once("message", { timeout: 5000 })
      assert.equal(socket.emit("message", { roomId: "v1", message: "hello", author: "ada" }), true)
      assert.equal((await message).message, "hello")

      const down = new Promise(resolve => socket.on("onDisconnect", resolve))
      server.kill("SIGTERM")
      const { code, willRetry, cause } = await down
      assert.deepEqual([code, willRetry, cause.code], [1012, true, "draining"])
      assert.deepEqual(errors, [])
    } finally {
      client.$close()
      server.kill("SIGKILL")
    }
  })
})

describe("the React example on this client", { skip }, () => {
  let browser, server, port, script
  before(async () => {
    const { outputFiles } = await build({
      entryPoints: [`${example}main.tsx`],
      outdir: "out",
      bundle: true,
      format: "esm",
      jsx: "automatic",
      define: { "process.env.NODE_ENV": '"development"' },
      plugins: [changed],
      write: false,
    })
    script = outputFiles.find(({ path }) => path.endsWith(".js")).text
    port = await freePort()
    server = await chat(port)
    browser = await chromium.launch({ executablePath: process.env.JSTACK_CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS })
  })
  after(async () => {
    await browser?.close()
    server?.kill("SIGKILL")
  })

  async function visit(name) {
    const page = await (await browser.newContext()).newPage()
    page.setDefaultTimeout(10_000)
    // A page of the server's own, so that it is of its origin; nothing of it is used.
    await page.goto(`http://127.0.0.1:${port}/readyz?room=dropin&name=${name}`)
    await page.setContent('<div id="root"></div>')
    await page.addScriptTag({ type: "module", content: script })
    await page.locator("[role=status][data-connected=true]").waitFor()
    return page
  }
  const say = async (page, text) => {
    await page.getByRole("textbox", { name: "Message" }).fill(text)
    await page.getByRole("button", { name: "Send" }).click()
  }
  const heard = (page, text) => page.locator("main p", { hasText: text }).waitFor()

  test("two pages talk, and come back after the server was away for longer than the stock client waits", async () => {
    const [ada, bob] = [await visit("ada"), await visit("bob")]
    await say(ada, "hello")
    await Promise.all([heard(ada, "hello"), heard(bob, "hello")])

    server.kill("SIGKILL")
    await once(server, "exit")
    await sleep(4000)
    server = await chat(port)
    // Each comes back after a delay of its own.
    for (let tries = 0; ; tries++) {
      await say(bob, `again ${tries}`)
      const ok = await ada.locator("main p", { hasText: `again ${tries}` }).waitFor({ timeout: 1000 }).then(() => true, () => false)
      if (ok) break
      assert.ok(tries < 20, "heard again")
    }
  })
})

async function chat(port) {
  const server = spawn(CHAT, ["serve", `127.0.0.1:${port}`], { stdio: "ignore" })
  for (let tries = 0; ; tries++) {
    if (await fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok, () => false)) return server
    assert.ok(tries < 200, "the chat answers")
    await sleep(25)
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  await once(server, "close")
  return port
}
