// What a client's sockets share, and what differs between pages, workers, React Native and servers.

import type { Hub } from "./hub.js"
import type { ClientOptions, ErrorContext, SocketOptions, TokenReason } from "./options.js"
import type { TappedFrame } from "./routes.js"
import type { Link } from "./socket/link.js"

export interface Environment {
  readonly client: ClientOptions
  readonly options: SocketOptions
  /** `undefined` where the client has no token at all. */
  readonly token: ((reason: TokenReason, signal: AbortSignal) => Promise<string | null | undefined>) | undefined
  /** Whether a refused token may be followed by another: it comes from a function. */
  readonly renews: boolean
  /** Those that are connected, try to be, or were refused: `$refresh` is for them. */
  readonly sockets: Set<Link>
  readonly taps: Hub<[TappedFrame]>
  /** A server has answered in profile v1, so there is no need to try without it. */
  spoken: boolean
  report: (error: unknown, about: ErrorContext) => void
}

/** Globals that exist in some environments only. */
interface Surroundings {
  document?: EventTarget & { visibilityState?: string }
  navigator?: { onLine?: boolean; product?: string }
  importScripts?: unknown
  addEventListener?: EventTarget["addEventListener"]
  removeEventListener?: EventTarget["removeEventListener"]
}
const here: Surroundings = globalThis as Surroundings

/** Whether sockets connect by themselves: where a user is, and not where pages are only rendered. */
export const isInteractive = (): boolean => !!(here.document || here.importScripts || here.navigator?.product === "ReactNative")

/** The network's word. It decides what is shown, never what is done: it is often wrong. */
export const isOnline = (): boolean => here.navigator?.onLine ?? true

export const isHidden = (): boolean => here.document?.visibilityState === "hidden"

/** Calls `handler` when the network or the page comes or goes. Returns what ends it. */
export function watchPage(handler: (event: Event) => void): () => void {
  // The document's events too: on their way to it they pass the window.
  const both = (change: "addEventListener" | "removeEventListener"): void => {
    for (const name of ["online", "offline", "pageshow", "pagehide", "visibilitychange", "resume"]) here[change]?.(name, handler, true)
  }
  both("addEventListener")
  return () => both("removeEventListener")
}
