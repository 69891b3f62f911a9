import { type Refusal, refused, SocketError } from "../error.js"

interface Pending {
  event: string
  sent: boolean
  resolve(value: unknown): void
  reject(error: SocketError): void
}

/** This side's questions, by id: each ends with exactly one answer or error. */
export class Requests extends Map<string, Pending> {
  /** Ids are unique for the client object: a late answer meets no other question. */
  readonly #tag = Math.random().toString(36).slice(2, 10)
  #count = 0

  newId(): string {
    return this.#tag + (this.#count++).toString(36)
  }

  settle(name: string, value: unknown, id: string): void {
    const pending = this.get(id)
    if (name === "$ok") pending?.resolve(value)
    else pending?.reject(refused(value as Refusal, pending.event))
  }

  /** Ends those that were sent, or all. */
  fail(code: string, message: string, onlySent?: boolean): void {
    for (const { event, sent, reject } of this.values()) {
      if (sent || !onlySent) reject(new SocketError(code, message, event))
    }
  }
}
