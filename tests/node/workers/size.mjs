// Fails if a folder that jstack-worker-build made is larger than allowed, compressed:
// `size.mjs FOLDER KIB`.

import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

const [folder, allowed] = process.argv.slice(2)
const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => /\.(js|wasm)$/.test(entry.name))
const bytes = files.map(file => gzipSync(readFileSync(join(file.parentPath, file.name)), { level: 9 }).length)
const kib = bytes.reduce((sum, n) => sum + n, 0) / 1024
console.log(`${folder}: ${kib.toFixed(1)} KiB compressed, ${allowed} allowed`)
if (kib > Number(allowed)) process.exit(1)
