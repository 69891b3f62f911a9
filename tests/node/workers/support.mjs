// An application on workerd, Cloudflare's runtime, by miniflare: from a folder that jstack-worker-build made.

import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join, relative } from "node:path"
import { Miniflare } from "miniflare"

const types = { ".js": "ESModule", ".wasm": "CompiledWasm" }

// A port that nobody has at the moment.
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  return port
}

// The modules of a folder, `index.js` first: workerd starts with it.
function modules(folder) {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .filter(path => types[path.slice(path.lastIndexOf("."))])
  paths.sort((a, b) => (b === "index.js") - (a === "index.js"))
  return paths.map(path => ({
    type: types[path.slice(path.lastIndexOf("."))],
    path: join(folder, path),
    contents: path.endsWith(".wasm") ? readFileSync(join(folder, path)) : readFileSync(join(folder, path), "utf8"),
  }))
}

// How miniflare runs it. `log` gets what it writes to its console.
export function options(folder, { variables = {}, ...others }, log) {
  const keep = stream => stream.on("data", data => log.push(String(data)))
  return {
    modules: modules(folder),
    modulesRoot: folder,
    compatibilityDate: "2026-04-01",
    durableObjects: { JSTACK: { className: "JstackObject", useSQLite: true } },
    bindings: variables,
    handleRuntimeStdio: (stdout, stderr) => (keep(stdout), keep(stderr)),
    ...others,
  }
}

// Starts it on a free port.
export async function worker(folder, others = {}) {
  const log = []
  const runtime = new Miniflare(options(folder, others, log))
  const url = String(await runtime.ready).replace(/\/$/, "")
  return { runtime, url, log, text: () => log.join(""), stop: () => runtime.dispose() }
}
