export { createClient } from "./client.js"
export type { Get, Post, Procedure, Routes, Ws, WsMore } from "./contract.js"
export { ApiError, type EventError, type Issue, type LocalCode, SocketError } from "./error.js"
export type {
  CallOptions,
  ClientOptions,
  ErrorContext,
  HeaderSource,
  RequestOptions,
  SocketOptions,
  Token,
  TokenReason,
  WaitOptions,
  WebSocketConstructor,
  WebSocketLike,
} from "./options.js"
export type {
  Args,
  Call,
  Client,
  ClientControls,
  GetRoute,
  InferInputs,
  // The original package's names.
  InferInputs as InferRouterInputs,
  InferOutputs,
  InferOutputs as InferRouterOutputs,
  ParamsOf,
  PostRoute,
  RoutesOf,
  TappedFrame,
  Tree,
  TypedResponse,
  WsRoute,
} from "./routes.js"
export type {
  AnySocket,
  Gap,
  HistoryItem,
  HistoryPage,
  Member,
  Meta,
  Occurrence,
  Position,
  Presence,
  ReplyOf,
  Room,
  Socket,
  // The original package's name.
  Socket as ClientSocket,
  Status,
  SystemEvents,
  Unsubscribe,
} from "./socket/types.js"
