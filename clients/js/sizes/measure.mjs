// What clients cost a page, minified by esbuild and gzipped: the table in docs/clients.md.
//
//   npm ci --prefix clients/js && npm run build --prefix clients/js
//   npm ci --prefix clients/js/sizes && npm run measure --prefix clients/js/sizes

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

const require = createRequire(import.meta.url)
const ours = new URL("../dist/", import.meta.url).pathname
const entries = [
  ["jstack-rs", `export { createClient } from "${ours}index.js"`],
  ["jstack-rs, /react with three hooks", `export { createClient } from "${ours}index.js"; export { useSocket, useEvent, useStatus } from "${ours}react.js"`],
  ["jstack (stock)", 'export { createClient } from "jstack"'],
  ["jstack (stock), zod not counted", 'export { createClient } from "jstack"', ["zod"]],
  ["socket.io-client", 'export { io } from "socket.io-client"'],
  ["phoenix", 'export { Socket, Presence } from "phoenix"'],
  ["centrifuge", 'export { Centrifuge } from "centrifuge"'],
  ["ably", 'export { Realtime } from "ably"'],
  ["ably, modular: WebSocket, fetch, presence", 'export { BaseRealtime, WebSocketTransport, FetchRequest, RealtimePresence } from "ably/modular"'],
  ["partysocket", 'export { PartySocket } from "partysocket"'],
]
for (const [name, contents, without = []] of entries) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external: ["react", ...without],
    write: false,
    logLevel: "error",
    // What a page loads later, by `import()`, is a file of its own and does not count.
    splitting: true,
    outdir: "/",
  })
  const { contents: page } = outputFiles.find(({ path }) => path === "/stdin.js")
  const size = gzipSync(page, { level: 9 }).length
  console.log(`${name.padEnd(44)}${version(name.split(",")[0].split(" ")[0]).padEnd(9)}${(size / 1000).toFixed(1).padStart(6)} KB`)
}

function version(name) {
  const file = name === "jstack-rs" ? "../package.json" : `${require.resolve.paths(name)[0]}/${name}/package.json`
  return JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")).version
}
