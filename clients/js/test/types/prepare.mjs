// Writes what the type tests compile besides their own files, into `generated`:
// - the contracts of the repository, in the plain form that the generator writes for this client;
// - the React example with its two imports changed, which is all that a change to this client takes.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"

const here = new URL("./", import.meta.url)
const repository = new URL("../../../../", import.meta.url)
const generated = new URL("generated/", here)

// Without the section that turns the routes into those of the original package.
const plain = text =>
  text.includes('from "jstack"')
    ? text.replace(/^import[\s\S]*? from "\w+"\n/gm, "").replace(/^declare const stock[\s\S]*/m, "export type Stock = AppRouter\n")
    : text

const changed = text => text.replaceAll('"jstack/client"', '"jstack-rs/react"').replaceAll('"jstack"', '"jstack-rs"')

await rm(generated, { recursive: true, force: true })
await mkdir(new URL("example/", generated), { recursive: true })
await writeFile(new URL("api.ts", generated), plain(await readFile(new URL("tests/node/contract/api.ts", repository), "utf8")))
const example = new URL("examples/chat-react/src/", repository)
for (const name of await readdir(example)) {
  if (!/\.tsx?$/.test(name)) continue
  const text = await readFile(new URL(name, example), "utf8")
  await writeFile(new URL(`example/${name}`, generated), name === "api.ts" ? plain(text) : changed(text))
}
await writeFile(new URL("example/style.css.d.ts", generated), "export {}\n")
