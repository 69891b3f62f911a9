// A minimal room in JavaScript: parse, look the room up, send. What workerd can do at best.
import { DurableObject } from "cloudflare:workers"

export class JstackObject extends DurableObject {
  rooms = new Map()

  fetch() {
    const [client, server] = Object.values(new WebSocketPair())
    const mine = new Set()
    server.addEventListener("message", ({ data }) => {
      const [event, payload] = JSON.parse(data)
      if (event === "join") {
        if (!this.rooms.has(payload.room)) this.rooms.set(payload.room, new Set())
        this.rooms.get(payload.room).add(server)
        mine.add(payload.room)
        server.send(JSON.stringify(["joined", payload]))
      } else if (event === "say") {
        const text = JSON.stringify(["said", payload])
        for (const socket of this.rooms.get(payload.room) ?? []) socket.send(text)
      }
    })
    server.addEventListener("close", () => mine.forEach(room => this.rooms.get(room)?.delete(server)))
    server.accept()
    return new Response(null, { status: 101, webSocket: client })
  }
}

export default {
  fetch(request, env) {
    if (request.headers.get("upgrade") !== null) return env.JSTACK.getByName("app").fetch(request)
    return Response.json("here")
  },
}
