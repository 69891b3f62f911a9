// superjson's text form, as far as plain data needs it: `{ json, meta: { values } }`, where `values` names
// by path what JSON cannot say. Written is the form without `meta.v`, which every version reads; read are both.

/** Of a value: its type, and for a map or a set what is in it. Of several values: by path. */
type Note = [type: string, inner?: Notes]
interface Notes {
  [path: string]: Note | Notes
}

const escape = (key: string): string => key.replace(/\./g, "\\.")

/** Writes a value. A cycle is an error that names its place. */
export function stringify(value: unknown): string {
  const notes: Notes = {}
  const json = encode(value, "", notes, [])
  return JSON.stringify(Object.keys(notes).length ? { json, meta: { values: notes[""] ?? notes } } : { json })
}

/** `notes` is the table in force: what a map or a set holds is noted in one of its own. */
function encode(value: unknown, path: string, notes: Notes, above: unknown[]): unknown {
  const note = (type: string, json: unknown): unknown => {
    notes[path] = [type]
    return json
  }
  if (value === undefined) return note("undefined", null)
  if (typeof value === "bigint") return note("bigint", String(value))
  if (typeof value === "number") {
    const text = Object.is(value, -0) ? "-0" : String(value)
    return JSON.stringify(value) === text ? value : note("number", text)
  }
  if (value === null || typeof value !== "object") return value
  if (value instanceof Date) return value.toJSON() && note("Date", value.toJSON())
  if (value instanceof RegExp) return note("regexp", String(value))
  if (value instanceof URL) return note("URL", value.href)
  if (above.includes(value)) throw new TypeError(`a cycle at "${path}"`)
  const inside = [...above, value]

  if (value instanceof Map || value instanceof Set) {
    const inner: Notes = {}
    const json = encode([...value], "", inner, inside)
    notes[path] = [value instanceof Map ? "map" : "set", ...(Object.keys(inner).length ? [inner] : [])] as Note
    return json
  }
  const at = (key: string): string => (path && path + ".") + escape(key)
  if (Array.isArray(value)) return value.map((item, index) => encode(item, at(String(index)), notes, inside))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => typeof item !== "function" && typeof item !== "symbol")
      .map(([key, item]) => [key, encode(item, at(key), notes, inside)]),
  )
}

/** Reads a value. */
export function parse(text: string): unknown {
  const { json, meta } = JSON.parse(text) as { json: unknown; meta?: { values?: Note | Notes; v?: number } }
  // The value hangs on a key, so that it can be replaced like any other.
  const root = { json }
  decode(meta?.values, ["json"], root, (meta?.v ?? 0) >= 1)
  return root.json
}

/** Children first: their paths go through plain arrays. */
function decode(notes: Note | Notes | undefined, path: string[], root: object, isStrict: boolean): void {
  const [type, inner] = Array.isArray(notes) ? notes : [undefined, notes]
  for (const [key, note] of Object.entries(inner ?? {})) decode(note, [...path, ...split(key, isStrict)], root, isStrict)
  if (!type) return
  let holder = root as Record<string, unknown>
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(holder, key) ? holder[key] : undefined
    if (typeof next !== "object" || next === null) return
    holder = next as Record<string, unknown>
  }
  const last = path[path.length - 1] as string
  // A type that is unknown here stays as JSON has it.
  if (Object.hasOwn(holder, last) && Object.hasOwn(REVIVE, type)) holder[last] = REVIVE[type]!(holder[last] as never)
}

/** A path's keys. `\.` is a dot; `\\` is a backslash in the strict form alone. */
function split(path: string, isStrict: boolean): string[] {
  const keys: string[] = []
  let last = ""
  for (let index = 0; index < path.length; index++) {
    const next = path[index + 1]
    if (path[index] === "\\" && (next === "." || (isStrict && next === "\\"))) last += path[++index]
    else if (path[index] !== ".") last += path[index]
    else {
      keys.push(last)
      last = ""
    }
  }
  return [...keys, last]
}

const REVIVE: Record<string, (value: never) => unknown> = {
  undefined: () => undefined,
  bigint: BigInt,
  number: Number,
  Date: (text: string) => new Date(text),
  URL: (text: string) => new URL(text),
  regexp: (text: string) => new RegExp(text.slice(1, text.lastIndexOf("/")), text.slice(text.lastIndexOf("/") + 1)),
  set: (items: unknown[]) => new Set(items),
  map: (entries: [unknown, unknown][]) => new Map(entries),
}
