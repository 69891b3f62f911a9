// The page of `docs/getting-started.md`, as printed: Vite serves it, the first program is its server, and two
// windows of Chromium chat.

import assert from "node:assert/strict"
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { after, afterEach, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { launch } from "./browser.mjs"
import { answers, freePort, start } from "./support.mjs"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`
const program = process.env.JSTACK_README ?? `${target}/debug/readme`
const web = `${target}/getting-started`

let browser, visit
before(async () => { ({ browser, visit } = await launch()) })
afterEach(() => browser.endVisits())
after(() => browser?.close())

// The block that follows "Replace `name`".
function replaced(page, name) {
  const block = new RegExp(`Replace \`${name.replaceAll(".", "\\.")}\`[^]*?\`\`\`tsx?\n([^]*?)\n\`\`\``).exec(page)
  assert.ok(block, `the page does not say what ${name} is`)
  return block[1]
}

// What `npm create vite` makes, as far as it is needed, and what the page says.
function write(port) {
  const page = readFileSync(`${root}docs/getting-started.md`, "utf8")
  rmSync(web, { recursive: true, force: true })
  mkdirSync(`${web}/src`, { recursive: true })
  symlinkSync(`${root}examples/chat-react/node_modules`, `${web}/node_modules`)
  writeFileSync(`${web}/package.json`, JSON.stringify({ name: "web", private: true, type: "module" }))
  writeFileSync(`${web}/index.html`, '<div id="root"></div><script type="module" src="/src/main.tsx"></script>')
  writeFileSync(`${web}/src/main.tsx`, `import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import App from "./App.tsx"

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>)
`)
  const config = replaced(page, "web/vite.config.ts")
  assert.match(config, /127\.0\.0\.1:8080/)
  writeFileSync(`${web}/vite.config.ts`, config.replace("127.0.0.1:8080", `127.0.0.1:${port}`))
  writeFileSync(`${web}/src/App.tsx`, replaced(page, "web/src/App.tsx"))
}

test("two windows of the first page chat through Vite", async () => {
  const [port, serverPort] = [await freePort(), await freePort()]
  write(serverPort)
  const types = await start(program, ["types", `${web}/src/api.ts`, "--stock"], { ready: null })
  assert.equal((await types.ended)[0], 0, types.log())
  const server = await start(program, ["serve", `127.0.0.1:${serverPort}`], { ready: null })
  const vite = await start("node", ["node_modules/.bin/vite", "--port", port, "--strictPort", "--host", "127.0.0.1"], { ready: null, cwd: web })
  try {
    await answers(`http://127.0.0.1:${serverPort}/readyz`, server)
    await answers(`http://127.0.0.1:${port}/`, vite)
    const windows = [await visit(`http://127.0.0.1:${port}/`), await visit(`http://127.0.0.1:${port}/`)]
    for (const page of windows) await page.getByText("connected").waitFor({ timeout: 30_000 })
    for (const [n, page] of windows.entries()) {
      await page.getByRole("textbox").fill(`hello from ${n}`)
      await page.getByRole("button", { name: "Send" }).click()
      for (const other of windows) await other.locator("li", { hasText: `hello from ${n}` }).waitFor()
      assert.equal(await page.getByRole("textbox").inputValue(), "")
    }
    for (const page of windows) assert.equal(await page.locator("li").count(), 2)

    // What the rules refuse is shown, and nobody gets it.
    const refused = windows[0].waitForEvent("dialog")
    // A click is over once the dialog is.
    const clicked = windows[0].getByRole("button", { name: "Send" }).click()
    const dialog = await refused
    assert.match(dialog.message(), /text: length is lower than 1/)
    await dialog.dismiss()
    await clicked
  } finally {
    vite.signal("SIGTERM")
    await vite.ended
    await server.stop()
  }
})
