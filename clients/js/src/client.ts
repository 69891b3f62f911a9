// The client: paths become calls and sockets, and all of them share one environment.

import { call, fields } from "./call.js"
import type { Environment } from "./environment.js"
import { Hub } from "./hub.js"
import type { CallOptions, ClientOptions } from "./options.js"
import type { Client, ClientControls } from "./routes.js"
import { LiveSocket } from "./socket/socket.js"

type Params = Record<string, unknown> | undefined

/** What the hooks and the query options need of a route: `route["~route"]`. */
export interface RouteInternals {
  readonly path: readonly string[]
  /** For `useSocket`: sockets that components share. */
  readonly shared: Map<string, unknown>
  /** A socket that waits for `connect`. */
  open(params: Params): LiveSocket
}

/**
 * A client of the server at `baseUrl`. Nothing is connected or fetched before a route is used.
 *
 * ```ts
 * const client = createClient<AppRouter>({ baseUrl: "/api", token: ({ reason }) => session.token(reason === "refused") })
 * const posts = await client.post.recent.$get({ limit: 5 }).json()
 * const socket = client.post.chat.$ws({ room: "general" })
 * ```
 */
export function createClient<R>(options: ClientOptions): Client<R> {
  const { token, onError: report = (error: unknown) => (globalThis.reportError ?? console.error)(error) } = options
  const environment: Environment = {
    client: options,
    options: options.socket ?? {},
    token: token ? async (reason, signal) => (typeof token === "function" ? token({ reason, signal }) : token) : undefined,
    renews: typeof token === "function",
    spoken: false,
    sockets: new Set(),
    taps: new Hub(report as (error: unknown) => void),
    report,
  }
  const { sockets, taps } = environment
  const shared: RouteInternals["shared"] = new Map()
  const base = options.baseUrl.replace(/\/+$/, "")

  const url = (path: readonly string[], query: [string, string][] = []): URL => {
    const page = (globalThis as { location?: { href: string } }).location?.href
    if (!page && !/^\w+:/.test(base)) throw new TypeError(`baseUrl "${base}" needs a host here`)
    const made = new URL(`${base}/${path.map(encodeURIComponent).join("/")}`, page)
    made.search = String(new URLSearchParams(query))
    return made
  }
  const open = (path: readonly string[], params: Params, connect?: boolean): LiveSocket =>
    // The address is made when it connects: where pages are only rendered, a relative one is not a mistake.
    new LiveSocket(environment, () => url(path, plainFields(params)).href.replace(/^http/, "ws"), connect)

  const controls: ClientControls = {
    $refresh: async () => void (await Promise.all([...sockets].map(socket => socket.refresh()))),
    $close: () => [...sockets].forEach(socket => socket.close()),
    $tap: tool => taps.add(tool),
  }
  const node = (path: readonly string[], more?: object): object => {
    // One object a route, so that hooks may compare routes.
    const known: Record<string | symbol, unknown> = {
      __proto__: null,
      $get: (input?: unknown, how?: CallOptions) => call(environment, "GET", () => url(path, fields(input)), undefined, how),
      $post: (input?: unknown, how?: CallOptions) => call(environment, "POST", () => url(path), input, how),
      $url: (query?: unknown) => url(path, fields(query)),
      $ws: (params: Params) => open(path, params),
      "~route": { path, shared, open: params => open(path, params, false) } satisfies RouteInternals,
      // A client that an async function returns is not a promise.
      then: undefined,
      ...more,
    }
    const get = (_: object, key: string | symbol): unknown =>
      key in known || typeof key === "symbol" ? known[key] : (known[key] = node([...path, key]))
    return new Proxy(known, { get })
  }
  return node([], controls) as Client<R>
}

/** The query of a socket is read by the handshake's extractors, which know nothing of superjson. */
function plainFields(params: Params = {}): [string, string][] {
  const plain = Object.entries(JSON.parse(JSON.stringify(params)) as object)
  return plain.filter(([, value]) => value !== null).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])
}
