import { useState } from "react"
import { useEvent } from "jstack-rs/react"
import type { Member } from "jstack-rs"
import type { Doing, Point, Profile } from "./api"
import { color } from "./color"
import type { BoardSocket } from "./socket"

/** Where the others point: those who are still here, and have pointed somewhere. */
export function Cursors({ socket, others }: { socket: BoardSocket; others: readonly Member<Doing, Profile>[] }) {
  const [places, setPlaces] = useState<ReadonlyMap<string, Point>>(new Map())
  useEvent(socket, "cursor", ({ userId, at }) => setPlaces(before => new Map(before).set(userId, at)))
  return others.map(({ key, info }) => {
    const at = places.get(key)
    if (!at) return null
    return (
      <div key={key} className="cursor" data-user={info.name} data-side={at.x > 0.6 ? "left" : "right"} style={{ left: `${at.x * 100}%`, top: `${at.y * 100}%`, color: color(key) }}>
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden>
          <path d="M1 1l5.5 13 2-5.5L14 6.5z" fill="currentColor" stroke="#fff" />
        </svg>
        <span style={{ background: color(key) }}>{info.name}</span>
      </div>
    )
  })
}
