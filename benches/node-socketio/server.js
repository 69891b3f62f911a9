// The chat on Socket.IO, WebSockets only: `node server.js --port 9000 [--redis HOST:PORT]`.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values } = parseArgs({
  options: { port: { type: "string" }, redis: { type: "string" } },
});

const small = { name: "hello", id: 7, tags: ["a", "b", "c"] };

const http = createServer((_, response) => {
  const body = JSON.stringify(small);
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
});

const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});

if (values.redis) {
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const { Redis } = await import("ioredis");
  const publisher = new Redis(`redis://${values.redis}`);
  io.adapter(createAdapter(publisher, publisher.duplicate()));
}

const isMessage = (m) =>
  m !== null &&
  typeof m === "object" &&
  [m.roomId, m.message, m.author].every((field) => typeof field === "string");

io.on("connection", (socket) => {
  socket.join(String(socket.handshake.query.room ?? "general"));
  // Socket.IO's own advice on memory: the first request is not needed again.
  socket.conn.request = null;
  socket.on("message", (message) => {
    if (isMessage(message)) io.to(message.roomId).emit("message", message);
  });
});

http.listen(Number(values.port), "127.0.0.1");
