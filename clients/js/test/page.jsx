// The page of the browser tests: what `?show=` names, on one client. `window.log` is what happened.

import { createClient } from "jstack-rs"
import { useEvent, useHistory, useLatest, useOthers, usePresence, useRequest, useSocket, useStatus, useWebSocket } from "jstack-rs/react"
import { sharedWebSocket } from "jstack-rs/tabs"
import { StrictMode, useState } from "react"
import { createRoot } from "react-dom/client"

const query = new URLSearchParams(location.search)
const show = query.get("show")
const room = query.get("room") ?? "r"
const key = query.get("key") ?? "ada"
const WebSocket = show === "tabs" ? sharedWebSocket(() => new SharedWorker("/worker.js")) : undefined
window.log = []
const backoff = query.has("slow") ? [60_000, 60_000] : [20, 50]
const token = query.has("token") && (({ reason }) => {
  window.log.push(`token ${reason}`)
  return reason === "refused" ? query.get("token") : "old"
})
window.client = createClient({ baseUrl: "/api", WebSocket, token: token || undefined, socket: { backoff, heartbeat: [25_000, 500] }, onError: error => window.log.push(`error ${error.code ?? error}`) })
const route = window.client.test.socket
const params = { room, key }

function Shared() {
  const socket = useSocket(route, params)
  const state = useStatus(socket, status => status.state)
  const profile = useStatus(socket, status => status.profile ?? status.cause?.code ?? "")
  return <p id="state">{`${state} ${profile}`}</p>
}

function Events() {
  const socket = useSocket(route, params)
  const [count, setCount] = useState(0)
  const latest = useLatest(socket, "a")
  useEvent(socket, "a", data => window.log.push(`a ${data} at ${count}`))
  useWebSocket(socket, { b: () => setCount(count + 1), onConnect: () => window.log.push("connect") })
  return <p id="events">{`${count} ${latest}`}</p>
}

let renders = 0
function People() {
  const socket = useSocket(route, params)
  const [typing, setTyping] = useState(false)
  const { members, stale } = usePresence(socket, room, { typing })
  const names = useOthers(socket, room, others => others.map(({ info }) => info.name))
  return (
    <>
      <p id="people">{members.map(({ key, state }) => `${key}:${state?.typing}`).join(" ")}</p>
      <p id="others">{`${names} ${stale}`}</p>
      <button onClick={() => setTyping(true)}>type</button>
    </>
  )
}

function Others() {
  const names = useOthers(useSocket(route, params), room, others => others.map(({ info }) => info.name))
  return <p id="renders">{`${names} ${++renders}`}</p>
}

function Past() {
  const { items, status, more, loadMore } = useHistory(useSocket(route, params), room, { limit: 3 })
  return (
    <>
      <p id="past">{`${status} ${items.map(({ data }) => data)} ${more}`}</p>
      <button onClick={loadMore}>more</button>
    </>
  )
}

function Ask() {
  const socket = useSocket(route, params)
  const double = useRequest(socket, "double")
  const fail = useRequest(socket, "fail")
  return (
    <>
      <p id="reply">{`${double.pending} ${double.data} ${fail.error?.code}`}</p>
      <button onClick={() => double.send(Number(query.get("n") ?? 21))}>ask</button>
      <button onClick={() => fail.send(1).catch(() => {})}>fail</button>
    </>
  )
}

const parts = {
  shared: [Shared, Shared, Events],
  people: [Shared, People],
  others: [Others],
  past: [Shared, Past],
  ask: [Ask],
  tabs: [Shared, Events, Ask],
}
function App() {
  const [shown, setShown] = useState(true)
  window.setShown = setShown
  return shown ? parts[show].map((Part, index) => <Part key={index} />) : <p id="nothing">nothing</p>
}

window.addEventListener("pageshow", ({ persisted }) => persisted && window.log.push("persisted"))
const strict = show === "others" ? <App /> : <StrictMode><App /></StrictMode>
createRoot(document.getElementById("root")).render(strict)
