// Fails if the AsyncAPI document has errors or does not say what it should.
import { readFileSync } from "node:fs"
import { Parser } from "@asyncapi/parser"

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"))
// 0 is an error, 1 a warning; 2 says that there is a newer version of AsyncAPI.
const wrong = diagnostics.filter((diagnostic) => diagnostic.severity < 2)
for (const { message, path } of wrong) console.error(`${path.join(".")}: ${message}`)
if (wrong.length > 0 || !document) process.exit(1)

for (const channel of document.channels().all()) {
  const actions = channel.operations().all().map((operation) => operation.action()).sort()
  if (actions.join() !== "receive,send") throw new Error(`${channel.id()} has ${actions}`)
  for (const message of channel.messages().all()) {
    const { items, minItems, maxItems } = message.payload().json()
    if (items.length !== 2 || minItems !== 2 || maxItems !== 2) throw new Error(`${message.id()} is no pair`)
    if (items[0].const !== message.name()) throw new Error(`${message.id()} is called ${items[0].const}`)
  }
}
