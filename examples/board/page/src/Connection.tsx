import { useEffect, useState } from "react"
import { useStatus } from "jstack-rs/react"
import type { AnySocket } from "jstack-rs"

/** The state of the connection, in words. */
export function Connection({ socket }: { socket: AnySocket }) {
  const status = useStatus(socket)
  const retryAt = status.state === "reconnecting" ? status.retryAt : null
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!retryAt) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [retryAt])

  const words = {
    idle: "connecting …",
    connecting: "connecting …",
    open: "connected",
    reconnecting: retryAt ? `offline, trying again in ${Math.max(1, Math.ceil((retryAt.getTime() - now) / 1000))} s` : "connecting again …",
    closed: "closed",
  }[status.state]
  return <span role="status" data-state={status.state}>{words}</span>
}
