import { type FormEvent, useEffect, useState } from "react"
import { useWebSocket } from "jstack/client"
import type { Message } from "./api"
import { client } from "./client"

const socket = client.post.chat.$ws()
const author = `guest-${Math.random().toString(36).slice(2, 6)}`

export function App() {
  const [messages, setMessages] = useState<Message[]>([])
  const [connected, setConnected] = useState(false)
  const [refused, setRefused] = useState("")
  const [text, setText] = useState("")

  useWebSocket(socket, {
    onConnect: () => setConnected(true),
    onError: () => setConnected(false),
    message: message => setMessages(before => [...before, message]),
    error: ({ message }) => setRefused(message),
  })

  // The socket is older than the page: it may have been open before anybody listened.
  useEffect(() => {
    if (socket.isConnected) setConnected(true)
  }, [])

  // What was said before, once the socket hears what is said from now on.
  useEffect(() => {
    if (connected) client.post.recent.$get().then(res => res.json()).then(setMessages)
  }, [connected])

  function send(event: FormEvent) {
    event.preventDefault()
    setRefused("")
    if (text && socket.emit("message", { author, text })) setText("")
  }

  return (
    <main>
      <h1>It works</h1>
      <p role="status">{connected ? "connected" : "offline"}</p>
      <ul aria-live="polite">
        {messages.map((message, index) => (
          <li key={index}>
            <b>{message.author}</b> {message.text}
          </li>
        ))}
      </ul>
      <form onSubmit={send}>
        <input aria-label="Message" maxLength={1000} value={text} onChange={event => setText(event.target.value)} />
        <button disabled={!connected}>Send</button>
      </form>
      <p role="alert">{refused}</p>
    </main>
  )
}
