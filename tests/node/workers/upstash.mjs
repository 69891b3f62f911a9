// A stand-in for Upstash's REST API, in front of a Redis that it starts: commands by
// `POST /pipeline`, and `POST /subscribe/<channel>` as a stream of events. What is not UTF-8 arrives
// as U+FFFD, as it does there.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "./support.mjs"

export const TOKEN = "a token"

// A connection to Redis, in RESP2: arrays of texts out, and whatever comes in.
class Redis {
  #rest = Buffer.alloc(0)

  static async open(port, onReply) {
    const redis = new Redis()
    redis.socket = connect(port, "127.0.0.1")
    await once(redis.socket, "connect")
    redis.socket.on("error", () => {})
    redis.socket.on("data", data => {
      redis.#rest = Buffer.concat([redis.#rest, data])
      for (let read; (read = redis.#read(0)); redis.#rest = redis.#rest.subarray(read[1])) onReply(read[0])
    })
    return redis
  }

  send(...words) {
    const parts = words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    this.socket.write(`*${words.length}\r\n${parts.join("")}`)
  }

  // A reply and where it ends, if all of it is there.
  #read(at) {
    const end = this.#rest.indexOf("\r\n", at)
    if (end < 0) return undefined
    const [kind, text, next] = [String.fromCharCode(this.#rest[at]), this.#rest.toString("utf8", at + 1, end), end + 2]
    if (kind === "+") return [text, next]
    if (kind === "-") return [{ error: text }, next]
    if (kind === ":") return [Number(text), next]
    if (kind === "$") {
      const stop = next + Number(text)
      return this.#rest.length < stop + 2 ? undefined : [this.#rest.toString("utf8", next, stop), stop + 2]
    }
    const list = []
    for (let n = 0, from = next; ; n++) {
      if (n === Number(text)) return [list, from]
      const read = this.#read(from)
      if (read === undefined) return undefined
      list.push(read[0])
      from = read[1]
    }
  }
}

// Starts Redis and the API in front of it. `refuse` makes it answer requests with a status and an
// error, `quota` the commands within them; `cut` ends all streams.
export async function upstash() {
  const port = await freePort()
  const server = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"], { stdio: "ignore" })
  const waiting = []
  const commands = await (async () => {
    for (let tries = 0; ; tries++) {
      try {
        return await Redis.open(port, reply => waiting.shift()(reply))
      } catch (error) {
        if (tries > 100) throw error
        await sleep(50)
      }
    }
  })()
  const command = words => new Promise(resolve => (waiting.push(resolve), commands.send(...words)))
  const streams = new Set()
  const api = { refuse: undefined, quota: undefined }

  async function answer(request, response) {
    const say = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return say(401, { error: "WRONGPASS invalid or missing auth token" })
    if (api.refuse) return say(api.refuse.status, { error: api.refuse.error })
    const [name, ...rest] = request.url.slice(1).split("/").map(decodeURIComponent)
    if (name === "subscribe") {
      response.writeHead(200, { "content-type": "text/event-stream" })
      const redis = await Redis.open(port, reply => {
        stream.isLive = true
        response.write(`data: ${reply.join(",")}\n\n`)
      })
      const stream = { channel: rest[0], isLive: false, end: () => (redis.socket.destroy(), response.destroy()) }
      streams.add(stream)
      response.on("close", () => (redis.socket.destroy(), streams.delete(stream)))
      return redis.send("SUBSCRIBE", ...rest)
    }
    let body = ""
    for await (const piece of request) body += piece
    if (name !== "pipeline") return say(400, { error: "ERR unknown command" })
    const outcomes = await Promise.all(JSON.parse(body).map(async words => {
      if (api.quota) return { error: api.quota }
      const reply = await command(words)
      return reply?.error === undefined ? { result: reply } : reply
    }))
    say(200, outcomes)
  }
  const rest = createServer((request, response) => void answer(request, response).catch(() => response.destroy())).listen(0, "127.0.0.1")
  await once(rest, "listening")
  return Object.assign(api, {
    url: `http://127.0.0.1:${rest.address().port}`,
    redis: `redis://127.0.0.1:${port}`,
    // Whether somebody listens to a room.
    hears: room => [...streams].some(({ channel, isLive }) => isLive && decodeURIComponent(channel).endsWith(`:room:${room}`)),
    cut: () => [...streams].forEach(stream => stream.end()),
    stop: async () => {
      [...streams].forEach(stream => stream.end())
      commands.socket.destroy()
      rest.closeAllConnections()
      rest.close()
      server.kill()
      await once(server, "exit")
    },
  })
}
