// A WebSocket without a network, for tests of time and of faults: the other end is the test's.

/** A constructor for `createClient({ WebSocket })`; `accept` gets the other end of each connection. */
export function memorySockets(accept) {
  return class MemorySocket {
    readyState = 0
    bufferedAmount = 0
    protocol = ""
    onopen = null
    onmessage = null
    onerror = null
    onclose = null

    constructor(url, protocols) {
      this.url = url
      const page = this
      this.peer = {
        page,
        protocols,
        /** The server's part. Nothing happens to a connection that is over. */
        open(protocol = protocols[0] ?? "") {
          if (page.readyState !== 0) return
          page.readyState = 1
          page.protocol = protocol
          page.onopen?.({})
        },
        send(...frame) {
          if (page.readyState === 1) page.onmessage?.({ data: JSON.stringify(frame) })
        },
        end(code = 1006, reason = "") {
          if (page.readyState === 3) return
          page.readyState = 3
          this.onclose?.()
          page.onclose?.({ code, reason })
        },
        onmessage: null,
        onclose: null,
      }
      accept(this.peer)
    }

    send(text) {
      if (this.readyState !== 1) throw new Error("not open")
      this.peer.onmessage?.(JSON.parse(text))
    }

    close() {
      if (this.readyState === 3) return
      this.readyState = 3
      this.peer.onclose?.()
    }
  }
}
