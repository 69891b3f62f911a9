// When a connection ends: whether another attempt makes sense.

import { type Refusal, refused, SocketError } from "../error.js"

/** The data of `$bye`: why the server closes. */
export interface Bye extends Refusal {
  retry?: boolean
  /** When to come back, in ms. The server gives each connection another one. */
  after?: number
}

export interface End {
  readonly code: number
  readonly reason: string
  readonly cause: SocketError
  /** No other attempt can mend it. */
  readonly final?: boolean
  /** The credentials were refused. */
  readonly unauthorized?: boolean
  /** When to come back, in ms. */
  readonly after?: number | undefined
}

/**
 * Judges the end of a connection. `$bye` counts more than the code. Without one, these are final:
 * 1008 (policy), 1009 (too long; only where the server has named its limit), and 4400 to 4499 but
 * for 4408 (timeout) and 4429 (too many). 1000 is not: proxies say it.
 */
export function judge(code: number, reason: string, wasOpen: boolean, bye: Bye | undefined, v1: boolean): End {
  // Close codes from 4400 to 4599 are 4000 + an HTTP status.
  const http = code - 4000
  const status = bye?.status ?? (http >= 400 && http < 600 ? http : undefined)
  const isBad = code === 1008 || (v1 && code === 1009) || (http >= 400 && http < 500 && http !== 408 && http !== 429)
  const text = reason || `${wasOpen ? "connection lost" : "cannot connect"}: ${code}`
  return {
    ...bye,
    reason,
    code,
    cause: bye ? refused(bye) : new SocketError(wasOpen ? "lost" : "connect", text, undefined, [], status),
    final: !(bye?.retry ?? !isBad),
    unauthorized: status === 401,
  }
}
