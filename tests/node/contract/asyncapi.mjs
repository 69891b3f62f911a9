// Fails if the AsyncAPI document has errors or does not say what it should.
import { readFileSync } from "node:fs"
import { Parser } from "@asyncapi/parser"

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"))
// 0 is an error, 1 a warning; 2 says that there is a newer version of AsyncAPI.
const wrong = diagnostics.filter((diagnostic) => diagnostic.severity < 2)
for (const { message, path } of wrong) console.error(`${path.join(".")}: ${message}`)
if (wrong.length > 0 || !document) process.exit(1)

for (const channel of document.channels().all()) {
  const operations = channel.operations().all()
  for (const action of ["receive", "send"])
    if (!operations.some((operation) => operation.action() === action)) throw new Error(`${channel.id()} has no ${action}`)
  for (const message of channel.messages().all()) {
    const { items, minItems, maxItems } = message.payload().json()
    // A request and its answer have an id, by which they are known; what a room keeps has its place.
    const isKept = message.id().startsWith("kept.")
    const length = message.hasCorrelationId() || isKept ? 3 : 2
    if (items.length !== length || minItems !== length || maxItems !== length) throw new Error(`${message.id()} is not ${length} long`)
    if (items[0].const !== message.name()) throw new Error(`${message.id()} is called ${items[0].const}`)
  }
  for (const operation of operations) {
    const isRequest = operation.messages().all().some((message) => message.hasCorrelationId())
    if (isRequest !== Boolean(operation.reply())) throw new Error(`${operation.id()} has a reply, or it lacks one`)
  }
}
