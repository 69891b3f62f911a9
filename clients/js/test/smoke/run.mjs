// Runs the client in the runtimes that are here, of Node, Bun, Deno and Firefox: `npm run smoke`, after `npm run build`.
// `BUN`, `DENO` and `FIREFOX` name programs that are not on the path. Fails if one of them fails, or if there is none but Node.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { build } from "esbuild"
import { board } from "../board.mjs"
import { sleep, until } from "../support.mjs"

const here = import.meta.dirname
const { outputFiles } = await build({ entryPoints: [`${here}/page.mjs`], bundle: true, format: "esm", write: false })
const files = {
  "/": ["text/html", '<!doctype html><script type="module" src="/page.js"></script>'],
  "/page.js": ["text/javascript", outputFiles[0].text],
}

/** A program and all that it printed; `undefined` where there is no such program. */
async function run(program, args, end = child => once(child, "close").then(() => undefined)) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] })
  let text = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", data => (text += data))
  const started = await Promise.race([once(child, "spawn").then(() => true), once(child, "error").then(() => false)])
  if (!started) return
  const late = setTimeout(() => child.kill(), 60_000)
  try {
    return (await end(child)) ?? text
  } finally {
    clearTimeout(late)
    if (child.exitCode === null) child.kill()
  }
}

/** A board whose room has one message; a client that says `cut` is cut off, and misses another. */
async function served(talk) {
  const server = await board(files)
  server.say("r", "note", "before")
  const serving = setInterval(() => {
    const is = name => server.said.findIndex(([event]) => event === name)
    if (is("double") >= 0) {
      server.said.splice(is("double"), 1)
      server.say("r", "note", "one")
    }
    if (is("cut") >= 0) {
      server.said.splice(is("cut"), 1)
      server.cut()
      server.say("r", "note", "while away")
    }
  }, 5)
  try {
    return await talk(server)
  } finally {
    clearInterval(serving)
    await server.close()
  }
}

async function firefox(server) {
  const profile = await mkdtemp(`${tmpdir()}/jstack-firefox-`)
  const result = () => server.said.find(([event]) => event === "result")?.[1]
  try {
    const args = ["--headless", "--no-remote", "--profile", profile, `${server.url}/`]
    return await run(process.env.FIREFOX ?? "firefox-esr", args, async () => {
      await until(result, "the page's result", 60_000)
      return result()
    })
  } finally {
    // What ends writes a little more.
    await sleep(500)
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

const program = `${here}/program.mjs`
const runtimes = {
  // Node has a WebSocket of its own from version 22.
  ...(globalThis.WebSocket && { node: ({ url }) => run(process.execPath, [program, url]) }),
  bun: ({ url }) => run(process.env.BUN ?? "bun", [program, url]),
  deno: ({ url }) => run(process.env.DENO ?? "deno", ["run", "--allow-net", program, url]),
  firefox,
}
let others = 0
for (const [name, talk] of Object.entries(runtimes)) {
  const text = await served(talk)
  if (text === undefined) {
    console.log(`${name}: not here`)
    continue
  }
  if (name !== "node") others++
  console.log(`${name}: ${text.trim()}`)
  if (!text.startsWith("done: open, request, event, presence, history, recovery, close")) process.exitCode = 1
}
if (!others) process.exitCode = 1
