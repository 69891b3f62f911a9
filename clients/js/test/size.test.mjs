// What each entry costs a page, minified and gzipped. A budget that no longer fits is a decision, not an accident.

import assert from "node:assert/strict"
import { test } from "node:test"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

const BUDGETS = { index: 8750, react: 1800, tanstack: 600, tabs: 600, worker: 900 }

for (const [entry, budget] of Object.entries(BUDGETS)) {
  test(`${entry} is at most ${budget} bytes`, async context => {
    const { first } = await bundled(`export * from "./dist/${entry}.js"`)
    context.diagnostic(`${first} bytes`)
    assert.ok(first <= budget, `${first} bytes`)
  })
}

test("the three usual hooks are at most 800 bytes", async () => {
  const { first } = await bundled('export { useSocket, useEvent, useStatus } from "./dist/react.js"')
  assert.ok(first <= 800, `${first} bytes`)
})

test("only the reader of superjson is left for later, and it is at most 500 bytes", async context => {
  const { later } = await bundled('export * from "./dist/index.js"')
  context.diagnostic(JSON.stringify(later))
  assert.deepEqual(Object.keys(later), ["read.js"])
  assert.ok(later["read.js"] <= 500, `${later["read.js"]} bytes`)
})

test("nothing but the worker has side effects: an import that is not used costs nothing", async () => {
  const { first } = await bundled('import "jstack-rs"; import "jstack-rs/react"; import "jstack-rs/tanstack"; import "jstack-rs/tabs"')
  assert.ok(first <= 30, `${first} bytes`)
})

/** `first`: what a page loads at once, in bytes. `later`: what it loads when it needs it, by file. */
async function bundled(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: new URL("..", import.meta.url).pathname, sourcefile: "page" },
    bundle: true,
    minify: true,
    splitting: true,
    metafile: true,
    format: "esm",
    target: "es2022",
    external: ["react"],
    logLevel: "silent",
    write: false,
    outdir: "/",
    chunkNames: "[name]",
  })
  const size = file => gzipSync(outputFiles.find(({ path }) => name(path) === file).contents, { level: 9 }).length
  const [entry] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint)
  const atOnce = new Set([entry])
  const later = new Set()
  for (const output of atOnce)
    for (const { path, kind } of metafile.outputs[output].imports)
      if (path in metafile.outputs) (kind === "dynamic-import" ? later : atOnce).add(path)
  return {
    first: [...atOnce].reduce((sum, output) => sum + size(name(output)), 0),
    later: Object.fromEntries([...later].map(output => [name(output), size(name(output))])),
  }
}

const name = path => path.split("/").at(-1)
