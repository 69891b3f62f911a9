// A page that a server renders and a browser then takes over: the same component in both.

import { createClient } from "jstack-rs"
import { useHistory, usePresence, useSocket, useStatus } from "jstack-rs/react"
import { StrictMode } from "react"
import { hydrateRoot } from "react-dom/client"
import { renderToString } from "react-dom/server"

// A relative address: where pages are rendered, there is nothing that it is relative to.
const client = createClient({ baseUrl: "/api" })

function Page() {
  const socket = useSocket(client.test.socket, { room: "r", key: "ada" })
  const { state } = useStatus(socket)
  const { count } = usePresence(socket, "r", { typing: false })
  const { status } = useHistory(socket, "r")
  return <p id="page">{`${state} ${count} ${status}`}</p>
}
const page = <StrictMode><Page /></StrictMode>

export const html = () => renderToString(page)

if (globalThis.document) {
  globalThis.log = []
  const onRecoverableError = error => globalThis.log.push(String(error))
  hydrateRoot(document.getElementById("root"), page, { onRecoverableError })
}
