// A generated file without imports, and the client of this repository on it: replies, questions and the query.
import { createClient, type InferInputs } from "jstack-rs"
import type * as api from "./generated/api.js"
import { type Equal, same } from "./equal.js"

const client = createClient<api.AppRouter>({ baseUrl: "http://localhost/api" })
same<Equal<api.Stock, api.AppRouter>>()
same<Equal<InferInputs<api.AppRouter>["chat"]["create"], api.MessageInput>>()

export async function calls() {
  const recent = await client.chat.recent.$get({ limit: 5 }).json()
  same<Equal<typeof recent, api.MessageDates[]>>()
  // @ts-expect-error not a number
  client.chat.recent.$get({ limit: "5" })
}

const message = { roomId: "general", message: "Hello", at: "2026-01-02T03:04:05Z" }

export async function requests() {
  const socket = client.live.board.$ws({ boardId: "b1", since: null })
  const saved = await socket.request("save", message, { timeout: 100 })
  same<Equal<typeof saved, api.Message>>()
  const nothing = await socket.request("leave", null)
  same<Equal<typeof nothing, void>>()
  // @ts-expect-error no such event
  socket.request("store", message)
  // @ts-expect-error not a message
  socket.request("save", { roomId: 1 })
}

export function events() {
  const socket = client.live.board.$ws({ boardId: "b1" })
  const sent: boolean = socket.emit("cursor", { userId: "ann", at: { x: 1, y: 2 } })
  socket.emit("typing")
  // @ts-expect-error `cursor` needs a place
  socket.emit("cursor", { userId: "ann" })
  // @ts-expect-error only the server sends it
  socket.emit("saved", message)
  socket.on("cursor", (cursor) => same<Equal<typeof cursor, api.Cursor>>())
  socket.on("error", (error) => error.issues.map(({ path }) => path satisfies string))
  // @ts-expect-error only clients send it
  socket.on("typing", () => {})
  return sent
}

export function questions() {
  const socket = client.live.board.$ws({ boardId: "b1" })
  socket.answer("confirm", (point) => {
    same<Equal<typeof point, api.Point>>()
    return "red"
  })
  // @ts-expect-error not a colour
  socket.answer("confirm", () => "pink")
  // @ts-expect-error not a question
  socket.answer("cursor", () => "red")
}

export function people() {
  const presence = client.live.board.$ws({ boardId: "b1" }).presence("b1")
  // What has a default may be left out.
  presence.set({ tool: "red" })
  // @ts-expect-error not a tool
  presence.set({ tool: "hammer" })
  for (const { info, state } of presence.members) {
    same<Equal<typeof info, api.Person>>()
    same<Equal<typeof state, api.Doing | undefined>>()
  }
  client.live.watch.$ws().presence("b1").set(true)
}

export async function past() {
  const page = await client.live.board.$ws({ boardId: "b1" }).room("b1").history({ limit: 20 })
  for (const { event, data } of page.items) {
    same<Equal<typeof event, "saved">>()
    same<Equal<typeof data, api.Message>>()
  }
}

export function queries() {
  // @ts-expect-error the board is missing
  client.live.board.$ws()
  // @ts-expect-error not a text
  client.live.board.$ws({ boardId: 1 })
  client.live.watch.$ws()
  client.live.watch.$ws({ limit: 5 })
  // @ts-expect-error not a number
  client.live.watch.$ws({ limit: "5" })
  // A query without a schema takes any field, beside those of the one that has a schema.
  client.live.viewed.$ws({ boardId: "b1", zoom: 3 })
  // @ts-expect-error the board is missing
  client.live.viewed.$ws({ zoom: 3 })
  // @ts-expect-error it has no query
  client.chat.chat.$ws({ room: "general" })
}

// The file for the original client is the same application.
import type * as stock from "./api.js"
const other = createClient<stock.Stock>({ baseUrl: "http://localhost/api" })
export async function stockForm() {
  const saved = await other.live.board.$ws({ boardId: "b1" }).request("save", message)
  same<Equal<typeof saved, stock.Message>>()
}
