// For runtimes with a command line: `bun program.mjs <base URL>`.

import { talk } from "./talk.mjs"

const base = (globalThis.Deno?.args ?? process.argv.slice(2)).at(-1)
console.log(`done: ${(await talk(base)).join(", ")}`)
