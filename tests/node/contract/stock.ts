// The stock form against what a real JStack server of the same procedures infers, and the
// unmodified client on it.
import { createClient, type InferRouterInputs, type InferRouterOutputs, jstack } from "jstack"
import { useWebSocket } from "jstack/client"
import { z } from "zod"
import type * as api from "./api.js"
import { type Equal, same } from "./equal.js"

const j = jstack.init()
const { procedure } = j

const chat = j.router({
  recent: procedure.input(z.custom<api.Query>().optional()).get(({ c }) => c.superjson([] as api.MessageDates[])),
  create: procedure.input(z.custom<api.MessageInput>()).post(({ c }) => c.superjson({} as api.Message)),
  locate: procedure.input(z.custom<api.Point>().optional()).post(({ c }) => c.superjson(null as api.Point | null)),
  whoami: procedure.get(({ c }) => c.superjson("" as string)),
  reset: procedure.post(({ c }) => c.superjson(undefined as void)),
  page: procedure.get(({ c }) => c.superjson(undefined as unknown)),
  chat: procedure
    .incoming(
      z.object({ message: z.custom<api.MessageInput>(), typing: z.string(), cleared: z.null() }),
    )
    .outgoing(
      z.object({
        message: z.custom<api.Message>(),
        userJoined: z.custom<api.Ruled>(),
        moved: z.array(z.custom<api.Point>()),
        error: z.custom<api.EventError>(),
      }),
    )
    .ws(() => ({})),
})
const app = j.mergeRouters(j.router().basePath("/api"), { chat })

type Ours = api.StockRouter<Pick<api.AppRouter, "chat">>
type Real = typeof app

same<Equal<InferRouterInputs<Ours>, InferRouterInputs<Real>>>()
same<Equal<InferRouterOutputs<Ours>, InferRouterOutputs<Real>>>()
const real = createClient<Real>()
const ours = createClient<Ours>()
same<Equal<typeof ours, typeof real>>()

// The whole application, with all types.
const client = createClient<api.Stock>({ baseUrl: "http://localhost/api" })
same<Equal<typeof client.chat, typeof real.chat>>()

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
