// Prints what failed, and one line at the end.

export default async function* report(events) {
  let passed = 0
  let failed = 0
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message
    // A suite fails by what is in it.
    if (type === "test:pass" && data.details.type !== "suite") passed++
    if (type !== "test:fail" || data.details.type === "suite") continue
    failed++
    const { cause } = data.details.error
    yield `\nFAILED: ${data.name} (${data.file}:${data.line})\n${cause?.stack ?? data.details.error}\n`
  }
  yield `${passed} passed, ${failed} failed\n`
}
