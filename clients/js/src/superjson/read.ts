// Reads superjson's text form, with `meta.v` and without. Answers in it are rare: only those that JSON
// cannot say, and those of the original servers. So pages load this file with the first of them.

import type { Note, Notes } from "./write.js"

/** Reads a value. */
export function parse(text: string): unknown {
  const { json, meta } = JSON.parse(text) as { json: unknown; meta?: { values?: Note | Notes; v?: number } }
  return decode(json, meta?.values, (meta?.v ?? 0) >= 1)
}

/** What is inside first: its paths go through plain arrays. */
function decode(json: unknown, notes: Note | Notes = {}, isStrict: boolean): unknown {
  const [type, inner = {}] = Array.isArray(notes) ? notes : [undefined, notes]
  for (const [path, note] of Object.entries(inner)) {
    const keys = split(path, isStrict)
    const last = keys.pop() as string
    let holder = json
    for (const key of keys) holder = own(holder, key)
    const before = own(holder, last)
    if (before !== undefined) (holder as Record<string, unknown>)[last] = decode(before, note, isStrict)
  }
  // A type that is unknown here stays as JSON has it.
  const revive = type && (own(REVIVE, type) as ((json: unknown) => unknown) | undefined)
  return revive ? revive(json) : json
}

const REVIVE: Record<string, (json: never) => unknown> = {
  undefined: () => undefined,
  bigint: BigInt,
  number: Number,
  Date: (text: string) => new Date(text),
  URL: (text: string) => new URL(text),
  regexp: (text: string) => new RegExp(text.slice(1, text.lastIndexOf("/")), text.slice(text.lastIndexOf("/") + 1)),
  set: (items: unknown[]) => new Set(items),
  map: (entries: [unknown, unknown][]) => new Map(entries),
}

const own = (holder: unknown, key: string): unknown =>
  Object.hasOwn(Object(holder), key) ? (holder as Record<string, unknown>)[key] : undefined

/** A path's keys. `\.` is a dot; `\\` is a backslash in the strict form alone. */
function split(path: string, isStrict: boolean): string[] {
  const keys = [""]
  for (const [sign] of path.matchAll(isStrict ? /\\[\\.]|./gs : /\\\.|./gs)) {
    if (sign === ".") keys.push("")
    else keys[keys.length - 1] += sign[1] ?? sign
  }
  return keys
}
