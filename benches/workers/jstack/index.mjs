// The same room on JStack 1.1.1, as its documentation has it. `run.mjs` bundles it.
import { jstack } from "jstack"
import { z } from "zod"

const j = jstack.init()
const room = z.object({ room: z.string() })
const said = z.object({ room: z.string(), text: z.string() })
const t = j.router({
  nothing: j.procedure.get(({ c }) => c.json("here")),
  chat: j.procedure
    .incoming(z.object({ join: room, say: said }))
    .outgoing(z.object({ joined: room, said }))
    .ws(({ io }) => ({
      onConnect({ socket }) {
        socket.on("join", async data => {
          await socket.join(data.room)
          socket.emit("joined", data)
        })
        socket.on("say", async data => {
          await io.to(data.room).emit("said", data)
        })
      },
    })),
})
const api = j.router().basePath("/api").use(j.defaults.cors).onError(j.defaults.errorHandler)
export default j.mergeRouters(api, { t })
