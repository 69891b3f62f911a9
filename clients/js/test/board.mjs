// A small server of profile v1 for whole pages: rooms with a history and presence, requests, and faults on demand.

import { once } from "node:events"
import { createServer } from "node:http"
import { WebSocketServer } from "ws"

/** `files`: what it serves, by path: `[content type, text]`. */
export async function board(files = {}) {
  const state = { dials: [], sockets: new Set(), refuse: false, profile: true, said: [], token: undefined, ping: 25_000 }
  const rooms = new Map()
  const http = createServer(({ url }, response) => {
    const [type, text] = files[url.split("?")[0]] ?? []
    response.writeHead(type ? 200 : 404, { "content-type": type ?? "text/plain" }).end(text)
  })
  const wss = new WebSocketServer({ noServer: true, handleProtocols: offered => state.profile && offered.has("jstack.v1") && "jstack.v1" })
  http.on("upgrade", (request, socket, head) => {
    state.dials.push(request.headers["sec-websocket-protocol"] ?? "")
    if (state.refuse) return socket.destroy()
    wss.handleUpgrade(request, socket, head, ws => connected(ws, new URL(request.url, "http://localhost").searchParams))
  })

  const roomOf = name => {
    if (!rooms.has(name)) rooms.set(name, { log: [], members: new Set(), watching: new Set(), number: 0 })
    return rooms.get(name)
  }
  const present = room => {
    const people = new Map()
    for (const ws of room.members) {
      const person = people.get(ws.key) ?? { key: ws.key, info: { name: ws.key }, states: [], connections: 0, since: 1 }
      person.connections++
      if (ws.state != null) person.states.unshift(ws.state)
      people.set(ws.key, person)
    }
    return [...people.values()]
  }
  const tell = (name, key) => {
    const room = roomOf(name)
    const set = present(room).filter(person => person.key === key)
    const frame = { r: name, n: ++room.number, set, gone: set.length ? [] : [key], count: present(room).length }
    for (const ws of room.watching) send(ws, "$presence", frame)
  }
  const send = (ws, ...frame) => ws.readyState === 1 && !ws.isMute && ws.send(JSON.stringify(frame))

  state.say = (name, event, data) => {
    const room = roomOf(name)
    room.log.push([event, data, room.log.length + 1, Date.now()])
    for (const ws of room.members) send(ws, event, data, { r: name, o: room.log.length })
  }
  state.send = (...frame) => state.sockets.forEach(ws => send(ws, ...frame))
  /** As a server that is stopped: each connection learns when to come back. */
  state.drain = after =>
    state.sockets.forEach(ws => {
      send(ws, "$bye", { code: "restart", message: "the server restarts", retry: true, after })
      ws.close(1012, "the server restarts")
    })
  /** Says nothing any more to those that are connected, as a machine that has lost its network. */
  state.mute = () => state.sockets.forEach(ws => (ws.isMute = true))
  state.cut = () => state.sockets.forEach(ws => ws.terminate())

  function connected(ws, query) {
    const name = query.get("room")
    const room = name && roomOf(name)
    Object.assign(ws, { key: query.get("key") ?? "anon" })
    if (state.token && !state.dials.at(-1).endsWith(`jstack.bearer.${btoa(state.token)}`)) {
      send(ws, "$bye", { code: "unauthorized", message: "the token is not good", status: 401 })
      return ws.close(4401, "the token is not good")
    }
    state.sockets.add(ws)
    if (ws.protocol) send(ws, "$welcome", { v: 1, id: String(state.dials.length), ping: state.ping, history: true })
    const ticks = setInterval(() => send(ws, "$tick", null), state.ping / 2)
    if (room) {
      room.members.add(ws)
      send(ws, "$room", { r: name, in: true, e: "e", o: room.log.length })
      tell(name, ws.key)
    }
    ws.on("close", () => {
      clearInterval(ticks)
      state.sockets.delete(ws)
      room?.members.delete(ws)
      room?.watching.delete(ws)
      if (room) tell(name, ws.key)
    })
    ws.on("message", text => {
      const [event, data, { i } = {}] = JSON.parse(String(text))
      state.said.push([event, data])
      const ok = value => i && send(ws, "$ok", value, { i })
      if (event === "ping") send(ws, "pong", null)
      else if (event === "$history") {
        const { after = ["e", 0], before, limit = 500 } = data
        const all = room.log.filter(([, , offset]) => offset > after[1] && (!before || offset < before[1]))
        const items = data.after ? all : all.slice(-limit)
        ok({ e: "e", o: room.log.length, items, more: items.length < all.length })
      } else if (event === "$presence") {
        room.watching[data.off ? "delete" : "add"](ws)
        ok({ n: room.number, me: ws.key, members: present(room), count: present(room).length })
      } else if (event === "$state") {
        ws.state = data.s
        tell(name, ws.key)
      } else if (event === "double") ok(data * 2)
      else if (event === "fail") send(ws, "$err", { code: "invalid", message: "no", issues: [] }, { i })
      else ok(null)
    })
  }

  http.listen(0, "127.0.0.1")
  await once(http, "listening")
  state.url = `http://127.0.0.1:${http.address().port}`
  state.close = async () => {
    for (const ws of wss.clients) ws.terminate()
    http.closeAllConnections()
    http.close()
    await once(http, "close")
  }
  return state
}
