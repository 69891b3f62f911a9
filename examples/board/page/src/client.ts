import { createClient } from "jstack-rs"
import type { AppRouter } from "./api"
import { session } from "./session"

// `api.ts` is written by `cargo run -p board -- types examples/board/page/src/api.ts`. The client asks for the
// token before each call and each connection, and again before the server's time for it ends.
export const client = createClient<AppRouter>({
  baseUrl: `${location.origin}/api`,
  token: ({ reason }) => session.token(reason),
})
