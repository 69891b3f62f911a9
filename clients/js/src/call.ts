// `$get` and `$post`.

import { attempt } from "./attempt.js"
import type { Environment } from "./environment.js"
import { ApiError, type Issue } from "./error.js"
import type { CallOptions } from "./options.js"
import type { Call } from "./routes.js"
import { stringify } from "./superjson/write.js"

/** Each field is a superjson text: in the query of a GET, in the body of a POST. */
export const fields = (input: unknown): [string, string][] =>
  Object.entries(input ?? {}).map(([key, value]) => [key, stringify(value)])

/** Begins a call; where `url` throws, the call rejects. */
export function call(
  environment: Environment,
  method: "GET" | "POST",
  url: () => URL,
  input: unknown,
  options?: CallOptions,
): Call<unknown> {
  const response = run(environment, method, url, input, options)
  return Object.assign(response, {
    json: () => response.then(answer => answer.json()),
    text: () => response.then(answer => answer.text()),
  }) as Call<unknown>
}

async function run(
  { client, token, renews }: Environment,
  method: "GET" | "POST",
  url: () => URL,
  input: unknown,
  { headers, init, fetch: fetcher = client.fetch ?? fetch, signal = init?.signal ?? undefined, timeout }: CallOptions = {},
): Promise<Response> {
  const late = timeout === undefined ? undefined : AbortSignal.timeout(timeout)
  const end = signal && late ? AbortSignal.any([signal, late]) : (signal ?? late ?? new AbortController().signal)
  const body = input === undefined ? null : JSON.stringify(Object.fromEntries(fields(input)))
  const all = new Headers({ accept: "application/problem+json, */*" })
  if (body) all.set("content-type", "application/json")
  for (const source of [client.headers, init?.headers, headers])
    new Headers(typeof source === "function" ? await source() : source).forEach((value, name) => all.set(name, value))

  const mayAuthorize = token && !all.has("authorization")
  const send = async (reason: "request" | "refused"): Promise<Response> => {
    const text = mayAuthorize && (await token(reason, end))
    if (text) all.set("authorization", `Bearer ${text}`)
    const { credentials = "include" } = client
    return fetcher(url(), { credentials, cache: "no-store", ...init, method, body, headers: all, signal: end })
  }
  let response = await send("request")
  if (response.status === 401 && mayAuthorize && renews) {
    await response.body?.cancel()
    response = await send("refused")
  }
  const isProblem = response.headers.get("content-type")?.includes("problem+json")
  if (!response.ok) throw problem(response, await response.text(), isProblem)
  const text = response.text.bind(response)
  return Object.assign(response, { json: async () => decode(await text(), response) })
}

/** Nothing is `undefined`: a procedure of another server may answer with an empty body. */
async function decode(text: string, { headers }: Response): Promise<unknown> {
  if (!text) return undefined
  return headers.has("x-is-superjson") ? (await import("./superjson/read.js")).parse(text) : JSON.parse(text)
}

function problem(response: Response, text: string, isProblem?: boolean): ApiError {
  type Problem = { detail?: string; code?: string; errors?: Issue[] }
  // Of a document that is cut off, its text says more than the parser's error.
  const { detail, code, errors } = (isProblem && attempt(() => JSON.parse(text) as Problem)) || {}
  return new ApiError(response.status, detail ?? text, response, code, errors)
}
