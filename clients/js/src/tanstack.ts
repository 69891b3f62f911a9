// Options for TanStack Query, in plain objects: for `useQuery`, `useSuspenseQuery`, `prefetchQuery` … of
// every framework. Nothing of TanStack is imported at run time.

import type { DataTag, QueryClient, QueryKey } from "@tanstack/query-core"
import type { WsMore } from "./contract.js"
import type { ApiError } from "./error.js"
import type { CallOptions, Client, GetRoute, PostRoute, RoutesOf, Tree } from "./index.js"
import type { Gap, Socket, Unsubscribe } from "./socket/types.js"

export type Key<I, O> = DataTag<readonly ["jstack", string, I?], O, ApiError>

export interface GetQueries<I, O> {
  /** Without input: the key of all inputs, for `invalidateQueries`. */
  queryKey(...input: [I] extends [void] ? [] : [input?: Exclude<I, void>]): Key<I, O>
  queryOptions<const X extends object = {}>(
    ...args: void extends I ? [input?: Exclude<I, void>, more?: X] : [input: I, more?: X]
  ): X & { queryKey: Key<I, O>; queryFn: (context: { signal: AbortSignal }) => Promise<O> }
}
export interface PostMutations<I, O> {
  mutationKey(): readonly ["jstack", string]
  mutationOptions<const X extends object = {}>(
    more?: X,
  ): X & { mutationKey: readonly ["jstack", string]; mutationFn: (input: I) => Promise<O> }
}
export type Queries<T> = {
  readonly [K in keyof T]: T[K] extends GetRoute<infer I, infer O>
    ? GetQueries<I, O>
    : T[K] extends PostRoute<infer I, infer O>
      ? PostMutations<I, O>
      : T[K] extends (...args: never[]) => unknown
        ? never
        : Queries<T[K]>
}

/** A route without its types. */
interface Route {
  readonly "~route": { readonly path: readonly string[] }
  $get(input: unknown, options?: CallOptions): { json(): Promise<unknown> }
  $post(input: unknown): { json(): Promise<unknown> }
  readonly [name: string]: unknown
}

/**
 * The options of every GET and POST procedure, by the same path as on the client.
 *
 * ```ts
 * const query = queries(client)
 * const { data } = useQuery(query.post.recent.queryOptions({ limit: 5 }, { staleTime: 1000 }))
 * ```
 */
export function queries<R>(client: Client<R>): Queries<Tree<RoutesOf<R>>> {
  const at = (route: Route): object =>
    new Proxy(
      {},
      {
        get(_, name) {
          if (typeof name !== "string" || name === "then") return undefined
          const key = (input?: unknown): unknown[] => {
            const path = route["~route"].path.join(".")
            return input === undefined ? ["jstack", path] : ["jstack", path, input]
          }
          // A query's data is never `undefined`.
          const queryFn = (input: unknown) => async ({ signal }: { signal: AbortSignal }) =>
            (await route.$get(input, { signal }).json()) ?? null
          switch (name) {
            case "queryKey":
              return key
            case "queryOptions":
              return (input?: unknown, more?: object) => ({ ...more, queryKey: key(input), queryFn: queryFn(input) })
            case "mutationKey":
              return () => key()
            case "mutationOptions":
              return (more?: object) => ({ ...more, mutationKey: key(), mutationFn: (input: unknown) => route.$post(input).json() })
            default:
              return at(route[name] as Route)
          }
        },
      },
    )
  return at(client as unknown as Route) as Queries<Tree<RoutesOf<R>>>
}

/**
 * Keeps a cache true to a socket: each event says which keys it changes, and after a gap those of
 * `onGap` are fetched again.
 *
 * ```ts
 * useEffect(() => sync(cache, socket, { message: m => [query.post.recent.queryKey({ room: m.room })] }), [cache, socket])
 * ```
 */
export function sync<In, Out, M extends WsMore>(
  cache: QueryClient,
  socket: Socket<In, Out, M>,
  rules: { [K in keyof In]?: (data: In[K], cache: QueryClient) => readonly QueryKey[] | void },
  { onGap = [] }: { onGap?: readonly QueryKey[] | ((gap: Gap) => readonly QueryKey[]) } = {},
): Unsubscribe {
  const invalidate = (keys: readonly QueryKey[] | void): void => {
    for (const queryKey of keys ?? []) void cache.invalidateQueries({ queryKey })
  }
  const loose = socket as unknown as { on(event: string, handler: (data: unknown) => void): Unsubscribe }
  const offs = Object.entries(rules as Record<string, (data: unknown, cache: QueryClient) => readonly QueryKey[] | void>).map(
    ([event, rule]) => loose.on(event, data => invalidate(rule(data, cache))),
  )
  offs.push(socket.onGap(gap => invalidate(typeof onGap === "function" ? onGap(gap) : onGap)))
  return () => offs.forEach(off => off())
}
