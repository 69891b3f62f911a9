// Writes superjson's text form, as far as plain data needs it: `{ json, meta: { values } }`, where `values`
// names by path what JSON cannot say. This is the form without `meta.v`, which every version reads.

/** Of a value: its type, and for a map or a set what is in it. Of several values: by path. */
export type Note = [type: string, inner?: Notes]
export interface Notes {
  [path: string]: Note | Notes
}

/** Writes a value. A cycle is an error that names its place. */
export function stringify(value: unknown): string {
  const notes: Notes = {}
  const json = encode(value, "", notes, [])
  return JSON.stringify(isEmpty(notes) ? { json } : { json, meta: { values: notes[""] ?? notes } })
}

const isEmpty = (notes: Notes): boolean => !Object.keys(notes).length

/** `notes` is the table in force: what a map or a set holds is noted in one of its own. */
function encode(value: unknown, path: string, notes: Notes, above: unknown[]): unknown {
  const note = (type: string, json: unknown, inner: Notes = {}): unknown => {
    notes[path] = isEmpty(inner) ? [type] : [type, inner]
    return json
  }
  if (value === undefined) return note("undefined", null)
  if (typeof value === "bigint") return note("bigint", String(value))
  if (typeof value === "number") {
    const text = Object.is(value, -0) ? "-0" : String(value)
    return JSON.stringify(value) === text ? value : note("number", text)
  }
  if (value === null || typeof value !== "object") return value
  // A date that is not one is `null`, as in JSON.
  if (value instanceof Date) return value.toJSON() && note("Date", value.toJSON())
  if (value instanceof RegExp) return note("regexp", String(value))
  if (value instanceof URL) return note("URL", String(value))
  if (above.includes(value)) throw new TypeError(`a cycle at "${path}"`)
  const inside = [...above, value]

  if (value instanceof Map || value instanceof Set) {
    const inner: Notes = {}
    return note(value instanceof Map ? "map" : "set", encode([...value], "", inner, inside), inner)
  }
  const at = (key: string | number): string => (path && path + ".") + String(key).replace(/\./g, "\\.")
  if (Array.isArray(value)) return value.map((item, index) => encode(item, at(index), notes, inside))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => typeof item !== "function" && typeof item !== "symbol")
      .map(([key, item]) => [key, encode(item, at(key), notes, inside)]),
  )
}
