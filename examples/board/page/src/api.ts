// Written from the Rust types: do not edit, run the `types` command of the application.

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

/** A comment on the board. */
export interface Comment {
  at: Point
  author: string
  authorId: string
  id: string
  text: string
}

/** Who wants to sign in. */
export interface Credentials {
  /** The name that others see. */
  name: string
}

/** Where somebody points. */
export interface Cursor {
  at: Point
  userId: string
}

/** What somebody is doing: clients say it about themselves. */
export interface Doing {
  /** They are writing a comment. */
  writing: boolean
}

/** A comment that somebody writes. */
export interface NewComment {
  at: Point
  text: string
}

/** The board to open: the query of the socket. */
export interface Place {
  /** Its name, which is the name of its room. */
  board: string
}

/** A point on the board, in parts of its width and height. */
export interface Point {
  x: number
  y: number
}

/** What everybody on a board sees of somebody. */
export interface Profile {
  name: string
}

/** A token, and whose it is. */
export interface Ticket {
  /** For `Authorization: Bearer …`. */
  token: string
  userId: string
}

/** The procedures by router and name: what each takes and answers, sends and gets. */
export type AppRouter = {
  auth: {
    /** Exchanges a token that is still valid for a newer one. */
    renew: Post<void, Ticket>
    /** Signs in under a name. */
    signIn: Post<Credentials, Ticket>
  }
  live: {
    /**
     * A board. Its room keeps the comments: the last 500, each for a week. Cursors are not kept,
     * because they are `latest`.
     */
    board: Ws<{
      /**
       * Points somewhere. While the connection is busy, only the newest place is worth sending.
       *
       * Latest: where the connection is busy, a newer one replaces it.
       */
      cursor: Point
      /** Adds a comment, and answers with it as everybody gets it. */
      comment: NewComment
    }, {
      /**
       * Somebody points somewhere.
       *
       * Latest: where the connection is busy, a newer one of the same `userId` replaces it.
       */
      cursor: Cursor
      /** Somebody has added a comment. */
      comment: Comment
    }, {
      params: Place
      replies: {
        /** Adds a comment, and answers with it as everybody gets it. */
        comment: Comment
      }
      presence: { state: Doing; info: Profile }
      history: "comment"
      latest: "cursor"
    }>
  }
}

/** The name that this has in a file for the stock client. */
export type Stock = AppRouter
