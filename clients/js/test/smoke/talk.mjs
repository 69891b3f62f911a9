// What the client does in every runtime: a socket with its answers, a room's past and people, and a connection that comes back.

import { createClient } from "../../dist/index.js"

/** Talks to a `board`. Returns the steps that went well, or throws. */
export async function talk(baseUrl) {
  const done = []
  const step = async (name, promise) => {
    let timer
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${name}: nothing within 10 s`)), 10_000)))
    await Promise.race([promise, late]).finally(() => clearTimeout(timer))
    done.push(name)
  }
  const until = holds => new Promise(resolve => {
    const look = () => (holds() ? resolve() : setTimeout(look, 5))
    look()
  })
  const errors = []
  const client = createClient({ baseUrl, onError: error => errors.push(error), socket: { connect: true, backoff: [1, 50] } })
  const socket = client.board.$ws({ room: "r", key: "ann" })
  const heard = []
  socket.on("note", note => heard.push(note))
  await step("open", until(() => socket.status.state === "open" && socket.status.profile === "v1"))
  const request = async () => {
    const answer = await socket.request("double", 21)
    if (answer !== 42) throw new Error(`the answer is ${answer}`)
  }
  await step("request", request())
  await step("event", until(() => heard.includes("one")))
  const presence = socket.presence("r")
  const stop = presence.subscribe(() => {})
  await step("presence", until(() => presence.members.some(({ key }) => key === "ann")))
  stop()
  await step("history", socket.room("r").history({ limit: 5 }).then(({ items }) => {
    if (items.map(({ data }) => data).join() !== "before,one") throw new Error(JSON.stringify(items))
  }))
  socket.emit("cut", null)
  await step("recovery", until(() => heard.includes("while away")))
  if (heard.join() !== "one,while away") throw new Error(`heard ${heard.join()}`)
  socket.close()
  await step("close", until(() => socket.status.state === "closed"))
  if (errors.length) throw errors[0]
  return done
}
