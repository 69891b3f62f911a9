// The half of the runtime that is JavaScript: the Worker, its Durable Object, and what the module
// asks for. Crossing into the module and out of it costs, so heads and messages cross as one text.
//
//   request -> Worker -> the one JstackObject -> serve() -> jstackRequest -> [head, body, socket]
//   event of a socket -> jstackMessage / jstackClosed -> the connection's inbox
//
// Without unwinding, a panic ends the module's instance. `broken` is then called first: all objects
// of the isolate end, their connections break off, and the next request makes a new instance.
import { DurableObject } from "cloudflare:workers"

// The exports of the module, once `worker` was called.
let program
// Counts the instances of the module; 0 says that it is broken.
let instances = 1, instance = 1
// The states of the objects that run in this isolate.
const objects = new Set()

// ---- sockets -----------------------------------------------------------------------------------

const sockets = new Map(), clients = new Map()
let lastSocket = 0

export function openSocket(longest) {
  const [client, server] = Object.values(new WebSocketPair())
  const id = ++lastSocket, of = instance
  const guarded = call => event => {
    // Of an instance that is gone; what it knew of the socket is gone as well.
    if (of !== instance) return
    try { call(event) } catch (error) { trapped(error) }
  }
  server.addEventListener("message", guarded(({ data }) => {
    if (typeof data !== "string") program.jstackMessage(id, undefined, Date.now())
    else if (data.length > longest) program.jstackTooLong(id, Date.now())
    else program.jstackMessage(id, data, Date.now())
  }))
  server.addEventListener("close", guarded(({ code, reason }) => program.jstackClosed(id, code, reason, Date.now())))
  // Without a listener the runtime logs each connection that breaks off.
  server.addEventListener("error", guarded(() => program.jstackClosed(id, 1006, "", Date.now())))
  server.accept()
  sockets.set(id, server)
  clients.set(id, client)
  return id
}

const decoder = new TextDecoder()
export const textOf = utf8 => decoder.decode(utf8)

export function send(id, text) {
  try {
    sockets.get(id).send(text)
    return true
  } catch {
    return false
  }
}

export function closeSocket(id, code, reason) {
  const socket = sockets.get(id)
  sockets.delete(id)
  try {
    if (code === 1005 || code === 1006 || code === 1015) socket?.close()
    else socket?.close(code, reason)
  } catch {}
}

// ---- requests ----------------------------------------------------------------------------------

// Bodies that are read piece by piece, and those of this length or less at once.
const bodies = new Map(), AT_ONCE = 64 * 1024
let lastBody = 0

// `undefined` without a body, all of its bytes, or a number for `readBody`.
async function bodyOf(request) {
  const length = request.headers.get("content-length")
  if (request.body === null || length === "0") return undefined
  if (length !== null && Number(length) <= AT_ONCE) return new Uint8Array(await request.arrayBuffer())
  const reader = request.body.getReader()
  // A request without a body may have a stream of no length.
  const first = await reader.read()
  if (first.done) return undefined
  const id = ++lastBody
  bodies.set(id, { first: first.value, reader })
  return id
}

export async function readBody(id) {
  const body = bodies.get(id)
  if (body === undefined) return undefined
  if (body.first !== undefined) {
    const { first } = body
    body.first = undefined
    return first
  }
  const { done, value } = await body.reader.read()
  if (!done) return value
  bodies.delete(id)
}

export function dropBody(id) {
  bodies.get(id)?.reader.cancel().catch(() => {})
  bodies.delete(id)
}

// Requests that the Worker waits for: a module that broke answers none of them.
const waiting = new Set()

const orBroken = answer => new Promise((resolve, reject) => {
  waiting.add(reject)
  answer.then(resolve, reject).finally(() => waiting.delete(reject))
})

async function serve(request, app, place) {
  let head = request.method + "\n" + request.url
  for (const [name, value] of request.headers) head += "\n" + name + "\n" + value
  const body = await bodyOf(request)
  let answered = program.jstackRequest(app, head, body)
  // A handler that does not wait has answered. An object that breaks ends by itself.
  if (answered instanceof Promise) answered = await (place === "edge" ? orBroken(answered) : answered)
  const [text, answer, socket] = typeof answered === "string" ? [answered] : answered
  if (typeof body === "number") dropBody(body)
  let at = 0
  const line = () => {
    const start = at
    at = text.indexOf("\n", start) + 1
    return text.slice(start, at - 1)
  }
  const status = Number(line()), headers = []
  for (let count = Number(line()); count > 0; count--) headers.push([line(), line()])
  if (socket !== undefined) {
    const webSocket = clients.get(socket)
    clients.delete(socket)
    return new Response(null, { status, headers, webSocket })
  }
  const content = answer === undefined ? text.slice(at) || null : typeof answer === "number" ? streamed(answer) : answer
  return new Response(content, { status, headers })
}

// A body that the module has piece by piece.
const streamed = id => new ReadableStream({
  async pull(controller) {
    const piece = await program.jstackPiece(id)
    if (piece === undefined) controller.close()
    else controller.enqueue(piece)
  },
  cancel: () => program.jstackDropAnswer(id),
})

// The answer where the module cannot give one, with the number that is in the log.
function failed(error) {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  const id = Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("")
  console.error(`error: request failed request_id="${id}": ${error}`)
  return new Response("Internal Server Error", { status: 500, headers: { "x-request-id": id } })
}

// ---- the module's instance -----------------------------------------------------------------------

// Whatever the module throws of its own accord is an `Error`; this is its end.
function trapped(error) {
  if (error instanceof WebAssembly.RuntimeError) broken(String(error.stack ?? error))
  else console.error(error)
}

export function broken(why) {
  if (instance === 0) return
  instance = 0
  console.error(`error: the application broke and starts again: ${why}`)
  sockets.clear()
  clients.clear()
  bodies.clear()
  for (const object of objects) {
    // Only the object that runs can be reached from here; others end with their next request.
    try { object.abort("the application broke and starts again") } catch {}
  }
  objects.clear()
  for (const reject of waiting) reject(new Error("the application broke"))
  waiting.clear()
}

function repair() {
  if (instance !== 0) return
  program.__wbg_reset_state()
  instance = ++instances
}

// Why an object ends that has done nothing wrong, and has not begun to answer.
const AGAIN = "the application starts again"

// An application that runs in the current instance, for an object or for the Worker.
class Application {
  #of; #starting

  async start(context, env, place) {
    repair()
    if (this.#of !== instance) {
      if (this.#of !== undefined && place === "object") {
        // Another application of this isolate broke the instance: nobody hears this one's sockets.
        context.abort(AGAIN)
        throw new Error(AGAIN)
      }
      this.#of = instance
      this.#starting = program.jstackStart(context, env, place)
      // One that could not start is tried again.
      this.#starting.catch(() => (this.#of = undefined))
    }
    return this.#starting
  }

  async fetch(request, context, env, place) {
    try {
      return await serve(request, await this.start(context, env, place), place)
    } catch (error) {
      trapped(error)
      return failed(error)
    }
  }
}

// ---- the Worker ----------------------------------------------------------------------------------

const NAME = "app"
let objectId
const objectOf = env => env.JSTACK.get(objectId ??= env.JSTACK.idFromName(NAME))

// The `env` of the Worker, which is the same for all of its requests.
let edgeEnv

export async function callObject(messages) {
  await objectOf(edgeEnv).publish(messages)
}

export function worker(exports) {
  program = exports
  const edge = new Application()
  // Paths whose procedures need no memory: the object knows which there are, and is asked once.
  let stateless, asking
  const ask = async env => {
    try {
      const paths = await objectOf(env).stateless()
      stateless = new Set(paths.split(" ").filter(Boolean))
    } catch {
      // One that could not start is asked again.
      asking = undefined
    }
  }

  const handler = {
    async fetch(request, env, context) {
      if (env.JSTACK === undefined) {
        return new Response("the binding `JSTACK` is missing: `cargo run -- wrangler` writes a configuration that has it", { status: 500 })
      }
      edgeEnv = env
      if (stateless?.size && stateless.has(new URL(request.url).pathname)) {
        const answer = await edge.fetch(request, context, env, "edge")
        // The object may run in this isolate: it must notice that its instance is gone.
        if (instance === 0) context.waitUntil(callObject("[]").catch(() => {}))
        return answer
      }
      if (asking === undefined) context.waitUntil(asking = ask(env))
      try {
        return await objectOf(env).fetch(request).catch(error => {
          // A request without a body can be sent again.
          if (request.body !== null || !String(error).includes(AGAIN)) throw error
          return objectOf(env).fetch(request)
        })
      } catch (error) {
        // The object ended while it answered.
        return failed(error)
      }
    },
  }

  // The whole application: all of its rooms and connections.
  class JstackObject extends DurableObject {
    #app = new Application()

    constructor(context, env) {
      super(context, env)
      objects.add(context)
    }

    async fetch(request) {
      objects.add(this.ctx)
      return this.#app.fetch(request, this.ctx, this.env, "object")
    }

    // The Worker calls what follows. Strangers cannot: their requests come to `fetch`.

    async stateless() {
      return program.jstackStateless(await this.#app.start(this.ctx, this.env, "object"))
    }

    async publish(messages) {
      await program.jstackPublish(await this.#app.start(this.ctx, this.env, "object"), messages)
    }
  }
  return { handler, JstackObject }
}

// ---- tasks --------------------------------------------------------------------------------------

function runTasks() {
  // An instance that is gone has none.
  if (instance === 0) return
  try { program.jstackRun() } catch (error) { trapped(error) }
}

export function soon() {
  Promise.resolve().then(runTasks)
}

// ---- everything else -----------------------------------------------------------------------------

export function log(level, line) {
  console[level](line)
}

// A request to Upstash: `[status, text]`, or `[status, body]` with the number of a body to read if it
// is a stream of events. The status is 0 where there was no answer, and the text says why.
export async function post(url, token, body, milliseconds) {
  const given = new AbortController()
  const timer = setTimeout(() => given.abort(new Error("no answer in time")), milliseconds)
  try {
    const headers = { authorization: `Bearer ${token}` }
    if (body === undefined) headers.accept = "text/event-stream"
    const answer = await fetch(url, { method: "POST", headers, body, signal: given.signal })
    if (body !== undefined || !answer.ok) return [answer.status, await answer.text()]
    const id = ++lastBody
    bodies.set(id, { first: undefined, reader: answer.body.getReader() })
    return [answer.status, id]
  } catch (error) {
    return [0, String(error?.message ?? error)]
  } finally {
    clearTimeout(timer)
  }
}
