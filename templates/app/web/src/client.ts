import { createClient } from "jstack"
import type { Stock } from "./api"

// `api.ts` is written from the Rust types: a change on the server is an error here at once.
export const client = createClient<Stock>({ baseUrl: `${location.origin}/api` })
