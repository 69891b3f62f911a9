import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react"
import { useRequest, type History } from "jstack-rs/react"
import type { Comment, Point } from "./api"
import { color } from "./color"
import type { BoardSocket } from "./socket"

export type Placed = Comment & { time: Date }

const clock = (time: Date) => time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
const place = ({ x, y }: Point) => ({ left: `${x * 100}%`, top: `${y * 100}%` })

interface Choice {
  comments: readonly Placed[]
  chosen: string | null
  onChoose(id: string | null): void
}

/** The comments where they were made. */
export function Pins({ comments, chosen, onChoose }: Choice) {
  return comments.map(({ id, author, authorId, at, text }, index) => (
    <button
      key={id}
      className="pin"
      style={{ ...place(at), background: color(authorId) }}
      aria-label={`${author}: ${text}`}
      aria-pressed={chosen === id}
      onClick={event => {
        event.stopPropagation()
        onChoose(chosen === id ? null : id)
      }}
    >
      {index + 1}
      {chosen === id && (
        <span className="bubble" data-side={at.x > 0.5 ? "left" : "right"} data-above={at.y > 0.6}>
          <b>{author}</b>
          {text}
        </span>
      )}
    </button>
  ))
}

/** All comments as a list: beside the board, and on a phone below it. */
export function Comments({ comments, history, chosen, onChoose }: Choice & { history: Pick<History<unknown>, "status" | "error" | "gap" | "more" | "loadMore" | "reload"> }) {
  const list = useRef<HTMLOListElement>(null)
  const newest = comments.at(-1)?.id
  useEffect(() => {
    list.current?.lastElementChild?.scrollIntoView({ block: "nearest" })
  }, [newest])
  return (
    <aside aria-label="Comments">
      <h2>{comments.length === 1 ? "1 comment" : `${comments.length} comments`}</h2>
      {history.gap && (
        <p role="alert">
          Some comments may be missing. <button className="link" onClick={() => history.reload()}>Load again</button>
        </p>
      )}
      {history.status === "error" && <p role="alert">{history.error?.message}</p>}
      {history.more && <button className="link" onClick={() => history.loadMore()}>Earlier comments</button>}
      <ol ref={list}>
        {comments.map(({ id, author, authorId, text, time }, index) => (
          <li key={id} data-chosen={chosen === id}>
            <button onClick={() => onChoose(chosen === id ? null : id)}>
              <i style={{ background: color(authorId) }}>{index + 1}</i>
              <span>
                <b>{author}</b> <time dateTime={time.toISOString()}>{clock(time)}</time>
                <br />
                {text}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </aside>
  )
}

/** Writes a comment. It stays open, with the text, until the server has taken it. */
export function Composer({ socket, at, onClose }: { socket: BoardSocket; at: Point; onClose(): void }) {
  const [text, setText] = useState("")
  const { send, pending, error } = useRequest(socket, "comment")
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    field.current?.focus()
  }, [at])

  async function submit(event?: FormEvent) {
    event?.preventDefault()
    if (!text.trim() || pending) return
    // What went wrong is in `error`.
    await send({ at, text: text.trim() }).then(onClose, () => {})
  }
  function key(event: KeyboardEvent) {
    if (event.key === "Escape") onClose()
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault()
      void submit()
    }
  }
  const refused = error && (error.issues.map(({ path, message }) => `${path}: ${message}`).join("; ") || error.message)

  return (
    <>
      <i className="target" style={place(at)} />
      <form className="composer" style={place(at)} data-side={at.x > 0.5 ? "left" : "right"} data-above={at.y > 0.6} onSubmit={submit} onClick={event => event.stopPropagation()}>
        <textarea ref={field} aria-label="Comment" rows={3} maxLength={280} placeholder="What about this?" value={text} onChange={event => setText(event.target.value)} onKeyDown={key} />
        <p role="alert">{refused}</p>
        <div>
          <button type="button" className="plain" onClick={onClose}>Cancel</button>
          <button disabled={pending || !text.trim()}>{pending ? "Sending …" : "Comment"}</button>
        </div>
      </form>
    </>
  )
}
