//! The types that make the plain routes known to the stock client, npm `jstack`.

/// Imports and helpers at the head of the file.
pub(super) const HEAD: &str = r#"import type { GetOperation, jstack, PostOperation, Router, SuperJSONTypedResponse, WebSocketOperation } from "jstack"
import type { ZodType } from "zod"

/** A GET procedure: what it takes, what it answers. */
export interface Get<In, Out> { readonly kind: "get"; readonly input: In; readonly output: Out }
/** A POST procedure: what it takes, what it answers. */
export interface Post<In, Out> { readonly kind: "post"; readonly input: In; readonly output: Out }
/** A WebSocket procedure: the events that clients send, and those that they get. */
export interface Ws<Incoming, Outgoing> { readonly kind: "ws"; readonly incoming: Incoming; readonly outgoing: Outgoing }

/** What every socket may get as its `error` event: something it sent was refused. */
export interface EventError {
  /** The event that was refused; `null` where the frame was none. */
  event: string | null
  /** What kind of error it is, as `invalid` or `not_found`. */
  code: string
  message: string
  /** What is wrong with the payload, by field. */
  issues: { path: string; message: string }[]
}
"#;

/// The stock form, at the foot of the file.
pub(super) const FOOT: &str = r#"declare const j: ReturnType<typeof jstack.init>

type StockInput<In> = [In] extends [void] ? void : ZodType<void extends In ? Exclude<In, void> | undefined : In>

type StockOperation<P> =
  P extends Get<infer In, infer Out> ? GetOperation<StockInput<In>, SuperJSONTypedResponse<Out>>
  : P extends Post<infer In, infer Out> ? PostOperation<StockInput<In>, SuperJSONTypedResponse<Out>>
  : P extends Ws<infer Incoming extends Record<string, any>, infer Outgoing extends Record<string, any>>
    ? WebSocketOperation<Incoming, { [K in keyof Outgoing | "error"]: K extends keyof Outgoing ? Outgoing[K] : EventError }>
  : never

/** Routes in the form that npm `jstack` knows: `createClient<Stock>()`. */
export type StockRouter<R> = ReturnType<
  typeof j.mergeRouters<{ [K in keyof R & string]: Router<{ [P in keyof R[K] & string]: StockOperation<R[K][P]> }> }>
>

/** This application for the stock client: `createClient<Stock>({ baseUrl })`. */
export type Stock = StockRouter<AppRouter>
"#;
