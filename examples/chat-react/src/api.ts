// Written from the Rust types: do not edit, run the `types` command of the application.

import type {
  GetOperation as StockGet,
  jstack,
  PostOperation as StockPost,
  Router as StockRoutes,
  SuperJSONTypedResponse as StockOutput,
  WebSocketOperation as StockWs,
} from "jstack"
import type { ZodType as StockSchema } from "zod"

/** A GET procedure: what it takes, what it answers. */
export interface Get<In, Out> { readonly kind: "get"; readonly input: In; readonly output: Out }
/** A POST procedure: what it takes, what it answers. */
export interface Post<In, Out> { readonly kind: "post"; readonly input: In; readonly output: Out }
/** A WebSocket procedure: the events that clients send, those that they get, and what only some procedures have. */
export interface Ws<Incoming, Outgoing, More = {}> { readonly kind: "ws"; readonly incoming: Incoming; readonly outgoing: Outgoing; readonly more?: More }

/** What every socket may get as its `error` event: something that it sent was refused. */
export interface EventError {
  /** The event that was refused; `null` if the frame had no event. */
  event: string | null
  /** What kind of error it is, as `invalid` or `not_found`. */
  code: string
  message: string
  /** What is wrong with the payload, by field. */
  issues: { path: string; message: string }[]
}

/** A room to enter. */
export interface Join {
  /** The name under which the others see you there. */
  author?: string | null
  /** The room's name. */
  roomId: string
}

/** A message in a room. */
export interface Message {
  /** When the server received it. */
  at: string
  /** The sender's name. */
  author: string
  /** Its text. */
  message: string
  /** The room that it was sent to. */
  roomId: string
}

/** A message that somebody sends. */
export interface NewMessage {
  /** The sender's name. */
  author: string
  /** Its text. */
  message: string
  /** The room to send it to. */
  roomId: string
}

/** Which messages to read. */
export interface Page {
  /** How many messages at most: 50 if left out. */
  limit?: number | null
  /** The room to read. */
  roomId: string
}

/** A room. */
export interface Room {
  /** The room's name. */
  roomId: string
}

/** What is shown of somebody who is in a room. */
export interface Status {
  /** The name that they entered it with. */
  name: string
}

/** A sign that somebody is writing a message. */
export interface Typing {
  /** The writer's name. */
  author: string
  /** The room that it will be sent to. */
  roomId: string
}

/** The procedures by router and name: what each takes and answers, sends and gets. */
export type AppRouter = {
  post: {
    /**
     * The chat itself: enter a room, talk, see who is there and who is writing.
     *
     * A room keeps its last 100 messages, none of them for longer than an hour. Typing is worthless
     * later, and that messages were deleted need not be kept: so neither is part of the history.
     */
    chat: Ws<{
      /** Enters a room, and then leaves the previous one. In the same room it changes your name. */
      join: Join
      /** Sends a message to a room. */
      message: NewMessage
      /**
       * Shows the others in a room that somebody is writing.
       *
       * Volatile: dropped where the connection is busy.
       */
      typing: Typing
      /** Deletes the messages of a room, for everybody. */
      clear: Room
    }, {
      /** You are in the room: from now on you receive its messages. */
      joined: Room
      /** Somebody sent a message. */
      message: Message
      /**
       * Somebody else is writing.
       *
       * Volatile: dropped where the connection is busy.
       */
      typing: Typing
      /** Somebody deleted the messages of a room. */
      cleared: Room
    }, {
      presence: { state: Status; info: null }
      history: "joined" | "message"
      volatile: "typing"
    }>
    /** Sends a message without a socket: from a script, a form or another service. */
    create: Post<NewMessage, Message>
    /** The last messages of a room, oldest first. */
    recent: Get<Page, Message[]>
  }
}

declare const stock: ReturnType<typeof jstack.init>

type StockInput<In> = [In] extends [void] ? void : StockSchema<void extends In ? Exclude<In, void> | undefined : In>

type StockOperation<P> =
  P extends Get<infer In, infer Out> ? StockGet<StockInput<In>, StockOutput<Out>>
  : P extends Post<infer In, infer Out> ? StockPost<StockInput<In>, StockOutput<Out>>
  : P extends Ws<infer Incoming extends { [event: string]: any }, infer Outgoing extends { [event: string]: any }>
    ? StockWs<Incoming, { [K in keyof Outgoing | "error"]: K extends keyof Outgoing ? Outgoing[K] : EventError }>
  : never

/** Routes in the form that npm `jstack` knows. */
export type StockRouter<R> = ReturnType<
  typeof stock.mergeRouters<{ [K in keyof R & string]: StockRoutes<{ [P in keyof R[K] & string]: StockOperation<R[K][P]> }> }>
>

/** This application for the stock client: `createClient<Stock>({ baseUrl })`. */
export type Stock = StockRouter<AppRouter> & { readonly "~routes"?: AppRouter }
