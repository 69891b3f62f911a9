// The contract of the whole application under test, and the calls that the original client makes on it.
import { createClient, type InferRouterInputs, type InferRouterOutputs } from "jstack-rs"
import { useWebSocket } from "jstack-rs/react"
import type * as api from "./generated/api"
import { type Equal, same } from "./equal"
// The whole application, with all types.
const client = createClient<api.Stock>({ baseUrl: "http://localhost/api" })

type Inputs = InferRouterInputs<api.Stock>
type Outputs = InferRouterOutputs<api.Stock>
same<Equal<Inputs["chat"]["recent"], api.Query | undefined>>()
same<Equal<Inputs["chat"]["create"], api.MessageInput>>()
same<Equal<Inputs["chat"]["reset"], void>>()
same<Equal<Outputs["chat"]["recent"], api.MessageDates[]>>()
same<Equal<Outputs["chat"]["reset"], void>>()
same<Equal<Outputs["every"]["pageOfPoints"], api.Page_Point>>()
same<Equal<Inputs["every"]["internal"], api.Internal>>()

export async function calls() {
  const recent = await (await client.chat.recent.$get({ limit: 5 })).json()
  same<Equal<typeof recent, api.MessageDates[]>>()
  recent[0]?.at.getTime()
  await client.chat.recent.$get()
  // @ts-expect-error
  await client.chat.recent.$get({ limit: "5" })
  // @ts-expect-error
  await client.chat.recent.$post({ limit: 5 })

  const message = { roomId: "general", message: "Hello", at: "2026-01-02T03:04:05Z" }
  const created = await (await client.chat.create.$post(message)).json()
  same<Equal<typeof created, api.Message>>()
  // @ts-expect-error
  await client.chat.create.$post()
  // @ts-expect-error
  await client.chat.create.$post({ message: "Hello" })
  // @ts-expect-error
  created.room_id

  await client.chat.reset.$post()
  const page: string = await (await client.chat.page.$get()).text()
  // @ts-expect-error
  client.chat.unknown
  // @ts-expect-error
  client.forum
  return [page, client.chat.recent.$url()]
}

export function sockets() {
  const socket = client.chat.chat.$ws()
  socket.emit("message", { roomId: "general", message: "Hello", at: "2026-01-02T03:04:05Z" })
  socket.emit("cleared", null)
  // @ts-expect-error
  socket.emit("message", { roomId: "general" })
  // @ts-expect-error
  socket.emit("userJoined", {})
  // @ts-expect-error
  socket.emit("massage", null)

  socket.on("message", (message) => same<Equal<typeof message, api.Message>>())
  socket.on("moved", (points) => same<Equal<typeof points, api.Point[]>>())
  socket.on("error", (error) => same<Equal<typeof error, api.EventError>>())
  socket.on("onConnect", () => {})
  // @ts-expect-error
  socket.on("typing", () => {})

  useWebSocket(socket, {
    message: (message) => message.urgent satisfies boolean,
    userJoined: ({ name }) => name satisfies string,
    error: ({ code }) => code satisfies string,
    onConnect: () => {},
  })
  // @ts-expect-error
  useWebSocket(socket, { typing: () => {} })
  // @ts-expect-error
  useWebSocket(socket, { message: (message: number) => message })
}
