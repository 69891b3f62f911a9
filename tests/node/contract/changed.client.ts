// A front end that was written before `roomId` became `room`: it must not compile any longer.
import { createClient } from "jstack"
import type { Stock } from "./generated/changed.js"

const client = createClient<Stock>({ baseUrl: "" })

export async function create() {
  const response = await client.chat.create.$post({ roomId: "general", message: "Hello" })
  return (await response.json()).roomId
}
