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
export interface GetProcedure<In, Out> { readonly kind: "get"; readonly input: In; readonly output: Out }
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

export type Adjacent =
  | { t: "Nothing" }
  | { c: string; t: "Text" }
  | { c: [number, number]; t: "Two" }
  | { c: { a: number }; t: "Fields" }
  | { c: Point; t: "Named" }

/** Whatever it is. */
export interface Anything {
  map: { [key: string]: unknown }
  maybe: unknown
  value: unknown
}

/** Whatever it is. */
export interface AnythingInput {
  map: { [key: string]: unknown }
  maybe?: unknown
  value: unknown
}

/** The query of a board's connection. */
export interface BoardParams {
  /** Which board. */
  boardId: string
  /** Where to begin. */
  since?: number | null
}

export interface Both_Point_Option_uint8 {
  a: Point
  b: number | null
}

export interface Both_Point_Option_uint8Input {
  a: Point
  b?: number | null
}

export interface Both_string_admin_Config {
  a: string
  b: admin_Config
}

export interface CamelCase {
  isOpen: boolean
  roomId: string
  type: string
}

/** An empty one that lets nothing else in. */
export interface Closed {
  [key: string]: never
}

export type Color =
  | "blue"
  /** Like blood. */
  | "red"
  /** Like grass, *\/ or envy. */
  | "light-green"

/**
 * Comments that end *\/ comments.
 *
 * Several lines, with `code`, "quotes" and a \ at the end \
 */
export interface Comments {
  /** Ends *\/ early. /* And starts. */
  a: number
  /**
   * Line one.
   *
   * * Line three
   */
  b: number
  /** @deprecated */
  old: number
}

export type Converted = string

export type Couple = [string, number]

/** A place on the board. */
export interface Cursor {
  at: Point
  userId: string
}

/** Named as something that TypeScript knows. */
export interface Date_ {
  day: number
}

export interface Defaults {
  color: Color
  current: number
  number: number
  text: string
}

export interface DefaultsInput {
  /** @default "red" */
  color?: Color
  current: number
  /** @default 7 */
  number?: number
  /** @default "" */
  text?: string
}

/** What somebody at the board does. */
export interface Doing {
  /**
   * Whether the pointer is down.
   * @default false
   */
  drawing?: boolean
  tool: Color
}

export type Either = { Left: number } | { Right: string }

/** No fields, but braces. */
export interface Empty { [key: string]: unknown }

/** Its `message` differs by the way it travels, so it does as well. */
export interface Envelope {
  message: Message
  replies: Envelope[]
}

/** Its `message` differs by the way it travels, so it does as well. */
export interface EnvelopeInput {
  message: MessageInput
  replies: EnvelopeInput[]
}

/** The variant's name is a key. */
export type External =
  | "nothing"
  | { text: string }
  | { two: [number, string] }
  /** With fields. */
  | { fields: { first_one: number; second: boolean | null } }
  | { named: Point }
  | { unit: null }

/** The variant's name is a key. */
export type ExternalInput =
  | "nothing"
  | { text: string }
  | { two: [number, string] }
  /** With fields. */
  | { fields: { first_one: number; second?: boolean | null } }
  | { named: Point }
  | { unit: null }

export interface FlattenAny {
  own: number | null
  [key: string]: unknown
}

export interface FlattenAnyInput {
  own?: number | null
  [key: string]: unknown
}

export type FlattenEnum = { own: number } & ({ radius: number; shape: "Circle" } | { shape: "Square"; side: number })

export type FlattenExternal = { own: number } & ({ Left: number } | { Right: string })

/** One of several that may be missing, among its own. */
export type FlattenMaybe = { own: number } & (
  | (
    | { text: string }
    | { two: [number, string] }
    /** With fields. */
    | { fields: { first_one: number; second: boolean | null } }
    | { named: Point }
    | { unit: null }
    | { nothing: null })
  | {
    fields?: never
    named?: never
    nothing?: never
    text?: never
    two?: never
    unit?: never
  })

/** One of several that may be missing, among its own. */
export type FlattenMaybeInput = { own: number } & (
  | (
    | { text: string }
    | { two: [number, string] }
    /** With fields. */
    | { fields: { first_one: number; second?: boolean | null } }
    | { named: Point }
    | { unit: null }
    | { nothing: null })
  | {
    fields?: never
    named?: never
    nothing?: never
    text?: never
    two?: never
    unit?: never
  })

export interface FlattenOption {
  own: number
  x?: number
  y?: number
}

/** Another's fields among its own. */
export interface FlattenStruct {
  a: number
  b: number | null
  own: number
}

/** Another's fields among its own. */
export interface FlattenStructInput {
  a: number
  b?: number | null
  own: number
}

export interface FlattenValues {
  own: number
  [key: string]: boolean | number
}

export interface Foreign {
  address: string
  at: string
  day: string
  id: string
  later: string | null
  letter: string
  text: string
}

export interface ForeignInput {
  address: string
  at: string
  day: string
  id: string
  later?: string | null
  letter: string
  text: string
}

export interface Get {
  a: number
}

export type Id = number

export interface Inner {
  a: number
  b: number | null
}

export interface InnerInput {
  a: number
  b?: number | null
}

/** The variant's name is a field among others. */
export type Internal =
  | { type: "nothing" }
  /** With fields. */
  | { firstOne: number; type: "fields" }
  | { type: "point" } & Point2
  | { inner: Internal; type: "recursive" }

export interface Intervals {
  span: Range_uint8
}

/** Keys that are keywords, and keys that need quotes. */
export interface Keys {
  "": string
  $key: string
  "1st": string
  class: string
  "content-type": string
  default: string
  enum: string[]
  "with space \"and\" quotes": string
  "ключ": string
}

export interface Lasting {
  timeout: number
}

export interface Linked {
  by_name: { [key: string]: Linked }
}

export interface Maps {
  boxed: { [key: number]: number; [key: `${number}`]: number }
  color: { [key: string]: number }
  nested: { [key: string]: { [key: number]: number[]; [key: `${number}`]: number[] } }
  signed: { [key: number]: string; [key: `${number}`]: string }
  text: { [key: string]: number }
  unsigned: { [key: number]: string; [key: `${number}`]: string }
  wide: { [key: number]: Point; [key: `${number}`]: Point }
}

/** The message of the chat. */
export interface Message {
  at: string
  message: string
  roomId: string
  urgent: boolean
}

/** The message of the chat. */
export interface MessageDates {
  at: Date
  message: string
  roomId: string
  urgent: boolean
}

/** The message of the chat. */
export interface MessageInput {
  at: string
  message: string
  roomId: string
  /** @default false */
  urgent?: boolean
}

/** A list of lists. */
export type Nested = Nested[]

export type Newtype = string

/** All the numbers. */
export interface Numbers {
  a: number
  b: number
  c: number
  d: number
  e: number
  f: number
  g: number
  h: number
  i: number
  j: number
  k: number
}

/** What is there only one way. */
export interface OneWay {
  got: number
  out: number
}

/** What is there only one way. */
export interface OneWayInput {
  in: number
  sent?: number
}

export type Operation =
  | { left: Operation; op: "Add"; right: Operation }
  | { n: number; op: "Number" }

export interface Options {
  choice: Color | null
  defaulted: number | null
  list: (number | null)[] | null
  named: Point | null
  plain: string | null
  skipped?: boolean | null
  twice: number | null
  unit: null
}

export interface OptionsInput {
  choice?: Color | null
  defaulted?: number | null
  list?: (number | null)[] | null
  named?: Point | null
  plain?: string | null
  skipped?: boolean | null
  twice?: number | null
  unit?: null
}

export interface Outcome {
  result: Result_of_Point_or_string
}

/** A page of anything. */
export interface Page_Array_string {
  items: string[][]
  next: string | null
}

/** A page of anything. */
export interface Page_Array_stringInput {
  items: string[][]
  next?: string | null
}

/** A page of anything. */
export interface Page_Color {
  items: Color[]
  next: string | null
}

/** A page of anything. */
export interface Page_ColorInput {
  items: Color[]
  next?: string | null
}

/** A page of anything. */
export interface Page_Page_Color {
  items: Page_Color[]
  next: string | null
}

/** A page of anything. */
export interface Page_Page_ColorInput {
  items: Page_ColorInput[]
  next?: string | null
}

/** A page of anything. */
export interface Page_Point {
  items: Point[]
  next: string | null
}

/** A page of anything. */
export interface Page_PointInput {
  items: Point[]
  next?: string | null
}

export type PartlyUntagged = { Known: number } | string

/** Somebody at the board. */
export interface Person {
  name: string
}

export interface Ping {
  pong: Pong | null
}

export interface PingInput {
  pong?: PongInput | null
}

/** Without a word on its variants. */
export type Plain = "One" | "Two" | "Three"

/** A point. */
export interface Point {
  x: number
  y: number
}

export interface Point2 {
  x: number
  y: number
}

/** A generic type with a name of its own. */
export interface PointList {
  all: Point[]
}

export interface Pong {
  pings: Ping[]
}

export interface PongInput {
  pings: PingInput[]
}

/** Which messages. */
export interface Query {
  /** How many at most. */
  limit?: number | null
  room?: string | null
}

/** Which part of it. */
export interface Range {
  from?: number | null
  limit?: number | null
}

export interface Range_uint8 {
  end: number
  start: number
}

export interface Record {
  date: Date_
}

export type Result_of_Point_or_string = { Ok: Point } | { Err: string }

/** Rules that a schema can express. */
export interface Ruled {
  big: number
  count: number
  maybe: number | null
  name: string
  slug: string
  tags: string[]
}

/** Rules that a schema can express. */
export interface RuledInput {
  big: number
  count: number
  maybe?: number | null
  name: string
  slug: string
  tags: string[]
}

export interface Sequences {
  bytes: number[]
  choices: Untagged[]
  many: number[]
  mixed: [number, Color | null][]
  none: []
  pair: [string, number]
  set: string[]
  single: [number]
  three: [number, number, number]
}

export type Shape = { radius: number; shape: "Circle" } | { shape: "Square"; side: number }

export type Single = "Only"

/** A tag on a struct, which schemars does not see without an attribute. */
export interface Tagged {
  a: number
  kind: "Tagged"
}

/** A tuple whose end may be missing when it comes in. */
export type Tail = [string, number]

/** A tree. */
export interface Tree {
  children: Tree[]
  name: string
}

/** Nothing in it. */
export type Unit = null

export type Untagged = number | string | [number, number] | Point | { flag: boolean } | null

/** Integers that JavaScript would round, and what makes them safe. */
export interface Wide {
  declared: number
  huge: string
  ranged: number
  text: string
}

/** Of the administration. */
export interface admin_Config {
  port: number
}

/** Of the rooms. */
export interface rooms_Config {
  limit: number
}

/** The procedures by router and name: what each takes and answers, sends and gets. */
export type AppRouter = {
  chat: {
    /** Everybody talks. */
    chat: Ws<{
      /** Somebody says something. */
      message: MessageInput
      typing: string
      cleared: null
    }, {
      message: Message
      /** A new face. */
      userJoined: Ruled
      moved: Point[]
    }>
    create: Post<MessageInput, Message>
    locate: Post<Point | void, Point | null>
    page: GetProcedure<void, unknown>
    /** The latest messages, newest first. */
    recent: GetProcedure<Query | void, MessageDates[]>
    reset: Post<void, void>
    whoami: GetProcedure<void, string>
  }
  every: {
    adjacent: Post<Adjacent, Adjacent>
    adminConfig: Post<admin_Config, admin_Config>
    anything: Post<AnythingInput, Anything>
    both: Post<Both_Point_Option_uint8Input, Both_Point_Option_uint8>
    bothAgain: Post<Both_string_admin_Config, Both_string_admin_Config>
    camelCase: Post<CamelCase, CamelCase>
    closed: Post<Closed | void, Closed>
    color: Post<Color, Color>
    comments: Post<Comments, Comments>
    converted: Post<Converted, Converted>
    couple: Post<Couple, Couple>
    date: Post<Date_, Date_>
    defaults: Post<DefaultsInput, Defaults>
    either: Post<Either, Either>
    empty: Post<Empty | void, Empty>
    envelope: Post<EnvelopeInput, Envelope>
    external: Post<ExternalInput, External>
    fetched: Post<Get, Get>
    flattenAny: Post<FlattenAnyInput | void, FlattenAny>
    flattenEnum: Post<FlattenEnum, FlattenEnum>
    flattenExternal: Post<FlattenExternal, FlattenExternal>
    flattenMaybe: Post<FlattenMaybeInput, FlattenMaybe>
    flattenOption: Post<FlattenOption, FlattenOption>
    flattenStruct: Post<FlattenStructInput, FlattenStruct>
    flattenValues: Post<FlattenValues, FlattenValues>
    foreign: Post<ForeignInput, Foreign>
    id: Post<Id, Id>
    inner: Post<InnerInput, Inner>
    internal: Post<Internal, Internal>
    intervals: Post<Intervals, Intervals>
    keys: Post<Keys, Keys>
    lasting: Post<Lasting, Lasting>
    linked: Post<Linked, Linked>
    list: Post<Point[], Point[]>
    listed: Post<PointList, PointList>
    map: Post<{ [key: number]: Color; [key: `${number}`]: Color } | void, { [key: number]: Color; [key: `${number}`]: Color }>
    maps: Post<Maps, Maps>
    message: Post<MessageInput, Message>
    nested: Post<Nested, Nested>
    newtype: Post<Newtype, Newtype>
    nothing: Post<void, void>
    numbers: Post<Numbers, Numbers>
    oneWay: Post<OneWayInput, OneWay>
    operation: Post<Operation, Operation>
    options: Post<OptionsInput | void, Options>
    outcome: Post<Outcome, Outcome>
    pageOfLists: Post<Page_Array_stringInput, Page_Array_string>
    pageOfPages: Post<Page_Page_ColorInput, Page_Page_Color>
    pageOfPoints: Post<Page_PointInput, Page_Point>
    partlyUntagged: Post<PartlyUntagged, PartlyUntagged>
    ping: Post<PingInput | void, Ping>
    plain: Post<Plain, Plain>
    point: Post<Point, Point>
    point2: Post<Point2, Point2>
    pong: Post<PongInput, Pong>
    record: Post<Record, Record>
    roomsConfig: Post<rooms_Config, rooms_Config>
    ruled: Post<RuledInput, Ruled>
    sequences: Post<Sequences, Sequences>
    shape: Post<Shape, Shape>
    single: Post<Single, Single>
    tagged: Post<Tagged, Tagged>
    tail: Post<Tail, Tail>
    transparent: Post<number[], number[]>
    tree: Post<Tree, Tree>
    tuple: Post<[number, string], [number, string]>
    unit: Post<Unit, Unit>
    untagged: Post<Untagged, Untagged>
    wide: Post<Wide, Wide>
  }
  live: {
    /** People draw together. */
    board: Ws<{
      /** Stores a message and answers with it. */
      save: MessageInput
      /**
       * Where the pointer is.
       *
       * Latest: where the connection is busy, a newer one of the same `userId` replaces it.
       */
      cursor: Cursor
      /** Volatile: dropped where the connection is busy. */
      typing: null
      /** Volatile: dropped where the connection is busy. */
      waving: null
      /** Latest: where the connection is busy, a newer one replaces it. */
      zoom: number
      leave: null
    }, {
      /** May it be deleted? */
      confirm: Point
      /**
       * Somebody's pointer.
       *
       * Latest: where the connection is busy, a newer one of the same `userId` replaces it.
       */
      cursor: Cursor
      saved: Message
    }, {
      params: BoardParams
      replies: {
        /** Stores a message and answers with it. */
        save: Message
      }
      asks: {
        /** May it be deleted? */
        confirm: Color
      }
      presence: { state: Doing; info: Person }
      history: "saved"
      volatile: "typing" | "waving"
      latest: "cursor" | "zoom"
    }>
    /** Two queries, one of them without a schema. */
    viewed: Ws<{
      /** Somebody says something. */
      message: MessageInput
      typing: string
      cleared: null
    }, {
      message: Message
      /** A new face. */
      userJoined: Ruled
      moved: Point[]
    }, { params: { [key: string]: unknown } & BoardParams }>
    /** The same with every field of the query optional, in the other form. */
    watch: Ws<{
      /** Stores a message and answers with it. */
      save: MessageInput
      /**
       * Where the pointer is.
       *
       * Latest: where the connection is busy, a newer one of the same `userId` replaces it.
       */
      cursor: Cursor
      /** Volatile: dropped where the connection is busy. */
      typing: null
      /** Volatile: dropped where the connection is busy. */
      waving: null
      /** Latest: where the connection is busy, a newer one replaces it. */
      zoom: number
      leave: null
    }, {
      /** May it be deleted? */
      confirm: Point
      /**
       * Somebody's pointer.
       *
       * Latest: where the connection is busy, a newer one of the same `userId` replaces it.
       */
      cursor: Cursor
      saved: Message
    }, {
      params: Range | void
      replies: {
        /** Stores a message and answers with it. */
        save: Message
      }
      asks: {
        /** May it be deleted? */
        confirm: Color
      }
      presence: { state: boolean; info: null }
      volatile: "typing" | "waving"
      latest: "cursor" | "zoom"
    }>
  }
}

declare const stock: ReturnType<typeof jstack.init>

type StockInput<In> = [In] extends [void] ? void : StockSchema<void extends In ? Exclude<In, void> | undefined : In>

type StockOperation<P> =
  P extends GetProcedure<infer In, infer Out> ? StockGet<StockInput<In>, StockOutput<Out>>
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
