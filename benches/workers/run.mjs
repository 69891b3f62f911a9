// Figures on workerd: deliveries and answers for each CPU second of the server, side by side.
//
//   node run.mjs [--rounds 3] [--secs 1.5] NAME=FOLDER ...
//
// A folder is one that jstack-worker-build made of `tests/workers`, `pure`, or a bundle of `jstack`:
// `esbuild jstack/index.mjs --bundle --format=esm --conditions=worker --outfile=FOLDER/index.js`, with the
// packages of tests/node/client. Rounds alternate, so
// that a busy machine slows all of them alike; what counts is the ratio within a round.

import { readFileSync, readdirSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { worker } from "../../tests/node/workers/support.mjs"
import { Peer } from "../../tests/node/workers/socket.mjs"
import { upstash } from "./upstash.mjs"

const args = process.argv.slice(2)
const option = (name, fallback) => {
  const at = args.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(args.splice(at, 2)[1])
}
const rounds = option("rounds", 3), secs = option("secs", 1.5)
const subjects = args.map(arg => arg.split("="))

// The CPU seconds of the workerd that this process started, by its parent and name.
function cpu() {
  for (const pid of readdirSync("/proc").filter(name => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      if (Number(fields[1]) === process.pid && stat.includes("(workerd)")) return (Number(fields[11]) + Number(fields[12])) / 100
    } catch {}
  }
  throw new Error("no workerd")
}

const text = "x".repeat(64)

async function room(url, size, senders) {
  const peers = []
  // In groups, so that a busy machine refuses nobody.
  while (peers.length < size) {
    const group = Array.from({ length: Math.min(10, size - peers.length) }, () => Peer.open(`${url}/api/t/chat`))
    peers.push(...(await Promise.all(group)))
  }
  let delivered = 0, running = true
  await Promise.all(peers.map(async (peer, n) => {
    const name = senders === size ? `own-${n}` : "all"
    peer.send("join", { room: name })
    await peer.next("joined")
    peer.ws.removeAllListeners("message")
    const say = () => peer.ws.send(JSON.stringify(["say", { room: name, text }]))
    peer.ws.on("message", () => {
      delivered++
      if (running && n < senders) say()
    })
    peer.say = say
  }))
  const [before, started] = [cpu(), performance.now()]
  for (const peer of peers.slice(0, senders)) peer.say()
  await sleep(secs * 1000)
  running = false
  const used = cpu() - before
  peers.forEach(peer => peer.ws.terminate())
  return { each: delivered / used, wall: delivered / ((performance.now() - started) / 1000) }
}

async function get(url) {
  let answered = 0, running = true
  const [before, started] = [cpu(), performance.now()]
  const caller = async () => {
    while (running) {
      await (await fetch(`${url}/api/t/nothing`)).text()
      answered++
    }
  }
  const callers = Array.from({ length: 32 }, caller)
  await sleep(secs * 1000)
  running = false
  const used = cpu() - before
  await Promise.all(callers)
  return { each: answered / used, wall: answered / ((performance.now() - started) / 1000) }
}

const scenarios = {
  "echo, 100 x 1 in flight": url => room(url, 100, 100),
  "room of 10": url => room(url, 10, 1),
  "room of 100": url => room(url, 100, 1),
  "GET": get,
}
const redis = await upstash()
const variables = {
  JSTACK_RATE: "none",
  JSTACK_BURST: "none",
  JSTACK_JOINS_PER_SECOND: "none",
  UPSTASH_REDIS_REST_URL: redis.url,
  UPSTASH_REDIS_REST_TOKEN: "token",
}
const figures = {}
for (let round = 0; round < rounds; round++) {
  for (const [name, folder] of subjects) {
    const server = await worker(folder, { variables })
    for (const [scenario, measure] of Object.entries(scenarios)) {
      await measure(server.url)
      const { each } = await measure(server.url)
      ;((figures[scenario] ??= {})[name] ??= []).push(each)
    }
    await server.stop()
  }
}
const median = list => list.toSorted((a, b) => a - b)[list.length >> 1]
const last = subjects.at(-1)[0]
for (const [scenario, by] of Object.entries(figures)) {
  const row = subjects.map(([name]) => `${name} ${Math.round(median(by[name])).toLocaleString("en")} (${(median(by[name].map((n, i) => n / by[last][i]))).toFixed(2)} of ${last})`)
  console.log(`${scenario}: ${row.join(", ")}`)
}
redis.stop()
