// `$get`, `$post` and `$url`, by what a server sees of them.

import assert from "node:assert/strict"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { after, before, describe, test } from "node:test"
import { ApiError, createClient } from "jstack-rs"
import { parse } from "../dist/superjson/read.js"
import { stringify } from "../dist/superjson/write.js"

let server, baseUrl
const requests = []
/** What the server answers next: status, headers, body. */
let answers = []
before(async () => {
  server = createServer(async (request, response) => {
    let body = ""
    for await (const part of request) body += part
    requests.push({ method: request.method, url: request.url, headers: request.headers, body })
    const [status = 200, headers = {}, text = "{}"] = answers.shift() ?? []
    response.writeHead(status, headers).end(text)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  baseUrl = `http://127.0.0.1:${server.address().port}/api`
})
after(() => {
  server.closeAllConnections()
  server.close()
})
const make = (options = {}) => (requests.length = 0, createClient({ baseUrl, ...options }))
const SUPERJSON = { "x-is-superjson": "true" }

describe("calls", () => {
  test("a GET names each field in the query as superjson", async () => {
    answers = [[200, SUPERJSON, '{"json":{"at":"2026-01-02T03:04:05.678Z"},"meta":{"values":{"at":["Date"]}}}']]
    const value = await make().post.recent.$get({ limit: 5, at: new Date(0), no: undefined }).json()
    assert.deepEqual(value, { at: new Date("2026-01-02T03:04:05.678Z") })
    const url = new URL(requests[0].url, baseUrl)
    assert.equal(url.pathname, "/api/post/recent")
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      limit: '{"json":5}',
      at: '{"json":"1970-01-01T00:00:00.000Z","meta":{"values":["Date"]}}',
      no: '{"json":null,"meta":{"values":["undefined"]}}',
    })
    assert.equal(requests[0].headers.accept, "application/problem+json, */*")
  })

  test("a POST has superjson texts as the values of its body; without input it has none", async () => {
    const client = make()
    await client.post.create.$post({ title: "t" })
    await client.post.reset.$post()
    assert.equal(requests[0].body, '{"title":"{\\"json\\":\\"t\\"}"}')
    assert.equal(requests[0].headers["content-type"], "application/json")
    assert.equal(requests[1].body, "")
    assert.equal(requests[1].headers["content-type"], undefined)
  })

  test("as the original client: the response first, then its value", async () => {
    answers = [[200, {}, '{"a":1}'], [200, {}, "text"], [200, SUPERJSON, '{"json":null,"meta":{"values":["undefined"]}}'], [200, {}, ""]]
    const client = make()
    const response = await client.a.b.$get()
    assert.equal(response.status, 200)
    assert.deepEqual(await response.json(), { a: 1 })
    assert.equal(await client.a.b.$get().text(), "text")
    assert.equal(await client.a.b.$post().json(), undefined)
    assert.equal(await client.a.b.$post().json(), undefined)
  })

  test("an error has the server's code, message and issues", async () => {
    const issues = [{ path: "title", message: "is missing" }]
    const document = { title: "Unprocessable", status: 422, detail: "title: is missing", code: "invalid", errors: issues }
    answers = [[422, { "content-type": "application/problem+json" }, JSON.stringify(document)], [404, {}, "404 Not Found"], [502, { "content-type": "application/problem+json" }, "{"]]
    const client = make()
    const error = await client.a.b.$post({}).json().catch(error => error)
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.name, error.status, error.code, error.message, error.issues], ["ApiError", 422, "invalid", "title: is missing", issues])
    assert.equal(error.getResponse(), error.res)
    await assert.rejects(client.a.b.$get(), { status: 404, code: "404", message: "404 Not Found", issues: [] })
    await assert.rejects(client.a.b.$get(), { status: 502, message: "{" })
  })

  test("headers of the client, of the call's init and of the call, the later ones first", async () => {
    const client = make({ headers: async () => ({ "x-a": "client", "X-B": "client", accept: "text/plain" }) })
    await client.a.b.$get(undefined, { init: { headers: new Headers({ "x-b": "init", "x-c": "init" }) }, headers: { "X-C": "call" } })
    const { "x-a": a, "x-b": b, "x-c": c, accept } = requests[0].headers
    assert.deepEqual([a, b, c, accept], ["client", "init", "call", "text/plain"])
  })

  test("a token is sent, asked again once after a 401, and gives way to a header", async () => {
    const reasons = []
    answers = [[401], [200], [401], [401]]
    const client = make({ token: ({ reason }) => (reasons.push(reason), `t${reasons.length}`) })
    await client.a.b.$get()
    await assert.rejects(client.a.b.$get(), { status: 401 })
    await client.a.b.$get(undefined, { headers: { authorization: "Basic x" } })
    assert.deepEqual(reasons, ["request", "refused", "request", "refused"])
    assert.deepEqual(requests.map(({ headers }) => headers.authorization), ["Bearer t1", "Bearer t2", "Bearer t3", "Bearer t4", "Basic x"])
    answers = [[401]]
    await assert.rejects(make({ token: "fixed" }).a.b.$get(), { status: 401 })
    assert.equal(requests.length, 1)
  })

  test("a call ends by its signal and by its time", async () => {
    const hang = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
    const client = make({ fetch: hang })
    const abort = new AbortController()
    const aborted = client.a.b.$get(undefined, { signal: abort.signal, timeout: 10_000 })
    setTimeout(() => abort.abort(), 5)
    await assert.rejects(aborted, { name: "AbortError" })
    await assert.rejects(client.a.b.$get(undefined, { timeout: 5 }), { name: "TimeoutError" })
  })

  test("addresses", async () => {
    const client = make({ baseUrl: "https://host/api///" })
    assert.equal(client.a["b/c"].$url().href, "https://host/api/a/b%2Fc")
    assert.equal(client.a.b.$url({ x: 1 }).href, "https://host/api/a/b?x=%7B%22json%22%3A1%7D")
    assert.equal(client.a, client.a)
    // The address of a page that is only rendered is not known.
    await assert.rejects(make({ baseUrl: "/api" }).a.b.$get(), /"\/api"/)
    assert.equal(await Promise.resolve(client), client)
  })
})

describe("superjson", () => {
  const fixtures = JSON.parse(readFileSync(new URL("../../../jstack-runtime/src/http/fixtures/superjson.json", import.meta.url), "utf8"))

  test("what it writes, it reads", () => {
    const values = {
      date: new Date(5), big: 2n ** 70n, nan: NaN, infinity: -Infinity, zero: -0, undefined, url: new URL("https://a/b"), regexp: /a\/b+/gi,
      set: new Set([1, new Date(1), new Set([2n])]), map: new Map([["a.b", { c: undefined }], [new Date(2), new Map([[1, NaN]])]]),
      "dots.and\\backslashes": { "a.b": new Date(3) }, list: [undefined, [new Date(4)]], text: '{"json":1}', null: null,
    }
    assert.deepEqual(parse(stringify(values)), values)
    for (const value of Object.values(values)) assert.deepEqual(parse(stringify(value)), value)
  })

  test("a cycle is an error that names its place; one object twice is none", () => {
    const inner = { a: 1 }
    assert.deepEqual(parse(stringify([inner, inner])), [inner, inner])
    const cycle = { deep: {} }
    cycle.deep.er = cycle
    assert.throws(() => stringify(cycle), /deep\.er/)
  })

  // Keys that the package itself does not bring back: an older version writes no escapes for the last
  // one, and an empty one looks like the whole value.
  const faulty = ["dotted last key", "dotted key beside its parts", "empty key"]
  for (const { name, legacy, current } of fixtures.reading.filter(({ name }) => !faulty.includes(name))) {
    test(`as the real package: ${name}`, () => {
      const value = parse(legacy)
      assert.deepEqual(parse(current), value)
      const { json, meta } = JSON.parse(legacy)
      // One object at two places is written twice here.
      if (!meta?.referentialEqualities) assert.deepEqual(JSON.parse(stringify(value)), meta ? { json, meta } : { json })
    })
  }

  test("paths of the newer form have their backslashes escaped", () => {
    const value = parse('{"json":{"a\\\\b.c":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"a\\\\\\\\b\\\\.c":["Date"]},"v":1}}')
    assert.deepEqual(value, { "a\\b.c": new Date(0) })
  })

  test("what a server names and does not send is ignored", () => {
    assert.deepEqual(parse('{"json":{"a":1},"meta":{"values":{"b":["Date"],"a.c":["Date"],"a":["custom"],"__proto__.x":["Date"]}}}'), { a: 1 })
    assert.equal({}.x, undefined)
  })
})
