// Clients for `tests/tests/oracle`. What they hear goes to stdout, a line each; what they are to say comes by stdin.

import { createInterface } from "node:readline"
import { createClient } from "jstack-rs"
import { WebSocket } from "ws"

const write = line => process.stdout.write(`${JSON.stringify(line)}\n`)

const sockets = JSON.parse(process.argv[2]).map(({ port, rooms }, client) => {
  const api = createClient({
    baseUrl: `http://127.0.0.1:${port}/api`,
    WebSocket,
    socket: { backoff: [100, 1000], connectTimeout: 3000, requestTimeout: 4000 },
    onError: error => write({ client, error: error.code ?? "thrown", message: String(error) }),
  })
  const socket = api.post.talk.$ws({ rooms })
  socket.on("ready", () => write({ client, ready: true }))
  socket.on("said", (said, { room, at }) => write({ client, said, room, at: [at.epoch, at.offset] }))
  socket.onGap(({ reason, room }) => write({ client, gap: reason, room }))
  return socket
})

for await (const line of createInterface({ input: process.stdin })) {
  const { client, ...say } = JSON.parse(line)
  const said = sockets[client].request("say", say)
  said.then(() => write({ client, taken: say.n }), () => {})
}
process.exit()
