// A client's type, made of the contract's.

import type { Get, Post, Ws, WsMore } from "./contract.js"
import type { EventError } from "./error.js"
import type { CallOptions } from "./options.js"
import type { AnySocket, Socket, Unsubscribe } from "./socket/types.js"

export type TypedResponse<T> = Omit<Response, "json" | "clone"> & { json(): Promise<T>; clone(): TypedResponse<T> }
/** `await call` is the response, `await call.json()` its value. */
export interface Call<T> extends Promise<TypedResponse<T>> {
  json(): Promise<T>
  text(): Promise<string>
}
export type Args<I> = [I] extends [void]
  ? [input?: undefined, options?: CallOptions]
  : void extends I
    ? [input?: Exclude<I, void>, options?: CallOptions]
    : undefined extends I
      ? [input?: I, options?: CallOptions]
      : [input: I, options?: CallOptions]

export interface GetRoute<I, O> {
  $get(...args: Args<I>): Call<O>
  $url(query?: Exclude<I, void>): URL
}
export interface PostRoute<I, O> {
  $post(...args: Args<I>): Call<O>
  $url(): URL
}
export interface WsRoute<In, Out, M extends WsMore> {
  $ws(...args: ParamsOf<M>): Socket<In, Out, M>
  $url(): URL
}
export type ParamsOf<M extends WsMore> = M extends { params: infer P }
  ? undefined extends P
    ? [params?: P]
    : void extends P
      ? [params?: Exclude<P, void>]
      : [params: P]
  : [params?: undefined]

/** The plain routes: of `AppRouter`, and of the generated file's `Stock`, which carries them. */
export type RoutesOf<R> = R extends { readonly "~routes"?: infer P } ? (unknown extends P ? R : NonNullable<P>) : R
export type Client<R> = Tree<RoutesOf<R>> & ClientControls
export type Tree<R> = {
  readonly [K in keyof R]: R[K] extends Get<infer I, infer O>
    ? GetRoute<I, O>
    : R[K] extends Post<infer I, infer O>
      ? PostRoute<I, O>
      : R[K] extends Ws<infer I, infer O, infer M>
        ? WsRoute<WithError<O>, I, M>
        : Tree<R[K]>
}
/** Every socket may also get `error`. */
export type WithError<O> = { [K in keyof O | "error"]: K extends keyof O ? O[K] : EventError }

export interface ClientControls {
  /** After a login or logout: every socket gets the new identity, and those that were refused try again. */
  $refresh(): Promise<void>
  /** Closes all sockets. */
  $close(): void
  /** Every frame in and out, for tools. */
  $tap(tool: (frame: TappedFrame) => void): Unsubscribe
}
export interface TappedFrame {
  readonly socket: AnySocket
  readonly direction: "in" | "out" | "dropped"
  readonly text: string
  /** As `Date.now()`. */
  readonly time: number
}

/** An input that may be left out is `T | undefined`, and none at all is `void`: as the original package has it. */
type Input<I> = [I] extends [void] ? void : void extends I ? Exclude<I, void> | undefined : I
export type InferInputs<R> = {
  [K in keyof RoutesOf<R>]: RoutesOf<R>[K] extends Get<infer I, unknown> | Post<infer I, unknown>
    ? Input<I>
    : RoutesOf<R>[K] extends Ws<infer I, unknown, WsMore>
      ? I
      : InferInputs<RoutesOf<R>[K]>
}
export type InferOutputs<R> = {
  [K in keyof RoutesOf<R>]: RoutesOf<R>[K] extends Get<unknown, infer O> | Post<unknown, infer O>
    ? O
    : RoutesOf<R>[K] extends Ws<unknown, infer O, WsMore>
      ? WithError<O>
      : InferOutputs<RoutesOf<R>[K]>
}
