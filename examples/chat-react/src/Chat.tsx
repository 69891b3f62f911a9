import { type FormEvent, useEffect, useState } from "react"
import { useWebSocket } from "jstack/client"
import type { Message } from "./api"
import { client } from "./client"

const socket = client.post.chat.$ws()

const roomId = new URLSearchParams(location.search).get("room") || "general"
const me = new URLSearchParams(location.search).get("name") || `guest-${Math.random().toString(36).slice(2, 6)}`

export function Chat() {
  const [messages, setMessages] = useState<Message[]>([])
  const [connected, setConnected] = useState(false)
  const [writing, setWriting] = useState("")
  const [refused, setRefused] = useState("")
  const [text, setText] = useState("")

  useWebSocket(socket, {
    onConnect: () => {
      setConnected(true)
      socket.emit("join", { roomId })
    },
    onError: () => setConnected(false),
    // The server's answer to `join`: what is said from here on is heard.
    joined: async () => {
      const res = await client.post.recent.$get({ roomId, limit: 50 })
      setMessages(await res.json())
    },
    message: message => {
      setMessages(before => [...before, message])
      setWriting("")
    },
    typing: ({ author }) => setWriting(author),
    cleared: () => setMessages([]),
    error: ({ message }) => setRefused(message),
  })

  // The socket is older than the page: it may have been open before anybody listened.
  useEffect(() => {
    if (!socket.isConnected) return
    setConnected(true)
    socket.emit("join", { roomId })
  }, [])

  useEffect(() => {
    if (!writing) return
    const timer = setTimeout(() => setWriting(""), 3000)
    return () => clearTimeout(timer)
  }, [writing])

  function send(event: FormEvent) {
    event.preventDefault()
    if (!text.trim()) return
    if (socket.emit("message", { roomId, message: text, author: me })) {
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
        <span role="status" data-connected={connected}>{connected ? "open" : "offline"}</span>
      </header>
      <main aria-live="polite">
        {messages.map((message, index) => (
          <p key={index} className={message.author === me ? "mine" : ""}>
            <b>{message.author}</b>
            {message.message}
          </p>
        ))}
      </main>
      <div className="note" role="note">{refused || (writing && `${writing} is typing …`)}</div>
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
