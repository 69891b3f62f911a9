// The TypeScript of the pages is right: each block of `ts`, `tsx` and `js` is a module that the compiler
// reads. Shell blocks are checked for their syntax.
//
// Lines that readers need not see are in a comment before the block, which starts with `ts:`. Modules that
// the pages assume are in `docs/`; the contract of the first program is what the first program writes.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`
const program = process.env.JSTACK_README ?? `${target}/debug/readme`
const packages = `${root}examples/chat-react/node_modules`
const out = `${target}/docs-blocks`

// Pages whose contract is not that of `docs/api.ts`.
const STOCK = new Set(["README.md", "docs/getting-started.md"])
const CHAT = new Set(["docs/typescript.md"])

const markdown = folder => readdirSync(root + folder).filter(name => name.endsWith(".md")).map(name => `${folder}/${name}`)
const PAGES = ["README.md", "CONTRIBUTING.md", ...["docs", "clients/js", "examples", "templates"].flatMap(markdown)]

// The blocks of a page: `{ kind, line, text }`, and before each what readers do not see.
function blocks(page) {
  const lines = readFileSync(root + page, "utf8").split("\n")
  const found = []
  let hidden = []
  for (let at = 0; at < lines.length; at++) {
    const kind = /^\s*```(\S+)/.exec(lines[at])?.[1]
    const end = kind ? "```" : lines[at].trim() === "<!-- ts:" ? "-->" : null
    if (!end) continue
    const start = at + 1
    do at++; while (lines[at].trim() !== end)
    const text = lines.slice(start, at)
    if (!kind) hidden.push({ line: start, text })
    else {
      found.push({ page, kind, line: start, text, hidden })
      hidden = []
    }
  }
  assert.deepEqual(hidden, [], `${page}: a comment with \`ts:\` that no block follows`)
  return found
}

const all = PAGES.flatMap(blocks)
const ofKind = (...kinds) => all.filter(({ kind }) => kinds.includes(kind))

test("the TypeScript of the pages compiles", () => {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  assert.ok(existsSync(packages), `${packages} is missing: \`./check\` installs it`)
  symlinkSync(packages, `${out}/node_modules`)
  for (const page of new Set(ofKind("ts", "tsx", "js").map(({ page }) => page))) {
    const folder = `${out}/${page.replaceAll("/", "_")}`
    mkdirSync(folder)
    copyFileSync(`${root}tests/node/client/docs/page.ts`, `${folder}/page.ts`)
    if (STOCK.has(page)) {
      const written = spawnSync(program, ["types", `${folder}/api.ts`, "--stock"], { encoding: "utf8" })
      assert.equal(written.status, 0, written.stderr)
      rmSync(`${folder}/page.ts`)
    } else if (CHAT.has(page)) {
      copyFileSync(`${root}examples/chat-react/src/api.ts`, `${folder}/api.ts`)
      rmSync(`${folder}/page.ts`)
    } else {
      copyFileSync(`${root}tests/node/client/docs/api.ts`, `${folder}/api.ts`)
    }
  }
  const modules = ofKind("ts", "tsx", "js")
  assert.ok(modules.length > 15, `only ${modules.length} blocks`)
  for (const { page, kind, line, text, hidden } of modules) {
    // On the lines that it has in the page, so that the compiler names them.
    const module = []
    for (const part of [...hidden, { line, text }]) {
      while (module.length < part.line) module.push("")
      module.push(...part.text)
    }
    writeFileSync(`${out}/${page.replaceAll("/", "_")}/line-${line}.${kind}`, `${module.join("\n")}\nexport {}\n`)
  }
  const src = `${root}clients/js/src`
  writeFileSync(`${out}/tsconfig.json`, JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, target: "ES2022", module: "ESNext", moduleResolution: "Bundler", jsx: "react-jsx",
      lib: ["ES2023", "ESNext.Disposable", "DOM", "DOM.Iterable"], types: [], skipLibCheck: true, allowJs: true, checkJs: true,
      preserveSymlinks: true, noUncheckedIndexedAccess: true,
      paths: {
        "jstack-rs": [`${src}/index.ts`], "jstack-rs/*": [`${src}/*.ts`], "react": [`${packages}/@types/react`],
        "react/*": [`${packages}/@types/react/*`], "@tanstack/*": [`${root}clients/js/node_modules/@tanstack/*`],
      },
    },
    include: ["*/*.ts", "*/*.tsx", "*/*.js"],
  }))
  const tsc = spawnSync("node", [`${root}clients/js/node_modules/typescript/bin/tsc`, "-p", out, "--pretty", "false"], { encoding: "utf8", cwd: out })
  assert.equal(tsc.status, 0, tsc.stdout + tsc.stderr)
})

test("the shell blocks of the pages are shell, and their commands exist", () => {
  const shell = ofKind("sh")
  assert.ok(shell.length > 20, `only ${shell.length} blocks`)
  const help = spawnSync(program, ["help"], { encoding: "utf8" }).stdout
  for (const { page, line, text } of shell) {
    const where = `${page}:${line + 1}`
    const checked = spawnSync("bash", ["-n"], { input: text.join("\n"), encoding: "utf8" })
    assert.equal(checked.status, 0, `${where}: ${checked.stderr}`)
    for (const [, command] of text.join("\n").matchAll(/cargo run(?: -p \S+)? -- ([a-z]+)/g)) {
      assert.match(help, new RegExp(`^\\s*${command}\\b`, "m"), `${where}: no command \`${command}\``)
    }
  }
})
