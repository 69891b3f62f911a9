// What each entry costs a page, minified and gzipped. A budget that no longer fits is a decision, not an accident.

import assert from "node:assert/strict"
import { test } from "node:test"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

const BUDGETS = { index: 9300, react: 1800, tanstack: 600, tabs: 600, worker: 900 }

for (const [entry, budget] of Object.entries(BUDGETS)) {
  test(`${entry} is at most ${budget} bytes`, async context => {
    const size = await bundled(`export * from "./dist/${entry}.js"`)
    context.diagnostic(`${size} bytes`)
    assert.ok(size <= budget, `${size} bytes`)
  })
}

test("the three usual hooks are at most 800 bytes", async () => {
  const size = await bundled('export { useSocket, useEvent, useStatus } from "./dist/react.js"')
  assert.ok(size <= 800, `${size} bytes`)
})

test("nothing but the worker has side effects: an import that is not used costs nothing", async () => {
  const size = await bundled('import "jstack-rs"; import "jstack-rs/react"; import "jstack-rs/tanstack"; import "jstack-rs/tabs"')
  assert.ok(size <= 30, `${size} bytes`)
})

async function bundled(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL("..", import.meta.url).pathname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react"],
    logLevel: "silent",
    write: false,
  })
  return gzipSync(outputFiles[0].contents, { level: 9 }).length
}
