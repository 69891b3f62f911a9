// GET and POST by the stock client, and by whoever writes requests by hand.

import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import { createClient } from "jstack"
import { fixture, onWorkers } from "./support.mjs"

let server, client, api
before(async () => {
  server = await fixture()
  api = `${server.url}/api`
  client = createClient({ baseUrl: api })
})
after(() => server?.stop())

const date = new Date("2026-01-02T03:04:05.678Z")
const same = value => [value, value]

// What the client is given, and what the handler then saw.
const values = {
  "a text": same({ text: "hello" }),
  "an empty text": same({ text: "" }),
  "a text of many alphabets": same({ text: "größe 東京 🎉 \u0000\u2028" }),
  "a text of URL syntax": same({ text: "a b+c&d=e%20#/?" }),
  "a text that looks like superjson": same({ text: '{"json":5,"meta":{"values":["Date"]}}' }),
  "a text that looks like a number": same({ text: "5" }),
  "numbers": same({ number: -1.5e-300, integer: -9007199254740991 }),
  "zero": same({ number: 0, integer: 0 }),
  "minus zero": same({ number: -0 }),
  "an integer where a float is meant": same({ number: 7 }),
  "booleans": same({ flag: false, anything: true }),
  "a date": [{ at: date }, { at: date.toISOString() }],
  "nested objects with dates and gaps": [
    { nested: { at: date, list: [1, undefined, null], deeper: { at: date, list: [], deeper: undefined } } },
    { nested: { at: date.toISOString(), list: [1, null, null], deeper: { at: date.toISOString(), list: [] } } },
  ],
  "undefined": [{ text: undefined, number: 1 }, { number: 1 }],
  "null": [{ text: null, number: 1 }, { number: 1 }],
  "a bigint beyond 64 bits": [{ huge: 2n ** 70n }, { huge: "1180591620717411303424" }],
  "a small bigint": [{ integer: -5n, big: 5n }, { integer: -5, big: 5 }],
  "a map with texts as keys": [{ map: new Map([["a", 1], ["b.c", 2]]) }, { map: { a: 1, "b.c": 2 } }],
  "a map with other keys": [{ pairs: new Map([[1, "a"], [2, "b"]]) }, { pairs: [[1, "a"], [2, "b"]] }],
  "a set": [{ set: new Set(["b", "a"]) }, { set: ["a", "b"] }],
  "a URL and a regexp": [
    { anything: { url: new URL("https://a.example/b?c"), regexp: /a\/b/gi } },
    { anything: { url: "https://a.example/b?c", regexp: "/a\\/b/gi" } },
  ],
  "names with dots and backslashes": same({ anything: { "a.b": { "c\\d": [1] }, "": 2 } }),
  "a date below a name with a dot": [{ anything: { "a.b": { "c\\.d": date } } }, { anything: { "a.b": { "c\\.d": date.toISOString() } } }],
  "all at once": [
    { text: "t", number: 1, flag: true, at: date, set: new Set(["s"]), anything: null },
    { text: "t", number: 1, flag: true, at: date.toISOString(), set: ["s"] },
  ],
}

describe("input", () => {
  for (const [name, [sent, seen]] of Object.entries(values)) {
    test(`GET takes ${name}`, async () => {
      assert.deepEqual(await (await client.t.read.$get(sent)).json(), seen)
    })
    test(`POST takes ${name}`, async () => {
      assert.deepEqual(await (await client.t.write.$post(sent)).json(), seen)
    })
  }

  test("a bigint of 64 bits arrives to the last digit", async () => {
    for (const res of [await client.t.read.$get({ big: 2n ** 64n - 1n }), await client.t.write.$post({ big: 2n ** 64n - 1n })]) {
      assert.equal(await res.text(), '{"big":18446744073709551615}')
    }
  })

  test("no input, an empty one and a bare number are none", async () => {
    for (const nothing of [[], [undefined], [{}], [5]]) {
      assert.equal(await (await client.t.maybe.$get(...nothing)).json(), false)
    }
    assert.equal(await (await client.t.maybe.$get({ text: "t" })).json(), true)
    assert.equal(await (await client.t.nothing.$get()).json(), "here")
  })

  test("NaN is no number, and the answer says so", async () => {
    await assert.rejects(client.t.read.$get({ number: NaN }), { status: 422, message: /number/ })
    await assert.rejects(client.t.write.$post({ number: Infinity }), { status: 422, message: /number/ })
  })

  test("a query by hand needs no superjson", async () => {
    const res = await fetch(`${api}/t/read?integer=5&flag=true&text=a+b%20c&number=1.5&integer=6`)
    assert.deepEqual(await res.json(), { text: "a b c", number: 1.5, integer: 5, flag: true })
  })

  test("a body by hand is plain JSON", async () => {
    const body = { text: "t", number: 1.5, set: ["b", "a"], nested: { at: "2026-01-02T03:04:05Z", list: [] } }
    const headers = { "content-type": "application/json; charset=utf-8" }
    const res = await fetch(`${api}/t/write`, { method: "POST", headers, body: JSON.stringify(body) })
    assert.deepEqual(await res.json(), { ...body, set: ["a", "b"] })
  })

  test("headers of the call arrive", async () => {
    const res = await client.t.cookies.$get(undefined, { headers: { cookie: "session=1" } })
    assert.equal(await res.json(), "session=1")
  })
})

describe("answers", () => {
  test("superjson brings a Date as a Date", async () => {
    assert.deepEqual(await (await client.t.moment.$get()).json(), { name: "first", at: date, ended: null })
    const sent = { name: "second", at: date, ended: new Date(0) }
    assert.deepEqual(await (await client.t.laterMoment.$post(sent)).json(), [sent])
  })

  test("nothing is undefined, and not an error", async () => {
    assert.equal(await (await client.t.void.$get()).json(), undefined)
    assert.equal(await (await client.t.voidPost.$post()).json(), undefined)
  })

  test("a response of the handler's own passes through", async () => {
    const res = await client.t.page.$get()
    assert.equal(res.headers.get("content-type"), "text/html; charset=utf-8")
    assert.equal(await res.text(), "<h1>Hello</h1>")
  })

  test("HEAD is GET without the body", async () => {
    const [get, head] = await Promise.all(["GET", "HEAD"].map(method => fetch(`${api}/t/moment`, { method })))
    assert.equal(head.status, 200)
    assert.equal(await head.text(), "")
    // Workers answer a HEAD without a length.
    for (const name of ["content-type", ...(onWorkers ? [] : ["content-length"]), "x-is-superjson"]) {
      assert.equal(head.headers.get(name), get.headers.get(name), name)
    }
    assert.equal((await fetch(`${api}/t/nowhere`, { method: "HEAD" })).status, 404)
  })

  test("$url names the procedure", () => {
    assert.equal(String(client.t.read.$url()), `${api}/t/read`)
  })
})

describe("errors", () => {
  for (const [status, message] of [[401, "who are you?"], [404, "no such thing"], [409, "that name is taken"], [418, "you wanted 418"]]) {
    test(`a handler's ${status} is an exception with its message`, async () => {
      await assert.rejects(client.t.refuse.$get({ status }), { status, message })
    })
  }

  test("input that breaks rules is a 422 that names every field", async () => {
    const wrong = { fullName: "x", age: 200, home: { city: "" } }
    for (const call of [client.t.person.$get(wrong), client.t.newPerson.$post(wrong)]) {
      await assert.rejects(call, error => {
        assert.equal(error.status, 422)
        for (const field of ["fullName", "age", "home.city"]) assert.match(error.message, new RegExp(`${field}: `))
        return true
      })
    }
  })

  test("input that does not decode is a 422 that names the field", async () => {
    const right = { fullName: "Ada", age: 36, home: { city: "London" } }
    for (const [wrong, field] of [[{ age: "old" }, /age/], [{ home: { town: "" } }, /home\.city/], [{ fullName: undefined }, /fullName/], [{ home: null }, /home/]]) {
      await assert.rejects(client.t.person.$get({ ...right, ...wrong }), { status: 422, message: field })
      await assert.rejects(client.t.newPerson.$post({ ...right, ...wrong }), { status: 422, message: field })
    }
    await assert.rejects(client.t.person.$get(), { status: 422, message: /fullName/ })
    await assert.rejects(client.t.newPerson.$post(), { status: 422, message: /fullName/ })
    assert.deepEqual(await (await client.t.newPerson.$post(right)).json(), right)
  })

  test("a client that asks for problem documents gets them", async () => {
    const res = await fetch(`${api}/t/person?fullName=x&age=1&home=${encodeURIComponent('{"json":{"city":"b"}}')}`, {
      headers: { accept: "application/problem+json" },
    })
    assert.equal(res.headers.get("content-type"), "application/problem+json")
    const { status, errors } = await res.json()
    assert.equal(status, 422)
    assert.deepEqual(errors.map(({ path }) => path), ["fullName"])
  })

  for (const [name, call] of [["error", () => client.t.broken.$get()], ["panic", () => client.t.panics.$post()]]) {
    test(`an unforeseen ${name} is a 500 that leaks nothing`, async () => {
      await assert.rejects(call(), error => {
        assert.equal(error.status, 500)
        assert.equal(error.message, "Internal Server Error")
        assert.doesNotMatch(JSON.stringify([...error.res.headers]), /secret/)
        assert.match(error.res.headers.get("x-request-id"), /^[0-9a-f]{16}$/)
        return true
      })
      assert.equal(await (await client.t.nothing.$get()).json(), "here")
    })
  }

  const post = (body, type, more) =>
    fetch(`${api}/t/write`, { method: "POST", headers: type ? { "content-type": type } : {}, body, ...more })
  const written = async () => (await client.t.written.$get()).json()

  test("a body over the limit is a 413 that names it", async () => {
    await assert.rejects(client.t.write.$post({ text: "x".repeat(70_000) }), { status: 413, message: /65536|64 KiB/ })
    // Its length is not said before.
    const chunks = new Blob([new Uint8Array(200_000).fill(32)]).stream()
    const res = await post(chunks, "application/json", { duplex: "half" })
    assert.equal(res.status, 413)
  })

  test("a form of a foreign page never reaches a handler", async () => {
    const before = await written()
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", undefined]) {
      const res = await post(new TextEncoder().encode('{"text":"t"}'), type)
      assert.equal(res.status, 415, type)
    }
    assert.equal(await written(), before)
  })

  test("a body that is no JSON is a 400 with the place", async () => {
    const res = await post('{"text":', "application/json")
    assert.equal(res.status, 400)
    assert.match(await res.text(), /line 1 column 8/)
  })

  test("unknown paths are 404, known ones by the wrong method 405, sockets 426", async () => {
    await assert.rejects(client.t.nowhere.$get(), { status: 404, message: "404 Not Found" })
    await assert.rejects(client.nowhere.nothing.$get(), { status: 404, message: "404 Not Found" })
    await assert.rejects(client.T.nothing.$get(), { status: 404 })
    await assert.rejects(client.t.nothing.$post(), { status: 405 })
    await assert.rejects(client.t.write.$get(), { status: 405 })
    await assert.rejects(client.t.chat.$get(), { status: 426, message: /WebSocket/ })
  })
})

describe("origins", () => {
  const from = (origin, path, init = {}) => fetch(`${api}/t/${path}`, { ...init, headers: { origin, ...init.headers } })
  const ask = { method: "OPTIONS", headers: { "access-control-request-method": "POST", "access-control-request-headers": "content-type,x-is-superjson" } }
  const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }

  test("an allowed page is told so before and after", async () => {
    const preflight = await from("https://allowed.example", "write", ask)
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://allowed.example")
    assert.equal(preflight.headers.get("access-control-allow-credentials"), "true")
    assert.match(preflight.headers.get("access-control-allow-methods"), /POST/)
    assert.match(preflight.headers.get("access-control-allow-headers"), /content-type, x-is-superjson, authorization/)
    assert.equal(preflight.headers.get("access-control-max-age"), "600")
    const real = await from("https://allowed.example", "write", json)
    assert.equal(real.status, 200)
    assert.equal(real.headers.get("access-control-allow-origin"), "https://allowed.example")
    assert.equal(real.headers.get("access-control-expose-headers"), "x-is-superjson")
  })

  test("an allowed page can read errors and 404s too", async () => {
    for (const [path, status] of [["refuse?status=409", 409], ["person", 422], ["nowhere", 404], ["broken", 500]]) {
      const res = await from("https://allowed.example", path)
      assert.equal(res.status, status)
      assert.equal(res.headers.get("access-control-allow-origin"), "https://allowed.example", path)
      assert.equal(res.headers.get("access-control-allow-credentials"), "true", path)
    }
  })

  test("the page of the server itself is allowed", async () => {
    assert.equal((await from(server.url, "write", json)).status, 200)
  })

  test("another page is refused, and its POST reaches no handler", async () => {
    const before = await (await client.t.written.$get()).json()
    for (const origin of ["https://evil.example", "http://allowed.example", "https://allowed.example.evil.example", "https://allowed.example:8443", "null"]) {
      for (const init of [ask, json, {}]) {
        const res = await from(origin, "write", init)
        assert.equal(res.status, 403, origin)
        assert.equal(res.headers.get("access-control-allow-origin"), null, origin)
      }
    }
    assert.equal(await (await client.t.written.$get()).json(), before)
  })

  test("caches are told that the answer depends on the origin", async () => {
    for (const origin of ["https://allowed.example", "https://evil.example"]) {
      assert.match((await from(origin, "nothing")).headers.get("vary"), /origin/i)
    }
    assert.match((await fetch(`${api}/t/nothing`)).headers.get("vary"), /origin/i)
  })
})
