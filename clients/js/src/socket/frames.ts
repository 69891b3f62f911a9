// The frames of profile v1, as they travel. Names are short because they travel often.

import type { Issue } from "../error.js"

/** `[name, data, extra]`; the third is `{}` where the frame has two elements. */
export type Frame = [name: string, data: unknown, extra: Extra]
export interface Extra {
  /** A request's id. */
  i?: string
  /** The room; `null` is everybody. */
  r?: string | null
  /** The message's offset in the room. */
  o?: number
}

/** How an event that clients send may be treated where it cannot be sent at once. */
export type DeliveryClass = "volatile" | "latest" | [kind: "latest", key?: string | null]

export interface Welcome {
  v: number
  id: string
  /** ms */
  ping?: number
  /** Bytes of one message. */
  max?: number
  rate?: number
  classes?: Record<string, DeliveryClass>
  /** How long the credentials are good, in ms. */
  ttl?: number
  /** Rooms have a history: after a reconnect each says itself whether messages are missing. */
  history?: boolean
}

/** The data of `$room`. */
export interface RoomFrame {
  r: string | null
  in: boolean
  e?: string
  o?: number
}

/** One entry of a room's history: event, data, offset, time. An empty name: it was not for this connection. */
export type Entry = [event: string, data: unknown, offset: number, time: number]

export interface HistoryAnswer {
  e: string
  o: number
  items: Entry[]
  more?: boolean
  gap?: "expired" | "reset"
}

export interface GapFrame {
  r: string | null
  reason: "broker" | "overload"
  missed?: number
  /** Where the room continues, if it has a history. */
  e?: string
  o?: number
}

/** A member as it travels. */
export interface MemberFrame {
  key: string
  info: unknown
  states?: unknown[]
  connections: number
  since: number
}

export interface PresenceAnswer {
  n: number
  me: string
  members: MemberFrame[]
  count: number
}

export interface PresenceFrame {
  r: string
  n: number
  set?: MemberFrame[]
  gone?: string[]
  count: number
}

/** The data of `$err`. */
export interface ErrorFrame {
  code: string
  message: string
  issues?: Issue[]
  status?: number
}
