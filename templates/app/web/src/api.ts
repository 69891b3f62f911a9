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

/** A message. Its rules apply to what clients send and to what they receive. */
export interface Message {
  /** The sender's name. */
  author: string
  /** Its text. */
  text: string
}

/** The procedures by router and name: what each takes and answers, sends and gets. */
export type AppRouter = {
  post: {
    chat: Ws<{
      /** A message for everybody. */
      message: Message
    }, {
      /** A message for everybody. */
      message: Message
    }>
    /** The last messages, oldest first. */
    recent: Get<void, Message[]>
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
