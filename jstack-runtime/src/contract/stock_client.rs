//! The parts of the file that are always the same: the types of procedures, and what makes them
//! known to the stock client, npm `jstack`.
//!
//! `{Get}`, `{Post}` and `{Ws}` are names that give way to the application's own types. Imports
//! are renamed for the same reason. Two things must stay as they are, or the client's types break
//! without an error: the router is made by `mergeRouters` itself, because the client's type is
//! inferred backwards through the alias of its result; and operations are used without an alias
//! of ours around them.

/// Imports at the head of the file, for the stock client alone.
pub(super) const IMPORTS: &str = r#"import type {
  GetOperation as StockGet,
  jstack,
  PostOperation as StockPost,
  Router as StockRoutes,
  SuperJSONTypedResponse as StockOutput,
  WebSocketOperation as StockWs,
} from "jstack"
import type { ZodType as StockSchema } from "zod"

"#;

/// The types of procedures.
pub(super) const HEAD: &str = r#"/** A GET procedure: what it takes, what it answers. */
export interface {Get}<In, Out> { readonly kind: "get"; readonly input: In; readonly output: Out }
/** A POST procedure: what it takes, what it answers. */
export interface {Post}<In, Out> { readonly kind: "post"; readonly input: In; readonly output: Out }
/** A WebSocket procedure: the events that clients send, those that they get, and what only some procedures have. */
export interface {Ws}<Incoming, Outgoing, More = {}> { readonly kind: "ws"; readonly incoming: Incoming; readonly outgoing: Outgoing; readonly more?: More }

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
"#;

/// The foot of a file without imports: code that was written for the stock form goes on.
pub(super) const PLAIN_FOOT: &str = "/** The name that this has in a file for the stock client. */
export type Stock = AppRouter
";

/// The stock form, at the foot of the file.
pub(super) const FOOT: &str = r#"declare const stock: ReturnType<typeof jstack.init>

type StockInput<In> = [In] extends [void] ? void : StockSchema<void extends In ? Exclude<In, void> | undefined : In>

type StockOperation<P> =
  P extends {Get}<infer In, infer Out> ? StockGet<StockInput<In>, StockOutput<Out>>
  : P extends {Post}<infer In, infer Out> ? StockPost<StockInput<In>, StockOutput<Out>>
  : P extends {Ws}<infer Incoming extends { [event: string]: any }, infer Outgoing extends { [event: string]: any }>
    ? StockWs<Incoming, { [K in keyof Outgoing | "error"]: K extends keyof Outgoing ? Outgoing[K] : EventError }>
  : never

/** Routes in the form that npm `jstack` knows. */
export type StockRouter<R> = ReturnType<
  typeof stock.mergeRouters<{ [K in keyof R & string]: StockRoutes<{ [P in keyof R[K] & string]: StockOperation<R[K][P]> }> }>
>

/** This application for the stock client: `createClient<Stock>({ baseUrl })`. */
export type Stock = StockRouter<AppRouter> & { readonly "~routes"?: AppRouter }
"#;
