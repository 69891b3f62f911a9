// An application on workerd, Cloudflare's runtime, by miniflare: from a folder that jstack-worker-build made.

import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { Miniflare } from "miniflare"

const types = { ".js": "ESModule", ".wasm": "CompiledWasm" }

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

// Starts it on a free port. `log` has what it wrote to its console.
export async function worker(folder, { variables = {}, ...options } = {}) {
  const log = []
  const keep = stream => stream.on("data", data => log.push(String(data)))
  const runtime = new Miniflare({
    modules: modules(folder),
    modulesRoot: folder,
    compatibilityDate: "2026-04-01",
    durableObjects: { JSTACK: { className: "JstackObject", useSQLite: true } },
    bindings: variables,
    handleRuntimeStdio: (stdout, stderr) => (keep(stdout), keep(stderr)),
    ...options,
  })
  const url = String(await runtime.ready).replace(/\/$/, "")
  return { runtime, url, log, text: () => log.join(""), stop: () => runtime.dispose() }
}
