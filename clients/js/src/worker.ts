// One connection for all tabs: the SharedWorker's half. It keeps one connection an address, gives every
// frame to every tab, and an answer to the tab that asked. A tab that comes later is told what the others
// know already: the `$welcome`, and where each room is now.

import type { ToPage, ToWorker } from "./tabs.js"

type Post = (...message: ToPage extends infer M ? (M extends [number, ...infer Rest] ? Rest : never) : never) => void
interface RoomData {
  r: string | null
  o?: number
  off?: boolean
}
/** One connection, as a tab of this name uses it. */
interface Line {
  join(tab: string, post: Post): void
  say(tab: string, text: string): void
  leave(tab: string): void
}
type Frame = [name: string, data: unknown, extra?: { i?: string; r?: string | null; o?: number }]

const lines = new Map<string, Line>()
let ports = 0

function open(key: string, url: string, protocols: string[]): Line {
  const ws = new WebSocket(url, protocols)
  const tabs = new Map<string, Post>()
  /** What a tab that comes later has missed: `$welcome`, and the `$room` of each room with its newest offset. */
  const known = new Map<string, [name: string, data: RoomData]>()
  /** Who watches a room's presence: for the server it is one connection. */
  const watching = new Map<string | null, Set<string>>()
  /** The server's questions, and how many tabs may still answer. */
  const asked = new Map<string, number>()

  const all: Post = (...message) => tabs.forEach(post => post(...message))
  ws.onopen = () => all("open", ws.protocol)
  ws.onclose = ({ code, reason }) => {
    lines.delete(key)
    all("close", code, reason)
    tabs.clear()
  }
  ws.onmessage = ({ data: text }: MessageEvent<string>) => {
    const [name, data, { i = "", r = null, o } = {}] = JSON.parse(text) as Frame
    if (name === "$ok" || name === "$err") {
      const [tab = "", mine] = i.split("|")
      return tabs.get(tab)?.("text", JSON.stringify([name, data, { i: mine }]))
    }
    const place = (name === "$at" ? data : { r, o }) as RoomData
    const room = known.get(`$room ${place.r}`)
    if (room && place.o) room[1].o = place.o
    if (name === "$welcome" || name === "$room") known.set(`${name} ${(data as RoomData).r}`, [name, data as RoomData])
    else if (i) asked.set(i, tabs.size)
    all("text", text)
  }

  /** Says what a tab says, as the connection should say it. */
  const say = (tab: string, text: string): void => {
    if (!tabs.has(tab)) return
    const [name, data, { i } = {}] = JSON.parse(text) as Frame
    if (name === "$presence") {
      const { r, off } = data as RoomData
      const eyes = watching.get(r) ?? new Set()
      watching.set(r, eyes)
      if (!off) eyes.add(tab)
      else if (!eyes.delete(tab) || eyes.size) return
    }
    if (i && (name === "$ok" || name === "$err")) {
      // One answer for each question: the first, but where a tab does not know how, another may.
      const left = (asked.get(i) ?? 0) - 1
      const waits = name === "$err" && left > 0 && (data as { code: string }).code === "unsupported"
      asked.set(i, waits ? left : 0)
      if (left < 0 || waits) return
    } else if (i) text = JSON.stringify([name, data, { i: `${tab}|${i}` }])
    if (ws.readyState === 1) ws.send(text)
  }
  return {
    join(tab, post) {
      tabs.set(tab, post)
      if (ws.readyState !== 1) return
      post("open", ws.protocol)
      known.forEach(frame => post("text", JSON.stringify(frame)))
    },
    say,
    leave(tab) {
      for (const r of watching.keys()) say(tab, JSON.stringify(["$presence", { r, off: true }]))
      if (!tabs.delete(tab) || tabs.size) return
      lines.delete(key)
      ws.onclose = null
      ws.close()
    },
  }
}

;(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = ({ ports: [port] }) => {
  if (!port) return
  const prefix = ++ports
  const mine = new Map<number, Line>()
  const close = (id: number): void => {
    mine.get(id)?.leave(`${prefix}.${id}`)
    mine.delete(id)
  }
  // A tab that crashed does not say so itself.
  port.addEventListener("close", () => [...mine.keys()].forEach(close))
  port.onmessage = ({ data: [id, what, text = "", protocols = []] }: MessageEvent<[number, ToWorker[1], string?, string[]?]>) => {
    if (what === "close") return close(id)
    const tab = `${prefix}.${id}`
    if (what === "text") return mine.get(id)?.say(tab, text)
    // Connections with and without the profile are two.
    const key = `${protocols.length > 0} ${text}`
    const line = lines.get(key) ?? open(key, text, protocols)
    lines.set(key, line)
    mine.set(id, line)
    line.join(tab, (...message) => port.postMessage([id, ...message]))
  }
}
