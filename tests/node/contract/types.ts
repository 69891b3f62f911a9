// The plain form: what each type admits, and what it does not.
import type * as api from "./api.js"
import { type Equal, same } from "./equal.js"

type Every = api.AppRouter["every"]
type In<P> = P extends api.Post<infer In, any> ? In : never
type Out<P> = P extends api.Post<any, infer Out> ? Out : never

// Scalars and containers.
same<Equal<api.Unit, null>>()
same<Equal<api.Newtype, string>>()
same<Equal<api.Couple, [string, number]>>()
same<Equal<Out<Every["transparent"]>, number[]>>()
same<Equal<Out<Every["tuple"]>, [number, string]>>()
same<Equal<Out<Every["nothing"]>, void>>()
same<Equal<api.Sequences["three"], [number, number, number]>>()
same<Equal<api.Sequences["many"], number[]>>()
same<Equal<api.Sequences["none"], []>>()
same<Equal<api.Sequences["mixed"], [number, api.Color | null][]>>()
same<Equal<api.Anything["value"], unknown>>()
same<Equal<api.Foreign["at"], string>>()
same<Equal<api.Foreign["id"], string>>()
same<Equal<api.Wide["text"], string>>()
same<Equal<api.Wide["declared"], number>>()

// Keys.
same<Equal<keyof api.CamelCase, "roomId" | "isOpen" | "type">>()
same<
  Equal<
    keyof api.Keys,
    "class" | "default" | "content-type" | "$key" | "1st" | "with space \"and\" quotes" | "ключ" | "" | "enum"
  >
>()

// `Option`: may be missing on its way in, is there or null on its way out.
same<Equal<api.Options["plain"], string | null>>()
same<Equal<api.OptionsInput["plain"], string | null | undefined>>()
same<Equal<api.Options["list"], (number | null)[] | null>>()
export const missing: api.OptionsInput = {}
// @ts-expect-error
export const incomplete: api.Options = {}
export const skipped: Pick<api.Options, "skipped"> = {}

// Defaults and one-way fields.
export const defaults: api.DefaultsInput = { current: 1 }
// @ts-expect-error
export const answered: api.Defaults = { current: 1 }
same<Equal<keyof api.OneWay, "got" | "out">>()
same<Equal<keyof api.OneWayInput, "sent" | "in">>()

// Enums.
same<Equal<api.Color, "red" | "light-green" | "blue">>()
same<Equal<api.Single, "Only">>()
// @ts-expect-error
export const purple: api.Color = "purple"
same<
  Equal<
    api.External,
    | "nothing"
    | { text: string }
    | { two: [number, string] }
    | { fields: { first_one: number; second: boolean | null } }
    | { named: api.Point }
    | { unit: null }
  >
>()
export function area(shape: api.Shape): number {
  switch (shape.shape) {
    case "Circle":
      return shape.radius
    case "Square":
      // @ts-expect-error
      shape.radius
      return shape.side
  }
}
export function internal(value: api.Internal): number {
  switch (value.type) {
    case "nothing":
      return 0
    case "fields":
      return value.firstOne
    case "point":
      return value.x + value.y
    case "recursive":
      return internal(value.inner)
  }
}
export function adjacent(value: api.Adjacent): string | number {
  if (value.t === "Text") return value.c.length
  if (value.t === "Named") return value.c.x
  // @ts-expect-error
  if (value.t === "Nothing") return value.c
  return value.t
}
// @ts-expect-error
export const untagged: api.Untagged = true
// @ts-expect-error
export const tagless: api.Internal = { x: 1, y: 2 }
// @ts-expect-error
export const half: api.Operation = { op: "Add", left: { op: "Number", n: 1 } }

// Recursion.
export const tree: api.Tree = { name: "a", children: [{ name: "b", children: [] }] }
// @ts-expect-error
export const badTree: api.Tree = { name: "a", children: [{ name: "b", children: [1] }] }
export const nested: api.Nested = [[], [[]]]
// @ts-expect-error
export const badNested: api.Nested = [[1]]

// Flattened fields.
same<Equal<keyof api.FlattenStruct, "own" | "a" | "b">>()
export const flat: api.FlattenEnum = { own: 1, shape: "Circle", radius: 2 }
// @ts-expect-error
export const notFlat: api.FlattenEnum = { own: 1, shape: "Circle", side: 2 }
export const rest: api.FlattenValues = { own: 1, other: true }
// @ts-expect-error
export const badRest: api.FlattenValues = { own: 1, other: "text" }

// Maps, with integers as keys as well.
export function look(maps: api.Maps) {
  same<Equal<(typeof maps.text)["a"], number>>()
  const one: string | undefined = maps.unsigned[1]
  const big: api.Point | undefined = maps.wide["18446744073709551615"]
  const low: string | undefined = maps.signed[-5]
  // @ts-expect-error
  maps.unsigned["one"]
  return [one, big, low]
}

// Generics by stable names, and types of one name from two modules.
same<Equal<api.Page_Point["items"], api.Point[]>>()
same<Equal<api.Page_Page_Color["items"], api.Page_Color[]>>()
same<Equal<api.Page_Array_string["items"], string[][]>>()
same<Equal<api.PointList["all"], api.Point[]>>()
same<Equal<api.Both_string_admin_Config["b"], api.admin_Config>>()
same<Equal<keyof api.admin_Config, "port">>()
same<Equal<keyof api.rooms_Config, "limit">>()

// Types that are called like TypeScript's own, and like this file's.
same<Equal<api.Record["date"], api.Date_>>()
same<Equal<keyof api.Get, "a">>()

// What differs by the way it travels, and what holds it.
same<Equal<api.Envelope["replies"], api.Envelope[]>>()
same<Equal<api.EnvelopeInput["message"], api.MessageInput>>()
same<Equal<In<Every["envelope"]>, api.EnvelopeInput>>()
same<Equal<Out<Every["envelope"]>, api.Envelope>>()
same<Equal<In<Every["point"]>, Out<Every["point"]>>>()

// The plain form of routes.
type Chat = api.AppRouter["chat"]
same<Equal<Chat["recent"], api.GetProcedure<api.Query | void, api.MessageDates[]>>>()
same<Equal<Chat["create"], api.Post<api.MessageInput, api.Message>>>()
same<Equal<Chat["locate"], api.Post<api.Point | void, api.Point | null>>>()
same<Equal<Chat["whoami"], api.GetProcedure<void, string>>>()
same<Equal<Chat["reset"], api.Post<void, void>>>()
same<Equal<Chat["page"], api.GetProcedure<void, unknown>>>()
same<
  Equal<
    Chat["chat"],
    api.Ws<
      { message: api.MessageInput; typing: string; cleared: null },
      { message: api.Message; userJoined: api.Ruled; moved: api.Point[] }
    >
  >
>()
// A `Date` is one where superjson brings it, and a text elsewhere.
same<Equal<api.MessageDates["at"], Date>>()
same<Equal<api.Message["at"], string>>()
