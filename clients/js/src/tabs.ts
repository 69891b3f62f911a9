// One connection for all tabs: the page's half. The connection lives in a SharedWorker, whose script is
// one line of the application's own, `import "jstack-rs/worker"`, so that bundlers find it.

import type { WebSocketConstructor, WebSocketLike } from "./options.js"

/** From a page: a socket's number, and what it wants. */
export type ToWorker = [id: number, what: "open", url: string, protocols: string[]] | [id: number, what: "text", text: string] | [id: number, what: "close"]
/** To a page. */
export type ToPage =
  | [id: number, what: "open", protocol: string]
  | [id: number, what: "text", text: string]
  | [id: number, what: "close", code: number, reason: string]

/**
 * A `WebSocket` whose connection lives in a SharedWorker: one for all tabs that open the same address.
 * They are one session: the rooms and the user are those of the connection. `make` is called once;
 * where there is no SharedWorker, each tab has its own connection.
 *
 * ```ts
 * // shared.ts: import "jstack-rs/worker"
 * const WebSocket = sharedWebSocket(() => new SharedWorker(new URL("./shared.ts", import.meta.url), { type: "module" }))
 * const client = createClient<AppRouter>({ baseUrl: "/api", WebSocket })
 * ```
 */
export function sharedWebSocket(make: () => SharedWorker): WebSocketConstructor {
  if (typeof SharedWorker === "undefined") return globalThis.WebSocket
  const sockets = new Map<number, TabSocket>()
  let port: MessagePort | undefined
  let count = 0
  const post = (message: ToWorker): void => port?.postMessage(message)

  class TabSocket implements WebSocketLike {
    readyState = 0
    protocol = ""
    readonly bufferedAmount = 0
    onopen: ((event: never) => void) | null = null
    onmessage: ((event: never) => void) | null = null
    onerror: ((event: never) => void) | null = null
    onclose: ((event: never) => void) | null = null
    readonly #id = ++count

    constructor(url: string, protocols: string[] = []) {
      if (!port) {
        port = make().port
        port.onmessage = ({ data }: MessageEvent<ToPage>) => sockets.get(data[0])?.receive(data)
      }
      sockets.set(this.#id, this)
      post([this.#id, "open", url, protocols])
    }

    receive(message: ToPage): void {
      const call = (handler: ((event: never) => void) | null, event: object): void => handler?.(event as never)
      if (message[1] === "text") return call(this.onmessage, { data: message[2] })
      if (message[1] === "open") {
        this.readyState = 1
        this.protocol = message[2]
        return call(this.onopen, {})
      }
      this.readyState = 3
      sockets.delete(this.#id)
      call(this.onclose, { code: message[2], reason: message[3] })
    }

    send(text: string): void {
      post([this.#id, "text", text])
    }

    close(): void {
      this.readyState = 3
      sockets.delete(this.#id)
      post([this.#id, "close"])
    }
  }
  return TabSocket
}
