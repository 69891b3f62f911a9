// The Rust server as a part of `npm run dev`: built, started, and again after each change below
// `src/`. Each time `web/src/api.ts` is written from the Rust types, so the page's types follow.

import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { Plugin } from "vite"

const root = fileURLToPath(new URL("..", import.meta.url))
const rust = [`${root}src`, `${root}Cargo.toml`]

export function server(address: string): Plugin {
  let running: ChildProcess | undefined
  let turn = 0

  function start(command: string, args: string[]) {
    const child = spawn(command, args, { cwd: root, stdio: "inherit" })
    child.on("error", error => console.error(`${command}: ${error.message}`))
    return child
  }

  async function succeeds(command: string, args: string[]) {
    const [code] = await once(start(command, args), "exit").catch(() => [1])
    return code === 0
  }

  async function stop() {
    if (!running || running.exitCode !== null) return
    const ended = once(running, "exit")
    running.kill("SIGTERM")
    await ended
  }

  // While a new server does not compile, the old one goes on.
  async function restart() {
    const mine = ++turn
    if (!await succeeds("cargo", ["build"]) || mine !== turn) return
    if (!await succeeds("cargo", ["run", "--quiet", "--", "types", "web/src/api.ts", "--stock"]) || mine !== turn) return
    await stop()
    if (mine === turn) running = start("cargo", ["run", "--quiet", "--", "serve", address])
  }

  return {
    name: "server",
    apply: "serve",
    async configureServer({ watcher, httpServer }) {
      watcher.add(rust)
      let soon: NodeJS.Timeout | undefined
      watcher.on("all", (_, path) => {
        if (!rust.some(place => path.startsWith(place))) return
        clearTimeout(soon)
        soon = setTimeout(restart, 100)
      })
      httpServer?.once("close", () => void stop())
      process.once("exit", () => running?.kill("SIGTERM"))
      await restart()
    },
  }
}
