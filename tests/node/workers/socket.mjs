// A plain WebSocket that waits for what it should hear.

import { once } from "node:events"
import WebSocket from "ws"

export class Peer {
  #frames = []
  #waiting = []

  constructor(url, { protocols, ...options } = {}) {
    this.ws = new WebSocket(url.replace(/^http/, "ws"), protocols, options)
    this.closed = new Promise(resolve => this.ws.on("close", (code, reason) => resolve([code, String(reason)])))
    this.ws.on("error", () => {})
    this.ws.on("message", data => {
      const frame = JSON.parse(data)
      const at = this.#waiting.findIndex(({ wanted }) => wanted(frame))
      if (at < 0) this.#frames.push(frame)
      else this.#waiting.splice(at, 1)[0].resolve(frame)
    })
  }

  static async open(url, options) {
    const peer = new Peer(url, options)
    await once(peer.ws, "open")
    return peer
  }

  send(...frame) {
    this.ws.send(JSON.stringify(frame))
  }

  // The next frame for which `wanted` is true, those before it kept; or of that event.
  next(wanted) {
    if (typeof wanted === "string") return this.next(frame => frame[0] === wanted)
    const at = this.#frames.findIndex(wanted)
    if (at >= 0) return Promise.resolve(this.#frames.splice(at, 1)[0])
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not heard in time; heard ${JSON.stringify(this.#frames)}`)), 8000)
      this.#waiting.push({ wanted, resolve: frame => (clearTimeout(timer), resolve(frame)) })
    })
  }

  // What was heard and not waited for.
  heard(event) {
    return this.#frames.filter(frame => frame[0] === event)
  }

  // Joins a room, and is in it when it returns.
  async join(room) {
    this.send("join", room)
    await this.next(frame => frame[0] === "joined" && frame[1] === room)
  }
}

// The status and the words with which an upgrade is refused.
export async function refusal(url, options) {
  const peer = new Peer(url, options)
  const [, response] = await once(peer.ws, "unexpected-response").catch(() => [])
  let text = ""
  for await (const piece of response) text += piece
  return [response.statusCode, text]
}
