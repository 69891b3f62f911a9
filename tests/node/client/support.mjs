// What the suites share: the fixture server as a process, and the stock client in Node.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import WebSocket from "ws"

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url))
export const FIXTURE = process.env.JSTACK_FIXTURE ?? `${target}/debug/fixture`
export const CHAT = process.env.JSTACK_CHAT ?? `${target}/debug/chat`
export const BOARD = process.env.JSTACK_BOARD ?? `${target}/debug/board`
export const ECHO = process.env.JSTACK_ECHO ?? `${target}/debug/echo`
// Whether the fixture runs on Cloudflare's runtime: tests/node/workers.
export const onWorkers = process.env.WORKERS_BUILD !== undefined

const running = new Set()
process.on("exit", () => running.forEach(child => child.kill("SIGKILL")))
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(1))

// Starts a program that ends with this process at the latest; `ready` is what it prints once it
// can be talked to, or `null` if it does not say.
export async function start(program, args, { ready = /(.+)/, env = {}, cwd } = {}) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env }, cwd })
  running.add(child)
  let log = ""
  child.stderr.on("data", text => { log += text })
  const ended = once(child, "exit").finally(() => running.delete(child))
  const said = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", line => {
      const found = ready?.exec(line)
      if (found) resolve(found[1])
      log += line + "\n"
    })
    ended.then(([code, signal]) => reject(new Error(`${program} ended by ${signal ?? code}: ${log}`)), reject)
  })
  // Whoever does not wait for it learns of the end by talking to the program.
  said.catch(() => {})
  return {
    said: ready && await said,
    log: () => log,
    signal: name => child.kill(name),
    ended,
    // As a crash does: without a goodbye.
    async stop() {
      child.kill("SIGKILL")
      await ended
    },
  }
}

export async function fixture({ port = 0, env } = {}) {
  const server = await start(FIXTURE, [String(port)], { ready: /^(\d+)$/, env })
  return { ...server, port: Number(server.said), url: `http://127.0.0.1:${server.said}` }
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  await new Promise(done => server.close(done))
  return port
}

// Waits until `url` answers with a 200, as a load balancer does.
export async function answers(url, server) {
  for (let tries = 0; ; tries++) {
    const ok = await fetch(url).then(res => res.ok, () => false)
    if (ok) return
    if (tries > 400) throw new Error(`${url} does not answer: ${server.log()}`)
    const over = await Promise.race([sleep(25), server.ended.then(() => true)])
    if (over) throw new Error(`it ended: ${server.log()}`)
  }
}

// An application on this port, once it is ready.
async function serve(program, port, env) {
  const server = await start(program, ["serve", `127.0.0.1:${port}`], { ready: null, env })
  await answers(`http://127.0.0.1:${port}/readyz`, server)
  return { ...server, port, url: `http://127.0.0.1:${port}` }
}
export const chat = (port, env = {}) => serve(CHAT, port, env)
export const board = (port, env = {}) => serve(BOARD, port, env)

// A Redis that keeps nothing.
export async function redis(port) {
  port ??= await freePort()
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
  const server = await start("redis-server", args, { ready: /(Ready to accept connections)/ })
  return { ...server, port, url: `redis://127.0.0.1:${port}` }
}

// Every frame that any client got, for what must hold for all of them.
export const frames = []
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args)
    this.on("message", (data, binary) => frames.push({ text: data.toString(), binary }))
  }
}

// The stock client logs all that happens to it; the suites look, and print it for no one.
export const logged = []
for (const level of ["log", "warn", "error"]) {
  const real = console[level]
  console[level] = (...said) =>
    String(said[0]).startsWith("[Socket]") ? logged.push(said.join(" ")) : real(...said)
}

// The data of the next `event` for which `wanted` holds.
export function next(socket, event, wanted = () => true) {
  return new Promise(resolve => {
    const heard = data => {
      if (!wanted(data)) return
      socket.off(event, heard)
      resolve(data)
    }
    socket.on(event, heard)
  })
}

// A stock socket that is open.
const sockets = new Set()
export async function open(procedure) {
  const socket = procedure.$ws()
  sockets.add(socket)
  await next(socket, "onConnect")
  return socket
}

// The stock client's own `close` is a loss to it, after which it connects again: this ends it.
export function end(socket) {
  socket.connect = () => {}
  socket.ws.onclose = null
  socket.ws.terminate()
  sockets.delete(socket)
}
export const endAll = () => sockets.forEach(end)
