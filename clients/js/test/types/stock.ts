// A contract in the original package's form carries the plain routes as a phantom: either name gives the same client.
import { createClient, type Get, type InferInputs, type Ws } from "jstack-rs"
import { type Equal, same } from "./equal"

interface Page {
  limit?: number
}
type AppRouter = { post: { recent: Get<Page, string[]>; chat: Ws<{ say: string }, { said: string }> } }
/** As the generator writes it with `--stock`: what the original package infers from, and the phantom. */
type Stock = { _def: { procedures: unknown } } & { readonly "~routes"?: AppRouter }

const stock = createClient<Stock>({ baseUrl: "" })
const plain = createClient<AppRouter>({ baseUrl: "" })
same<Equal<typeof stock.post, typeof plain.post>>()
same<Equal<InferInputs<Stock>["post"]["recent"], Page>>()
// @ts-expect-error no such route
stock.post.nope
