import { type FormEvent, useEffect, useLayoutEffect, useRef, useState } from "react"
import { useWebSocket } from "jstack/client"
import type { EventError, Message } from "./api"
import { client } from "./client"

const socket = client.post.chat.$ws()

const roomId = new URLSearchParams(location.search).get("room") || "general"
const me = new URLSearchParams(location.search).get("name") || `guest-${Math.random().toString(36).slice(2, 6)}`

const enter = () => socket.emit("join", { roomId, author: me })
const time = (at: string) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })

function explain({ code, message, issues }: EventError): string {
  if (code === "rate") return "You are sending too fast: wait a moment."
  if (code === "timeout" || code === "internal") return "The server could not do that. Try again in a moment."
  return issues.map(({ path, message }) => `${path}: ${message}`).join("; ") || message
}

export function Chat() {
  const [messages, setMessages] = useState<Message[]>([])
  const [connected, setConnected] = useState(false)
  const [writing, setWriting] = useState("")
  const [refused, setRefused] = useState("")
  const [text, setText] = useState("")
  // What was sent and has not come back from the room: it returns to the field if it is refused.
  const sending = useRef("")
  const log = useRef<HTMLElement>(null)
  const following = useRef(true)

  useWebSocket(socket, {
    onConnect: () => {
      setConnected(true)
      enter()
    },
    onError: () => setConnected(false),
    // The server's answer to `join`: from here on its messages arrive.
    joined: async () => {
      const res = await client.post.recent.$get({ roomId, limit: 50 })
      setMessages(await res.json())
    },
    message: message => {
      if (message.author === me) {
        sending.current = ""
        following.current = true
      }
      setMessages(before => [...before, message])
      setWriting("")
    },
    typing: ({ author }) => setWriting(author),
    cleared: () => setMessages([]),
    error: error => {
      setRefused(explain(error))
      if (error.event === "typing") return
      const back = sending.current
      sending.current = ""
      setText(now => [back, now].filter(Boolean).join(" "))
    },
  })

  // The socket is older than the page: it may have been open before anybody listened.
  useEffect(() => {
    if (!socket.isConnected) return
    setConnected(true)
    enter()
  }, [])

  // The log follows its end, unless somebody reads further up.
  useLayoutEffect(() => {
    if (following.current) log.current!.scrollTop = log.current!.scrollHeight
  }, [messages])

  useEffect(() => {
    if (!writing) return
    const timer = setTimeout(() => setWriting(""), 3000)
    return () => clearTimeout(timer)
  }, [writing])

  function send(event: FormEvent) {
    event.preventDefault()
    if (!text.trim()) return
    if (socket.emit("message", { roomId, message: text, author: me })) {
      sending.current = text
      setText("")
      setRefused("")
    } else {
      setConnected(false)
    }
  }

  return (
    <div className="chat">
      <header>
        <strong>{roomId}</strong>
        <span>as {me}</span>
        <span role="status" data-connected={connected}>{connected ? "connected" : "offline"}</span>
      </header>
      <main
        ref={log}
        role="log"
        aria-label="Messages"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          following.current = scrollHeight - scrollTop - clientHeight < 40
        }}
      >
        {messages.map((message, index) => (
          <p key={index} className={message.author === me ? "mine" : ""}>
            <b>{message.author}</b>
            <span>{message.message}</span>
            <time dateTime={message.at}>{time(message.at)}</time>
          </p>
        ))}
      </main>
      <div className="note">
        {writing && <span role="note">{writing} is typing …</span>}
        <span role="alert">{refused}</span>
      </div>
      <form onSubmit={send}>
        <input
          aria-label="Message"
          placeholder="Message"
          maxLength={2000}
          value={text}
          onChange={event => {
            setText(event.target.value)
            socket.emit("typing", { roomId, author: me })
          }}
        />
        <button>Send</button>
      </form>
    </div>
  )
}
