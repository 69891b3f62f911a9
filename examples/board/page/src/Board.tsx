import { type PointerEvent, useRef, useState } from "react"
import { useHistory, usePresence, useSocket } from "jstack-rs/react"
import type { Point } from "./api"
import { client } from "./client"
import { Comments, Composer, Pins } from "./Comments"
import { Cursors } from "./Cursors"
import { People } from "./People"
import type { User } from "./session"
import { Connection } from "./Connection"

/** At most so many cursors a second leave this page; more than an eye can follow. */
const CURSORS = 25

export function Board({ board, user }: { board: string; user: User }) {
  const socket = useSocket(client.live.board, { board })
  /** Where a comment is being written. */
  const [draft, setDraft] = useState<Point | null>(null)
  const [chosen, setChosen] = useState<string | null>(null)
  const { members, others, stale } = usePresence(socket, board, { writing: draft !== null })
  const history = useHistory(socket, board, { limit: 100 })
  const comments = history.items.map(({ data, time }) => ({ ...data, time }))

  const surface = useRef<HTMLDivElement>(null)
  const sent = useRef(0)
  function point({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const { left, top, width, height } = surface.current!.getBoundingClientRect()
    const part = (value: number) => Math.min(1, Math.max(0, Math.round(value * 1e4) / 1e4))
    return { x: part((clientX - left) / width), y: part((clientY - top) / height) }
  }
  function move(event: PointerEvent) {
    const now = performance.now()
    if (now - sent.current < 1000 / CURSORS) return
    sent.current = now
    socket.emit("cursor", point(event))
  }

  return (
    <div className="board">
      <header>
        <h1>{board}</h1>
        <Connection socket={socket} />
        <People members={members} me={user.id} stale={stale} />
      </header>
      <main>
        <div
          ref={surface}
          className="surface"
          onPointerMove={move}
          onPointerDown={move}
          onClick={event => {
            setChosen(null)
            setDraft(point(event))
          }}
        >
          {comments.length === 0 && history.status === "ready" && !draft && (
            <p className="hint">Click or tap anywhere to comment.</p>
          )}
          <Pins comments={comments} chosen={chosen} onChoose={setChosen} />
          <Cursors socket={socket} others={others} />
          {draft && <Composer socket={socket} at={draft} onClose={() => setDraft(null)} />}
        </div>
        <Comments comments={comments} history={history} chosen={chosen} onChoose={setChosen} />
      </main>
    </div>
  )
}
