// One connection for all tabs: the SharedWorker's half. It keeps one connection an address, gives every
// frame to every tab, and an answer to the tab that asked. A tab that comes later is told what the others
// know already: the `$welcome`, and where each room is now.

import type { ToPage, ToWorker } from "./tabs.js"

interface Tab {
  port: MessagePort
  id: number
}
interface Line {
  ws: WebSocket
  tabs: Map<string, Tab>
  welcome?: string
  /** The `$room` of each room, with its newest offset. */
  rooms: Map<string | null, RoomData>
  /** Who watches a room's presence: for the server it is one connection. */
  watching: Map<string, Set<string>>
  /** The server's questions, and how many tabs may still answer. */
  asked: Map<string, number>
}
interface RoomData {
  r: string | null
  in?: boolean
  o?: number
  off?: boolean
}
type Frame = [name: string, data: unknown, extra?: { i?: string; r?: string | null; o?: number }]
type Message = ToPage extends infer M ? (M extends [number, ...infer Rest] ? Rest : never) : never

const lines = new Map<string, Line>()
let ports = 0

const tell = ({ port, id }: Tab, message: Message): void => port.postMessage([id, ...message])

function open(url: string, protocols: string[]): Line {
  const line: Line = {
    ws: protocols.length ? new WebSocket(url, protocols) : new WebSocket(url),
    tabs: new Map(),
    rooms: new Map(),
    watching: new Map(),
    asked: new Map(),
  }
  const all = (...message: Message): void => line.tabs.forEach(tab => tell(tab, message))
  line.ws.onopen = () => all("open", line.ws.protocol)
  line.ws.onclose = ({ code, reason }) => {
    for (const [key, other] of lines) if (other === line) lines.delete(key)
    all("close", code, reason)
  }
  line.ws.onmessage = ({ data: text }: MessageEvent<string>) => {
    const [name, data, { i, r, o } = {}] = JSON.parse(text) as Frame
    if (name === "$ok" || name === "$err") {
      const [who = "", mine] = (i ?? "").split("|")
      const tab = line.tabs.get(who)
      if (tab) tell(tab, ["text", JSON.stringify([name, data, { i: mine }])])
      return
    }
    if (name === "$welcome") line.welcome = text
    else if (name === "$room") line.rooms.set((data as RoomData).r, data as RoomData)
    else if (i) line.asked.set(i, line.tabs.size)
    const moved = name === "$at" ? (data as RoomData) : o ? { r: r ?? null, o } : undefined
    const room = moved && line.rooms.get(moved.r)
    if (room && moved.o) room.o = moved.o
    all("text", text)
  }
  return line
}

/** What a tab sends, as the connection should say it; `undefined`: not at all. */
function outgoing(line: Line, tab: string, text: string): string | undefined {
  const [name, data, extra] = JSON.parse(text) as Frame
  const i = extra?.i
  if (name === "$presence") {
    const { r, off } = data as { r: string; off?: boolean }
    const watching = line.watching.get(r) ?? new Set()
    line.watching.set(r, watching)
    if (!off) watching.add(tab)
    else if (!watching.delete(tab) || watching.size) return undefined
  }
  if (!i) return text
  if (name !== "$ok" && name !== "$err") return JSON.stringify([name, data, { ...extra, i: `${tab}|${i}` }])
  // One answer for each question: the first, but another tab may know how.
  const left = (line.asked.get(i) ?? 0) - 1
  line.asked.set(i, left)
  if (left < 0 || (left > 0 && name === "$err" && (data as { code: string }).code === "unsupported")) return undefined
  line.asked.delete(i)
  return text
}

interface SharedScope {
  onconnect: (event: MessageEvent) => void
}
;(globalThis as unknown as SharedScope).onconnect = ({ ports: [port] }) => {
  if (!port) return
  const prefix = ++ports
  const mine = new Map<number, [key: string, line: Line]>()
  const close = (id: number): void => {
    const [key = "", line] = mine.get(id) ?? []
    const tab = `${prefix}.${id}`
    if (!line || !mine.delete(id)) return
    for (const [r, watching] of line.watching) {
      if (watching.delete(tab) && !watching.size) line.ws.readyState === 1 && line.ws.send(JSON.stringify(["$presence", { r, off: true }]))
    }
    line.tabs.delete(tab)
    if (line.tabs.size) return
    if (lines.get(key) === line) lines.delete(key)
    line.ws.onclose = null
    line.ws.close(1000)
  }
  // A tab that crashed does not say so itself.
  port.addEventListener("close", () => [...mine.keys()].forEach(close))
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    const id = data[0]
    if (data[1] === "close") return close(id)
    if (data[1] === "text") {
      const line = mine.get(id)?.[1]
      const text = line && outgoing(line, `${prefix}.${id}`, data[2])
      if (text && line.ws.readyState === 1) line.ws.send(text)
      return
    }
    // Connections with and without the profile are two.
    const key = `${data[3].length > 0} ${data[2]}`
    const line = lines.get(key) ?? open(data[2], data[3])
    const tab = { port, id }
    lines.set(key, line)
    mine.set(id, [key, line])
    line.tabs.set(`${prefix}.${id}`, tab)
    if (line.ws.readyState !== 1) return
    tell(tab, ["open", line.ws.protocol])
    if (line.welcome) tell(tab, ["text", line.welcome])
    for (const room of line.rooms.values()) tell(tab, ["text", JSON.stringify(["$room", room])])
  }
}
