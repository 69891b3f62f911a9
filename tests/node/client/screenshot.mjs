// Takes docs/images/chat.png and board.png: each on a desktop and on a phone.
//
//   cargo build -p chat -p board && node tests/node/client/screenshot.mjs
//
// The board's page must be built: see its README.

import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { board, chat, freePort } from "./support.mjs"

const height = 560
const wide = { viewport: { width: 720, height }, colorScheme: "light" }
const phone = { viewport: { width: 330, height }, isMobile: true, hasTouch: true, colorScheme: "dark" }
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] })

// Puts two windows beside each other.
async function picture(name, pages) {
  const [left, right] = [await pages[0].screenshot(), await pages[1].screenshot()]
  const sheet = await browser.newPage({ viewport: { width: 720 + 330 + 72, height: height + 48 } })
  const image = bytes => `<img src="data:image/png;base64,${bytes.toString("base64")}" style="border-radius:14px;box-shadow:0 2px 14px #0004">`
  await sheet.setContent(`<body style="margin:0;padding:24px;display:flex;gap:24px;background:#e5e7eb">${image(left)}${image(right)}`)
  await sheet.screenshot({ path: fileURLToPath(new URL(`../../../docs/images/${name}.png`, import.meta.url)) })
}

async function takeChat({ url }) {
  const visit = async (name, options) => {
    const context = await browser.newContext(options)
    await context.addInitScript(name => localStorage.setItem("name", name), name)
    const page = await context.newPage()
    await page.goto(`${url}/?room=general`)
    await page.locator("#state[data-is=open]").waitFor()
    await page.locator("#log .note").waitFor()
    return page
  }
  const ada = await visit("Ada", wide)
  const bob = await visit("Bob", phone)
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
  await picture("chat", [ada, bob])
}

async function takeBoard({ url }) {
  const visit = async (name, options) => {
    const page = await (await browser.newContext(options)).newPage()
    await page.goto(`${url}/?board=floor plan`)
    await page.getByLabel("Your name").fill(name)
    await page.getByRole("button", { name: "Open the board" }).click()
    await page.locator("[role=status][data-state=open]").waitFor()
    return page
  }
  const pages = [await visit("Ada", wide), await visit("Bob", phone), await visit("Cy", wide)]
  const [ada, bob, cy] = pages
  const at = async (page, x, y) => {
    const box = await page.locator(".surface").boundingBox()
    return [box.x + box.width * x, box.y + box.height * y]
  }
  const comment = async (page, [x, y], text) => {
    const spot = await at(page, x, y)
    await (page === bob ? page.touchscreen.tap(...spot) : page.mouse.click(...spot))
    await page.getByLabel("Comment", { exact: true }).fill(text)
    await page.getByRole("button", { name: "Comment", exact: true }).click()
    for (const each of pages) await each.locator("aside li", { hasText: text }).waitFor()
  }
  await comment(cy, [0.22, 0.3], "The door is on the wrong side.")
  await comment(bob, [0.55, 0.75], "Could the window be wider?")
  await comment(ada, [0.7, 0.45], "Room for a table of six here.")
  await bob.mouse.move(...await at(bob, 0.35, 0.5))
  await cy.mouse.move(...await at(cy, 0.3, 0.55))
  await ada.mouse.move(...await at(ada, 0.52, 0.25))
  await ada.locator(".pin", { hasText: "1" }).click()
  for (const [page, name] of [[ada, "Cy"], [bob, "Ada"]]) await page.locator(`.cursor[data-user=${name}]`).waitFor()
  await bob.locator(".people li").nth(2).waitFor()
  await picture("board", [ada, bob])
}

try {
  for (const [serve, take] of [[chat, takeChat], [board, takeBoard]]) {
    const server = await serve(await freePort())
    await take(server).finally(() => server.stop())
  }
} finally {
  await browser.close()
}
