// For browsers: what came of it is the last event of another socket.

import { createClient } from "../../dist/index.js"
import { talk } from "./talk.mjs"

const result = await talk(location.origin).then(done => `done: ${done.join(", ")}`, error => `failed: ${error.stack ?? error}`)
createClient({ baseUrl: location.origin, socket: { connect: true } }).board.$ws().emit("result", `${result} (${navigator.userAgent})`)
