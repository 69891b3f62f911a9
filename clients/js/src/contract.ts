// The contract: what the server's `types` command writes about each procedure. Types alone, nothing at run time.

/** A GET procedure: what it takes, what it answers. */
export interface Get<In, Out> {
  readonly kind: "get"
  readonly input: In
  readonly output: Out
}

/** A POST procedure: what it takes, what it answers. */
export interface Post<In, Out> {
  readonly kind: "post"
  readonly input: In
  readonly output: Out
}

/** A WebSocket procedure: what clients send, what they get, and what only some procedures have. */
export interface Ws<Incoming, Outgoing, More extends WsMore = {}> {
  readonly kind: "ws"
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  readonly more?: More
}

/** What only some WebSocket procedures have. Every key may be left out. */
export interface WsMore {
  /** The connection's query: `$ws(params)`. */
  params?: unknown
  /** Incoming events that are answered with a value, and its type. The others are answered with nothing. */
  replies?: object
  /** Outgoing events that the server wants answered, and the answer's type. */
  asks?: object
  /** What a client says about itself in a room, and what the server says about it. */
  presence?: { state?: unknown; info?: unknown }
  /** The events that rooms remember. */
  history?: string
  /** The names of rooms, where they are known: `"lobby" | \`room:${string}\``. */
  rooms?: string
  /** Incoming events that may be dropped. A note for readers: the client learns it from `$welcome`. */
  volatile?: string
  /** Incoming events of which only the newest counts. A note for readers, as `volatile` is. */
  latest?: string
}

export type Procedure = Get<unknown, unknown> | Post<unknown, unknown> | Ws<unknown, unknown, WsMore>
export interface Routes {
  readonly [name: string]: Procedure | Routes
}
