// Two processes behind nginx, by the very configuration that docs/redis.md shows.

import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { createClient } from "jstack"
import WebSocket from "ws"
import { answers, chat, endAll, freePort, next, open, redis, start } from "./support.mjs"

after(endAll)

const docs = await readFile(new URL("../../../docs/redis.md", import.meta.url), "utf8")
const documented = /```nginx\n([^]*?)```/.exec(docs)[1]

// What Debian's own nginx.conf has around it, for a folder and a user of the test's own.
const main = `
daemon off; pid nginx.pid; error_log stderr; worker_processes 2;
events { worker_connections 768; }
http {
  access_log off; default_type application/octet-stream;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(path => `${path}_temp_path ${path};`).join(" ")}
  include chat.conf;
}`

// Redis, two processes and nginx, which listens on all of the loopback's addresses.
async function site(t, { env = {}, change = conf => conf } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "jstack-nginx-"))
  const running = []
  t.after(async () => {
    for (const server of running.reverse()) await server.stop()
    await rm(folder, { recursive: true })
  })
  running.push(await redis())
  env = { REDIS_URL: running[0].url, JSTACK_TRUSTED_PROXIES: "127.0.0.1", ...env }
  const processes = [await freePort(), await freePort()].map(port => ({
    port,
    async start() { running.push(this.server = await chat(port, env)) },
  }))
  for (const process of processes) await process.start()
  const port = await freePort()
  const ports = { 8080: port, 8081: processes[0].port, 8082: processes[1].port }
  let conf = documented
  for (const [there, here] of Object.entries(ports)) {
    assert.ok(conf.includes(there), `${there} is documented`)
    conf = conf.replace(there, here)
  }
  await writeFile(join(folder, "nginx.conf"), main)
  await writeFile(join(folder, "chat.conf"), change(conf))
  const nginx = await start("/usr/sbin/nginx", ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")], { ready: null })
  // Its workers end with it, which they would not if it were killed.
  running.push({ stop: () => (nginx.signal("SIGTERM"), nginx.ended) })
  const url = `http://127.0.0.1:${port}`
  await answers(`${url}/healthz`, nginx)
  return { url, processes, procedures: createClient({ baseUrl: `${url}/api` }).post }
}

async function enter(procedures, room) {
  const socket = await open(procedures.chat)
  let again = 0
  socket.on("onConnect", () => {
    again++
    socket.emit("join", { roomId: room })
  })
  const joined = next(socket, "joined")
  socket.emit("join", { roomId: room })
  await joined
  return { socket, again: () => again }
}

async function say({ socket }, room, message, ...listeners) {
  const heard = listeners.map(({ socket }) => next(socket, "message", data => data.message === message))
  socket.emit("message", { roomId: room, message, author: "x" })
  await Promise.all(heard)
}

// A bare WebSocket, or the status with which it was refused.
async function knock(url, options) {
  const ws = new WebSocket(`${url.replace("http", "ws")}/api/post/chat`, options)
  return Promise.race([
    once(ws, "open").then(() => ws),
    once(ws, "unexpected-response").then(([request, res]) => (request.destroy(), res.statusCode)),
  ])
}

test("sockets are spread over both processes, and are in one room", async t => {
  const { url, processes, procedures } = await site(t)
  const clients = [await enter(procedures, "one"), await enter(procedures, "one")]
  await say(clients[0], "one", "from the first", ...clients)
  await say(clients[1], "one", "from the second", ...clients)
  const heard = clients.map(({ socket }) => next(socket, "message"))
  await procedures.create.$post({ roomId: "one", message: "by POST", author: "y" })
  assert.deepEqual((await Promise.all(heard)).map(({ message }) => message), ["by POST", "by POST"])
  // Without the one process, one of the two is lost: each was on another.
  const lost = Promise.race(clients.map(async ({ socket }) => once(socket.ws, "close").then(() => socket)))
  await processes[0].server.stop()
  const gone = await lost
  const stays = clients.find(({ socket }) => socket !== gone)
  assert.equal(stays.socket.ws.readyState, WebSocket.OPEN)
  assert.ok((await fetch(`${url}/healthz`)).ok, "who refuses is passed over")
})

test("a page of nginx' address is of its own origin, and another is not", async t => {
  const { url } = await site(t)
  const own = await knock(url, { headers: { origin: url } })
  assert.equal(own.readyState, WebSocket.OPEN)
  own.terminate()
  assert.equal(await knock(url, { headers: { origin: "https://evil.example" } }), 403)
  assert.equal(await knock(url, { headers: { origin: "http://127.0.0.1" } }), 403)
})

test("limits count the real client, whatever it says of itself", async t => {
  const { url } = await site(t, { env: { JSTACK_CONNECTIONS_PER_IP: "1" } })
  const from = (localAddress, headers) => knock(url, { localAddress, headers })
  const open = [await from("127.0.0.2"), await from("127.0.0.2")]
  assert.ok(open.every(ws => ws.readyState === WebSocket.OPEN), "one on each process")
  assert.equal(await from("127.0.0.2"), 503)
  assert.equal(await from("127.0.0.2", { "x-forwarded-for": "10.1.2.3" }), 503)
  const other = await from("127.0.0.3")
  assert.equal(other.readyState, WebSocket.OPEN)
  for (const ws of [...open, other]) ws.terminate()
})

test("a silent socket stays, for the timeout is longer than the ping interval", async t => {
  // What is documented, in another unit of time: 3 s and 1 s for 75 s and 25 s.
  const change = conf => {
    assert.match(conf, /proxy_read_timeout 75s;/)
    return conf.replace("proxy_read_timeout 75s", "proxy_read_timeout 3s")
  }
  const { procedures } = await site(t, { env: { JSTACK_PING_INTERVAL: "1s" }, change })
  const client = await enter(procedures, "one")
  await sleep(8_000)
  assert.equal(client.again(), 0)
  await say(client, "one", "still here", client)
})

test("both processes are restarted, one after the other, and nobody is left without a server", async t => {
  const { url, processes, procedures } = await site(t)
  const clients = [await enter(procedures, "one"), await enter(procedures, "one")]
  let asked = 0, stopped = false
  const asking = (async () => {
    for (; !stopped; asked++) {
      const res = await fetch(`${url}/api/post/recent?roomId=one`)
      assert.equal(res.status, 200, await res.text())
      await sleep(5)
    }
  })()
  for (const process of processes) {
    process.server.signal("SIGTERM")
    assert.deepEqual(await process.server.ended, [0, null])
    await process.start()
    // Before the next one, as whoever waits for `/readyz` and does not hurry.
    const back = () => clients.every(({ socket }) => socket.ws.readyState === WebSocket.OPEN)
    for (let tries = 0; !back(); tries++) {
      assert.ok(tries < 400, "the clients are not back")
      await sleep(10)
    }
  }
  stopped = true
  await asking
  assert.ok(asked > 50, `${asked}`)
  assert.ok(clients.every(({ again }) => again() >= 1), "each process had one of them at least once")
  await say(clients[0], "one", "after it", ...clients)
  await say(clients[1], "one", "after it too", ...clients)
})
