// Figures on workerd: deliveries and answers for each CPU second of the server, side by side, and the
// time to the first answer.
//
//   node run.mjs [--rounds 5] [--secs 0.8] [--starts 5] NAME=FOLDER ...
//
// A folder is one that jstack-worker-build made of `tests/workers`, `pure`, or a bundle of `jstack`
// (see README.md). All subjects run at the same time. Rounds are short and alternate, so that a busy
// machine slows all of them alike: what counts is the ratio within a round, and its median.

import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { Peer } from "../../tests/node/workers/socket.mjs"
import { worker } from "../../tests/node/workers/support.mjs"
import { upstash } from "./upstash.mjs"

const args = process.argv.slice(2)
const option = (name, fallback) => {
  const at = args.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(args.splice(at, 2)[1])
}
const rounds = option("rounds", 5), secs = option("secs", 0.8), starts = option("starts", 5)
const subjects = args.map(arg => arg.split("="))
const text = "x".repeat(64)

// The workerds that this process started, by its parent and name, with their CPU seconds.
function workerds() {
  const found = new Map()
  for (const pid of readdirSync("/proc").filter(name => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      if (Number(fields[1]) === process.pid && stat.includes("(workerd)")) found.set(pid, (Number(fields[11]) + Number(fields[12])) / 100)
    } catch {}
  }
  return found
}

const redis = await upstash()
const variables = {
  JSTACK_RATE: "none",
  JSTACK_BURST: "none",
  JSTACK_JOINS_PER_SECOND: "none",
  UPSTASH_REDIS_REST_URL: redis.url,
  UPSTASH_REDIS_REST_TOKEN: "token",
}

async function start(folder) {
  const before = workerds()
  const server = await worker(folder, { variables })
  const pid = [...workerds().keys()].find(pid => !before.has(pid))
  return { ...server, cpu: () => workerds().get(pid) }
}

// Members of rooms, of whom some speak and speak again as soon as they hear themselves.
async function members(url, count, roomOf, speaks) {
  const peers = []
  // In groups, so that a busy machine refuses nobody.
  while (peers.length < count) {
    const group = Array.from({ length: Math.min(10, count - peers.length) }, () => Peer.open(`${url}/api/t/chat`))
    peers.push(...(await Promise.all(group)))
  }
  const state = { delivered: 0, running: false }
  await Promise.all(peers.map(async (peer, n) => {
    const room = roomOf(n)
    peer.send("join", { room })
    await peer.next("joined")
    peer.ws.removeAllListeners("message")
    peer.say = () => peer.ws.send(JSON.stringify(["say", { room, text }]))
    peer.ws.on("message", () => {
      state.delivered++
      if (state.running && speaks(n)) peer.say()
    })
  }))
  return {
    count: () => state.delivered,
    begin: () => {
      state.running = true
      peers.forEach((peer, n) => speaks(n) && peer.say())
    },
    // What is under way arrives in the next subject's time, which costs that one nothing.
    pause: async () => {
      state.running = false
      await sleep(100)
    },
    end: () => peers.forEach(peer => peer.ws.terminate()),
  }
}

async function callers(url, path) {
  let answered = 0, running = false, calling = []
  const call = async () => {
    while (running) {
      // One that was kept since the last round may be closed by now.
      const answer = await fetch(`${url}${path}`).catch(() => undefined)
      if (answer?.ok && (await answer.text()) !== undefined) answered++
    }
  }
  return {
    count: () => answered,
    begin: () => {
      running = true
      calling = Array.from({ length: 16 }, call)
    },
    pause: async () => {
      running = false
      await Promise.all(calling)
    },
    end: () => {},
  }
}

const STATELESS = { ours: "/api/edge/version" }
const scenarios = {
  "echo, 100 at once": ({ url }) => members(url, 100, n => `own-${n}`, () => true),
  "room of 10": ({ url }) => members(url, 10, () => "ten", n => n === 0),
  "room of 100": ({ url }) => members(url, 100, () => "hundred", n => n === 0),
  "20 rooms of 10": ({ url }) => members(url, 200, n => `room-${n % 20}`, n => n < 20),
  "GET, by the object": ({ url }) => callers(url, "/api/t/nothing"),
  "GET, stateless": ({ url, name }) => callers(url, STATELESS[name] ?? "/api/t/nothing"),
}

async function round(subject, load) {
  const [count, cpu] = [load.count(), subject.cpu()]
  load.begin()
  await sleep(secs * 1000)
  await load.pause()
  return (load.count() - count) / (subject.cpu() - cpu)
}

const median = list => list.toSorted((a, b) => a - b)[list.length >> 1]
const names = subjects.map(([name]) => name)
const [first] = names
const rows = []

const servers = []
for (const [name, folder] of subjects) servers.push({ name, ...(await start(folder)) })
for (const [scenario, prepare] of Object.entries(scenarios)) {
  const loads = []
  for (const server of servers) loads.push(await prepare(server))
  const figures = Object.fromEntries(names.map(name => [name, []]))
  for (let n = -1; n < rounds; n++) {
    for (const [at, server] of servers.entries()) {
      const each = await round(server, loads[at])
      // The first round warms up.
      if (n >= 0) figures[server.name].push(each)
    }
  }
  loads.forEach(load => load.end())
  rows.push([scenario, ...names.map(name => Math.round(median(figures[name])).toLocaleString("en")),
    ...names.slice(1).map(name => median(figures[first].map((each, n) => each / figures[name][n])).toFixed(2))])
  console.error(rows.at(-1).join("  "))
}
for (const server of servers) await server.stop()

const cold = { "first GET, ms": {}, "first socket, ms": {} }
for (let n = 0; n < starts; n++) {
  for (const [name, folder] of subjects) {
    for (const [what, ask] of [
      ["first GET, ms", async url => void (await (await fetch(`${url}/api/t/nothing`)).text())],
      ["first socket, ms", async url => (await Peer.open(`${url}/api/t/chat`)).ws.terminate()],
    ]) {
      const server = await start(folder)
      const began = performance.now()
      await ask(server.url)
      ;(cold[what][name] ??= []).push(performance.now() - began)
      await server.stop()
    }
  }
}
for (const [what, by] of Object.entries(cold)) {
  rows.push([what, ...names.map(name => median(by[name]).toFixed(1)),
    ...names.slice(1).map(name => (median(by[first]) / median(by[name])).toFixed(2))])
}
console.log(`| for a CPU second of the server | ${names.join(" | ")} | ${names.slice(1).map(name => `${first} : ${name}`).join(" | ")} |`)
console.log(`|---${"|---".repeat(names.length * 2 - 1)}|`)
for (const row of rows) console.log(`| ${row.join(" | ")} |`)
redis.stop()
process.exit(0)
