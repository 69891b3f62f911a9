// A stand-in for what JStack uses of Upstash's REST API: a POST publishes, a stream of server-sent
// events subscribes. It runs in the benchmark's own process, whose CPU time does not count.
import { once } from "node:events"
import { createServer } from "node:http"

export async function upstash() {
  const channels = new Map()
  const server = createServer(async (request, response) => {
    const [, command, channel] = request.url.split("/")
    if (command === "subscribe") {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(`data: subscribe,${channel},1\n\n`)
      if (!channels.has(channel)) channels.set(channel, new Set())
      channels.get(channel).add(response)
      response.on("close", () => channels.get(channel).delete(response))
      return
    }
    let body = ""
    for await (const piece of request) body += piece
    const listeners = channels.get(channel) ?? []
    for (const listener of listeners) listener.write(`data: message,${channel},${body}\n\n`)
    response.end(JSON.stringify({ result: listeners.size ?? 0 }))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() }
}
