// Takes docs/images/chat.png: the chat on a desktop and on a phone.
//
//   cargo build -p chat && node tests/node/client/screenshot.mjs

import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { CHAT, start } from "./support.mjs"

const out = fileURLToPath(new URL("../../../docs/images/chat.png", import.meta.url))
const address = "127.0.0.1:8099"
const server = await start(CHAT, ["serve", address], { ready: null })
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] })
try {
  const visit = async (name, options) => {
    const context = await browser.newContext({ colorScheme: "light", ...options })
    await context.addInitScript(name => localStorage.setItem("name", name), name)
    const page = await context.newPage()
    for (let tries = 0; ; tries++) {
      try { await page.goto(`http://${address}/?room=general`); break } catch (error) { if (tries > 50) throw error }
    }
    await page.locator("#state[data-is=open]").waitFor()
    await page.locator("#log .note").waitFor()
    return page
  }
  const height = 560
  const ada = await visit("Ada", { viewport: { width: 720, height } })
  const bob = await visit("Bob", { viewport: { width: 330, height }, isMobile: true, hasTouch: true, colorScheme: "dark" })
  const say = async (page, text) => {
    await page.locator("#text").fill(text)
    await page.locator("#send").click()
    for (const each of [ada, bob]) await each.locator("#log .message:not(.sending)", { hasText: text }).waitFor()
  }
  await say(ada, "Is the new room up?")
  await say(bob, "It is! I am on my phone, same server.")
  await say(ada, "And the page has no build step: one file, in the binary.")
  await say(bob, "The client on /react/ is the stock jstack from npm.")
  await say(ada, "Does it come back when the server restarts?")
  await say(bob, "By itself, within seconds.")
  await bob.locator("#text").pressSequentially("Want to")
  await ada.locator("#typing", { hasText: "Bob" }).waitFor()
  const [wide, small] = [await ada.screenshot(), await bob.screenshot()]
  const sheet = await browser.newPage({ viewport: { width: 720 + 330 + 72, height: height + 48 } })
  const image = bytes => `<img src="data:image/png;base64,${bytes.toString("base64")}" style="border-radius:14px;box-shadow:0 2px 14px #0004">`
  await sheet.setContent(`<body style="margin:0;padding:24px;display:flex;gap:24px;background:#e5e7eb">${image(wide)}${image(small)}`)
  await sheet.screenshot({ path: out })
} finally {
  await browser.close()
  await server.stop()
}
