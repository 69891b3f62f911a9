// The whole public surface, as an application uses it: what compiles, what does not, and what is inferred.
import {
  ApiError,
  createClient,
  type EventError,
  type Gap,
  type Get,
  type HistoryItem,
  type InferInputs,
  type InferOutputs,
  type Member,
  type Post,
  SocketError,
  type Status,
  type Ws,
} from "jstack-rs"
import { useEvent, useGap, useHistory, useLatest, useOthers, usePresence, useRequest, useSocket, useStatus, useWebSocket } from "jstack-rs/react"
import { queries, sync } from "jstack-rs/tanstack"
import { sharedWebSocket } from "jstack-rs/tabs"
import { type Equal, same } from "./equal"
import { useMutation, useQuery, useQueryClient, useSuspenseQuery, QueryClient } from "@tanstack/react-query"


interface Message { room: string; text: string; author: string }
interface Cursor { x: number; y: number }
interface Join { room: string }
type AppRouter = {
  post: {
    recent: Get<{ limit?: number } | void, { at: Date; text: string }[]>
    one: Get<{ id: string }, { id: string }>
    whoami: Get<void, { name: string }>
    create: Post<{ title: string }, { id: string }>
    reset: Post<void, void>
    echo: Ws<{ say: string }, { said: string }>
    chat: Ws<
      { join: Join; message: Message; cursor: Cursor; clear: null },
      { message: Message; cursor: Cursor; cleared: null; confirm: { text: string } },
      { params: { room: string; since?: number }; replies: { message: { id: string } }; asks: { confirm: boolean }
        presence: { state: { typing: boolean }; info: { name: string } }; history: "message" | "cleared"; rooms: `room:${string}`; volatile: "cursor" }
    >
    optional: Ws<{ a: 1 }, { b: 2 }, { params: { q?: string } | void }>
  }
  deep: { er: { still: Get<void, number> } }
}
const client = createClient<AppRouter>({ baseUrl: "/api", token: async ({ reason }) => (reason === "refused" ? null : "t"), WebSocket: sharedWebSocket(() => new SharedWorker("x")) })

export async function http() {
  const posts = await client.post.recent.$get().json()
  same<Equal<typeof posts, { at: Date; text: string }[]>>()
  same<Equal<typeof posts, Awaited<ReturnType<Awaited<ReturnType<typeof client.post.recent.$get>>["json"]>>>>()
  await client.post.recent.$get({ limit: 1 }, { signal: AbortSignal.timeout(1), headers: { a: "b" } })
  const me = await (await client.post.whoami.$get()).json()
  same<Equal<typeof me, { name: string }>>()
  await client.post.create.$post({ title: "x" }).json()
  await client.post.reset.$post()
  same<Equal<number, Awaited<ReturnType<ReturnType<typeof client.deep.er.still.$get>["json"]>>>>()
  // @ts-expect-error required
  await client.post.one.$get()
  // @ts-expect-error type
  await client.post.create.$post({ title: 1 })
  // @ts-expect-error kind
  client.post.create.$get
  // @ts-expect-error name
  client.post.nope
  try { await client.post.whoami.$get() } catch (e) { if (e instanceof ApiError) e.issues.map(i => i.path) }
}

export async function sockets() {
  // @ts-expect-error params are required
  client.post.chat.$ws()
  // @ts-expect-error no such param
  client.post.chat.$ws({ room: "a", nope: 1 })
  client.post.echo.$ws()
  client.post.optional.$ws(); client.post.optional.$ws({ q: "x" })
  using s = client.post.chat.$ws({ room: "room:a" })
  same<Equal<boolean, ReturnType<typeof s.emit>>>()
  s.emit("join", { room: "room:a" })
  s.emit("clear"); s.emit("clear", null)
  // @ts-expect-error data is required
  s.emit("message")
  // @ts-expect-error no such event
  s.emit("mesage", {})
  const reply = await s.request("message", { room: "a", text: "b", author: "c" }, { timeout: 1000, signal: new AbortController().signal })
  same<Equal<typeof reply, { id: string }>>()
  const nothing = await s.request("join", { room: "a" })
  same<Equal<typeof nothing, void>>()
  s.answer("confirm", async ({ text }) => text.length > 0)
  // @ts-expect-error a boolean
  s.answer("confirm", () => "yes")
  // @ts-expect-error nothing is asked there
  s.answer("cleared", () => true)
  const off = s.on("message", (m, meta) => { same<Equal<typeof m, Message>>(); meta.at?.offset })
  off()
  s.on("error", e => same<Equal<typeof e, EventError>>())
  s.on("onDisconnect", d => d.cause.code)
  const next = await s.once("message", { where: m => m.author === "ada", timeout: 100 })
  same<Equal<typeof next, Message>>()
  for await (const e of s.events()) {
    if (e.event === "message") same<Equal<typeof e.data, Message>>()
    else if (e.event === "cleared") same<Equal<typeof e.data, null>>()
  }
  for await (const { data } of s.events("message")) same<Equal<typeof data, Message>>()
  for await (const { data } of s.events(["message", "cursor"])) same<Equal<typeof data, Message | Cursor>>()
  s.onGap((g: Gap) => g.missed)
  const room = s.room("room:a")
  // @ts-expect-error not a room's name
  s.room("lobby")
  const page = await room.history({ limit: 10 })
  const item = page.items[0]!
  if (item.event === "message") same<Equal<typeof item.data, Message>>()
  // @ts-expect-error cursors are not remembered
  if (item.event === "cursor") item
  const p = s.presence("room:a")
  p.set({ typing: true }); p.set(b => ({ typing: !b?.typing }))
  same<Equal<typeof p.others, readonly Member<{ typing: boolean }, { name: string }>[]>>()
  const st: Status = s.status
  if (st.state === "reconnecting") st.retryAt?.getTime()
  if (st.state === "closed") st.cause?.code
  try { await s.ready({ timeout: 5 }) } catch (e) { if (e instanceof SocketError && e.code === "timeout") e.retryable }
  client.$close()
}

export function Chat({ id }: { id: string }) {
  const s = useSocket(client.post.chat, { room: id })
  useSocket(client.post.echo)
  // @ts-expect-error params are required
  useSocket(client.post.chat)
  const open = useStatus(s, x => x.state === "open")
  same<Equal<typeof open, boolean>>()
  useEvent(s, "message", m => m.author)
  useWebSocket(s, { message: ({ author }) => author.length, onConnect: () => {}, error: e => e.issues })
  // @ts-expect-error no such event
  useWebSocket(s, { mesage: () => {} })
  // @ts-expect-error payload
  useWebSocket(s, { message: (n: number) => n })
  const who = usePresence(s, "room:a", { typing: false })
  // @ts-expect-error state's type
  usePresence(s, "room:a", { typing: 1 })
  const names = useOthers(s, "room:a", os => os.map(o => o.info.name))
  same<Equal<typeof names, string[]>>()
  const h = useHistory(s, "room:a", { limit: 50 })
  same<Equal<(typeof h.items)[number], HistoryItem<{ message: Message; cursor: Cursor; cleared: null; confirm: { text: string }; error: EventError }, any> extends never ? never : (typeof h.items)[number]>>()
  const say = useRequest(s, "message")
  void say.send({ room: "a", text: "b", author: "c" }).then(r => r.id)
  const cursor = useLatest(s, "cursor")
  same<Equal<typeof cursor, Cursor | undefined>>()
  useGap(s, g => g.room)
  return <p>{String(open)}{who.count}{names}{h.items.length}</p>
}

const q = queries(client)
export function Posts({ cache }: { cache: QueryClient }) {
  const { data } = useQuery(q.post.recent.queryOptions({ limit: 5 }, { staleTime: 1000 }))
  same<Equal<typeof data, { at: Date; text: string }[] | undefined>>()
  const { data: me } = useSuspenseQuery(q.post.whoami.queryOptions())
  same<Equal<typeof me, { name: string }>>()
  const create = useMutation(q.post.create.mutationOptions({ onSuccess: () => cache.invalidateQueries({ queryKey: q.post.recent.queryKey() }) }))
  create.mutate({ title: "x" })
  // @ts-expect-error
  create.mutate({ title: 1 })
  const cached = cache.getQueryData(q.post.recent.queryKey({ limit: 5 }))
  same<Equal<typeof cached, { at: Date; text: string }[] | undefined>>()
  // @ts-expect-error input is required
  q.post.one.queryOptions()
  const s = useSocket(client.post.chat, { room: "a" })
  sync(useQueryClient(), s, { message: m => [q.post.one.queryKey({ id: m.room })], cleared: (_, c) => c.clear() }, { onGap: [q.post.recent.queryKey()] })
  return null
}

same<Equal<InferInputs<AppRouter>["post"]["create"], { title: string }>>()
same<Equal<InferOutputs<AppRouter>["post"]["whoami"], { name: string }>>()
