// Rendering on a server opens nothing and shares nothing.

import assert from "node:assert/strict"
import { test } from "node:test"
import { createElement as h } from "react"
import { renderToString } from "react-dom/server"
import { createClient } from "jstack-rs"
import { useHistory, useOthers, usePresence, useSocket, useStatus } from "jstack-rs/react"

test("renderToString opens nothing, and two requests share nothing", async () => {
  let opened = 0
  // A relative address, and no page that it is relative to.
  const client = createClient({ baseUrl: "/api", fetch: () => opened++, onError: error => assert.fail(error) })
  const { WebSocket } = globalThis
  globalThis.WebSocket = class {
    constructor() {
      opened++
    }
  }
  const sockets = []
  function Page() {
    const socket = useSocket(client.post.chat, { room: "r" })
    sockets.push(socket)
    const { state } = useStatus(socket)
    const { count } = usePresence(socket, "r", { typing: true })
    const names = useOthers(socket, "r", others => others.length)
    const { status } = useHistory(socket, "r")
    return h("p", null, [state, count, names, status].join(" "))
  }
  try {
    assert.equal(renderToString(h(Page)), "<p>idle 0 0 loading</p>")
    renderToString(h(Page))
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(opened, 0)
    assert.notEqual(sockets[0], sockets.at(-1))
    assert.equal(client.post.chat["~route"].shared.size, 0)
  } finally {
    globalThis.WebSocket = WebSocket
  }
})
