/** Listeners. One that throws, or whose promise rejects, is reported and does not disturb the others. */
export class Hub<T extends unknown[] = []> {
  readonly #listeners = new Set<(...args: T) => unknown>()
  readonly #report: (error: unknown) => void

  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  get size(): number {
    return this.#listeners.size
  }

  add(listener: (...args: T) => unknown): () => void {
    this.#listeners.add(listener)
    return () => this.delete(listener)
  }

  /** Removes this one, or all. */
  delete(listener?: (...args: T) => unknown): void {
    if (listener) this.#listeners.delete(listener)
    else this.#listeners.clear()
  }

  /** Calls those that listen now: a copy, because a listener may add or remove one. */
  fire(...args: T): void {
    for (const listener of [...this.#listeners]) this.call(listener, ...args)
  }

  /** Calls this one, if it listens still. */
  async call(listener: (...args: T) => unknown, ...args: T): Promise<void> {
    try {
      if (this.#listeners.has(listener)) await listener(...args)
    } catch (error) {
      this.#report(error)
    }
  }
}
