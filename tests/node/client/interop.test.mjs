// The engine below the events, by npm `ws`: `examples/echo` sends back what comes.

import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, describe, test } from "node:test"
import WebSocket from "ws"
import { ECHO, start } from "./support.mjs"

let server
before(async () => { server = await start(ECHO, ["0"], { ready: /(ws:\S+)/ }) })
after(() => server?.stop())

async function connect(options) {
  const ws = new WebSocket(server.said, options)
  ws.got = []
  ws.on("message", (data, binary) => ws.got.push(binary ? data : data.toString()))
  await once(ws, "open")
  return ws
}

async function echoed(ws, count) {
  while (ws.got.length < count) await once(ws, "message")
  return ws.got.splice(0)
}

for (const perMessageDeflate of [false, true]) {
  describe(perMessageDeflate ? "deflate offered" : "plain", () => {
    test("text and binary come back as they were, of every length of header", async () => {
      const ws = await connect({ perMessageDeflate })
      for (const length of [0, 1, 125, 126, 127, 65535, 65536, 200_000]) {
        const [text, binary] = ["ü".repeat(length), Buffer.alloc(length, 7)]
        ws.send(text)
        ws.send(binary)
        assert.deepEqual(await echoed(ws, 2), [text, binary])
      }
      ws.terminate()
    })

    test("fragments become one message, with a ping between them", async () => {
      const ws = await connect({ perMessageDeflate })
      const pong = once(ws, "pong")
      ws.send("grö", { fin: false })
      ws.ping("between")
      ws.send("ß", { fin: false })
      ws.send("e", { fin: true })
      assert.deepEqual(await echoed(ws, 1), ["größe"])
      assert.equal(String((await pong)[0]), "between")
      ws.terminate()
    })

    test("sixteen megabytes come back whole, and a hundred messages in order", async () => {
      const ws = await connect({ perMessageDeflate })
      const big = Buffer.alloc(16 << 20, "0123456789abcde")
      ws.send(big)
      assert.ok((await echoed(ws, 1))[0].equals(big))
      const many = Array.from({ length: 100 }, (_, i) => `message ${i}`)
      many.forEach(text => ws.send(text))
      assert.deepEqual(await echoed(ws, 100), many)
      ws.terminate()
    })

    for (const [code, reason] of [[1000, ""], [1001, "going"], [3001, "grüße"], [4999, "x".repeat(123)]]) {
      test(`a close with ${code} is answered with the same`, async () => {
        const ws = await connect({ perMessageDeflate })
        const closed = once(ws, "close")
        ws.close(code, reason)
        assert.equal((await closed)[0], code)
      })
    }
  })
}

test("a close without a code is answered without one", async () => {
  const ws = await connect()
  const closed = once(ws, "close")
  ws.close()
  assert.equal((await closed)[0], 1005)
})

test("compression is agreed on where the server was built with it", async () => {
  const ws = await connect({ perMessageDeflate: true })
  assert.equal(ws.extensions, process.env.JSTACK_DEFLATE ? "permessage-deflate" : "")
  ws.terminate()
})

for (const [name, bytes, code] of [
  ["a frame without a mask", [0x81, 0x01, 0x61], 1002],
  ["a reserved bit", [0xf1, 0x80, 0, 0, 0, 0], 1002],
  ["an unknown opcode", [0x83, 0x80, 0, 0, 0, 0], 1002],
  ["text that is no UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xff], 1007],
  ["a fragmented ping", [0x09, 0x80, 0, 0, 0, 0], 1002],
  ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0], 1002],
  ["a close code that is none", [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002],
]) {
  test(`${name} closes with ${code}`, async () => {
    const ws = await connect({ perMessageDeflate: false })
    const closed = once(ws, "close")
    ws._socket.write(Buffer.from(bytes))
    assert.equal((await closed)[0], code)
  })
}
