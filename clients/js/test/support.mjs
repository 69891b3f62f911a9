// What the suites share: a scripted server, and ways to wait.

import { randomUUID } from "node:crypto"
import { EventEmitter, once } from "node:events"
import { createServer } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { WebSocket, WebSocketServer } from "ws"

export { sleep, WebSocket }

/** Waits until `holds`, and says what it waited for if that does not come. */
export async function until(holds, what, ms = 4000) {
  const end = Date.now() + ms
  while (!holds()) {
    if (Date.now() > end) throw new Error(`timed out: ${what}`)
    await sleep(2)
  }
}

/** A queue that a test reads in order. */
export class Queue {
  items = []
  #waiting = new EventEmitter()

  push(item) {
    this.items.push(item)
    this.#waiting.emit("item")
  }

  async next(what, ms = 2000) {
    while (!this.items.length) {
      const signal = AbortSignal.timeout(ms)
      await once(this.#waiting, "item", { signal }).catch(() => {
        throw new Error(`${what}: nothing within ${ms} ms`)
      })
    }
    return this.items.shift()
  }
}

/** A server whose every step is the test's: handshakes wait in `dials` until the test opens or refuses them. */
export async function scripted() {
  const dials = new Queue()
  // Ports are given again: a program that is no part of this test may still dial the one that had this before.
  const path = `/${randomUUID()}`
  const wss = new WebSocketServer({ noServer: true, handleProtocols: (_, { selects }) => selects || false })
  const http = createServer((_, response) => response.writeHead(404).end())
  http.on("upgrade", (request, socket, head) => {
    if (!request.url.startsWith(path)) return socket.destroy()
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(/, */).filter(Boolean)
    dials.push({
      url: new URL(request.url, "http://localhost"),
      offered,
      refuse(status) {
        socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
      },
      open(selects) {
        request.selects = selects
        return new Promise(resolve => wss.handleUpgrade(request, socket, head, ws => resolve(connection(ws))))
      },
    })
  })
  http.listen(0, "127.0.0.1")
  await once(http, "listening")
  return {
    dials,
    baseUrl: `http://127.0.0.1:${http.address().port}${path}`,
    async close() {
      for (const client of wss.clients) client.terminate()
      http.closeAllConnections()
      http.close()
      await once(http, "close")
    },
  }
}

function connection(ws) {
  const frames = new Queue()
  const closed = once(ws, "close").then(([code, reason]) => ({ code, reason: String(reason) }))
  ws.on("message", data => frames.push(JSON.parse(String(data))))
  return {
    frames,
    closed,
    raw: text => ws.send(text),
    send: (...frame) => ws.send(JSON.stringify(frame)),
    close: (code, reason) => ws.close(code, reason),
    cut: () => ws.terminate(),
  }
}
