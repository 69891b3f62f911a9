// Writes jstack-runtime/src/http/fixtures/superjson.json: what the real packages send and read.
//
//   npm i jstack@1.1.1 react@19 hono zod@3 superjson@2.2.6 superjson-legacy@npm:superjson@2.2.2
//   node <here>/superjson-fixtures.mjs > <repo>/jstack-runtime/src/http/fixtures/superjson.json
//
// to be run where those packages are installed. `jstack` bundles superjson as it was before `v: 1`.

import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const require = createRequire(join(process.cwd(), "here.js"))
const load = (name) => import(pathToFileURL(require.resolve(name)))
const current = (await load("superjson")).default
const legacy = (await load("superjson-legacy")).default
const { createClient } = await load("jstack")

// What serde is to see of a value.
function plain(value) {
  if (value === undefined) return undefined
  if (typeof value === "bigint") {
    const fits = value >= -(2n ** 63n) && value < 2n ** 64n
    return fits ? { $digits: value.toString() } : value.toString()
  }
  if (typeof value === "number") {
    if (Object.is(value, -0)) return { $digits: "-0.0" }
    return Number.isFinite(value) ? value : String(value)
  }
  if (value instanceof Date) return value.toISOString()
  if (value instanceof RegExp || value instanceof URL) return String(value)
  if (value instanceof Set) return plain([...value])
  if (value instanceof Map) return plain([...value.entries()])
  if (Array.isArray(value)) return value.map((item) => plain(item) ?? null)
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, plain(item)]).filter(([, item]) => item !== undefined),
    )
  }
  return value
}

// JSON, but for numbers that JavaScript cannot write.
const json = (value) => JSON.stringify(value)?.replace(/\{"\$digits":"([^"]*)"\}/g, "$1") ?? null

const date = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))
const shared = { at: date }
const values = {
  null: null,
  true: true,
  text: "hello",
  "empty text": "",
  "text that looks like superjson": '{"json":1}',
  "unicode text": "Grüße 👋 \u2028 \u0000 \"\\",
  number: 42,
  fraction: 0.1,
  "large number": 2 ** 53,
  undefined: undefined,
  date,
  "bigint in 64 bits": 9007199254740993n,
  "largest u64": 2n ** 64n - 1n,
  "smallest i64": -(2n ** 63n),
  "bigint beyond": 2n ** 64n,
  "bigint below": -(2n ** 63n) - 1n,
  nan: NaN,
  infinity: Infinity,
  "minus infinity": -Infinity,
  "minus zero": -0,
  regexp: /a\/b+/gi,
  url: new URL("https://example.com/a?b=c#d"),
  "empty set": new Set(),
  set: new Set([1, "two", date]),
  "empty map": new Map(),
  map: new Map([["a", 1], ["b", 2]]),
  "map of many": new Map([["a", { at: date, gone: undefined }], ["b", new Set([5n])]]),
  "map with keys of other types": new Map([[1, "one"], [date, "date"], [5n, "five"]]),
  "map with undefined": new Map([["a", undefined]]),
  "map in map": new Map([["a", new Map([["b", 7n]])]]),
  "empty object": {},
  "empty array": [],
  "nested undefined": { a: undefined, b: { c: undefined, d: 1 } },
  "array with undefined": [1, undefined, 3],
  "deep mixture": { a: [{ b: new Set([{ c: [undefined, 5n, NaN] }]) }] },
  "dotted keys": { "a.b": { "c.d": { e: undefined, f: 3n } } },
  "dotted last key": { "a.b": undefined, "c.d": 7n },
  "dotted key beside its parts": { "a.b": 7n, a: { b: "text" } },
  "backslashes in keys": { "a\\": { b: 1 }, "c\\d": { e: 9n }, "f\\g": undefined },
  "backslash before dot": { "a\\.b": { c: 5n } },
  "empty key": { "": undefined, a: { "": 5n } },
  "shared object": { first: shared, second: shared, list: [shared] },
  "keys like numbers": { 0: undefined, 1: 5n, a: [{ 7: NaN }] },
}

// The old form cannot tell these apart: `a.b` is the path of either.
const ambiguous = ["dotted key beside its parts"]

const reading = Object.entries(values).map(([name, value]) => ({
  name,
  legacy: ambiguous.includes(name) ? null : legacy.stringify(value),
  current: current.stringify(value),
  plain: json(plain(value)),
}))

// Requests of the stock client, caught before they leave.
async function sent(call) {
  let request
  const client = createClient({
    baseUrl: "http://localhost/api",
    fetch: async (url, init) => {
      request = { query: new URL(url).search.slice(1), body: init.body, type: new Headers(init.headers).get("content-type") }
      return new Response("null")
    },
  })
  await call(client.r)
  return request
}

const inputs = {
  none: undefined,
  "empty object": {},
  null: null,
  number: 5,
  text: "text",
  fields: { limit: 5, title: "a b+c&d=e%f ü", open: true, tags: ["x", "y"], since: date },
  "undefined field": { limit: 5, title: undefined },
  "only undefined": { limit: undefined },
  array: [1, 2, 3],
  "long array": Array.from({ length: 12 }, (_, i) => i),
  "array of objects": [{ at: date, id: 5n }],
  "empty array": [],
  map: { counts: new Map([["a", 1], ["b", 2]]) },
  "nested null": { cursor: null },
  "text that looks like superjson": { title: '{"json":1}' },
}
const requests = []
for (const [name, input] of Object.entries(inputs)) {
  const get = typeof input === "string" ? null : (await sent((r) => r.p.$get(input))).query
  const { body, type } = await sent((r) => r.p.$post(input))
  requests.push({ name, get, post: body ?? null, type, plain: json(plain(input)) })
}

// Answers of ours, and that the stock client reads them as meant.
const iso = date.toISOString()
const answers = [
  ["no dates", `{"json":{"n":1}}`, { n: 1 }],
  ["root", `{"json":"${iso}","meta":{"values":["Date"]}}`, date],
  ["void", `{"json":null,"meta":{"values":["undefined"]}}`, undefined],
  ["field", `{"json":{"title":"a","at":"${iso}"},"meta":{"values":{"at":["Date"]}}}`, { title: "a", at: date }],
  ["list", `{"json":[{"title":"a","at":"${iso}"}],"meta":{"values":{"0.at":["Date"]}}}`, [{ title: "a", at: date }]],
  ["map with dotted key", `{"json":{"a.b":"${iso}","c\\\\d":"${iso}"},"meta":{"values":{"a\\\\.b":["Date"],"c\\\\d":["Date"]}}}`, { "a.b": date, "c\\d": date }],
  ["dotted key above", `{"json":{"a.b":["${iso}"]},"meta":{"values":{"a\\\\.b.0":["Date"]}}}`, { "a.b": [date] }],
  ["backslash before the dot", `{"json":{"a\\\\.b":["${iso}"]},"meta":{"values":{"a\\\\\\\\.b.0":["Date"]}}}`, { "a\\.b": [date] }],
  ["empty key", `{"json":{"":"${iso}"},"meta":{"values":{"":["Date"]}}}`, { "": date }],
  ["backslash at the end", `{"json":{"a\\\\":"${iso}"},"meta":{"values":{"a\\\\":["Date"]}}}`, { "a\\": date }],
]
const { deepStrictEqual } = await import("node:assert")
for (const [name, text, value] of answers) {
  globalThis.fetch = async () => new Response(text, { headers: { "x-is-superjson": "true" } })
  const response = await createClient({ baseUrl: "http://localhost/api" }).r.p.$get()
  deepStrictEqual(await response.json(), value, name)
}

const fixtures = { reading, requests, answers: Object.fromEntries(answers.map(([name, text]) => [name, text])) }
console.log(JSON.stringify(fixtures, null, 1))
