/** The longest delay that timers know, in ms. */
export const LONGEST: number = 2 ** 31 - 1

/** Timers by name: a second one of a name replaces the first, and all end at once. */
export class Timers {
  readonly #running = new Map<string, ReturnType<typeof setTimeout>>()

  set(name: string, ms: number, run: () => void): void {
    this.clear(name)
    this.#running.set(
      name,
      setTimeout(() => {
        this.#running.delete(name)
        run()
      }, ms),
    )
  }

  /** Ends these, or all. Returns whether the last of them ran. */
  clear(...names: string[]): boolean {
    let ran = false
    for (const name of names.length ? names : this.#running.keys()) {
      clearTimeout(this.#running.get(name))
      ran = this.#running.delete(name)
    }
    return ran
  }
}
