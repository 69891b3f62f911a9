import { createClient } from "jstack"
import type { Stock } from "./api"

// Written by `cargo run -p chat -- types examples/chat-react/src/api.ts --stock`: what the server takes and
// answers, as the stock client's types.
export const client = createClient<Stock>({ baseUrl: `${location.origin}/api` })
