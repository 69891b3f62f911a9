// What the suites in a browser share: Chromium, its visitors, and the chat's page.

import assert from "node:assert/strict"
import { chromium } from "playwright-core"

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]

// A browser, and how somebody visits a page in it: each visitor has a context, so storage, alone.
export async function launch() {
  const chrome = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: FLAGS })
  const errors = []
  async function visit(address, { name, script, ...options } = {}) {
    const context = await chrome.newContext(options)
    // No test waits for that: it ends one that would wait for ever, on a busy machine not before.
    context.setDefaultTimeout(30_000)
    if (name) await context.addInitScript(name => localStorage.setItem("name", name), name)
    if (script) await context.addInitScript(script)
    const page = await context.newPage()
    page.on("pageerror", error => errors.push(String(error)))
    await page.goto(address)
    return page
  }
  const browser = {
    newPage: options => chrome.newPage(options),
    close: () => chrome.close(),
    // Closes all pages; fails if one of them threw.
    async endVisits() {
      for (const context of chrome.contexts()) await context.close()
      assert.deepEqual(errors.splice(0), [])
    },
  }
  return { browser, visit }
}

export const state = (page, is) => page.locator(`#state[data-is=${is}]`).waitFor()
export const entered = (page, room) => page.locator("#log .note", { hasText: `You are in ${room}.` }).last().waitFor()
// Waits until the page shows these people, sorted by name, beside its own visitor.
export const here = (page, others) =>
  page.locator("#here", { hasText: new RegExp(`^${others.length + 1} here: ${["you", ...others].join(", ")}$`) }).waitFor()
// The messages that contain this text and that the server has sent.
// The text alone: with the name or the time beside it, `message 1` at 1:20 would be `message 11` too.
export const message = (page, text) =>
  page.locator("#log .message:not(.sending)").filter({ has: page.locator("span", { hasText: text }) })
export const texts = page =>
  page.locator("#log .message").evaluateAll(all => all.map(p => ["b", "span"].map(part => p.querySelector(part).textContent)))

export async function say(page, text) {
  await page.locator("#text").fill(text)
  await page.locator("#send").click()
  await message(page, text).last().waitFor()
}
