import { useState, useSyncExternalStore } from "react"
import { Board } from "./Board"
import { session } from "./session"
import { SignIn } from "./SignIn"

/** The board of the address: `?board=plan`. */
const board = new URLSearchParams(location.search).get("board")?.trim() || "plan"

export function App() {
  const user = useSyncExternalStore(session.subscribe, () => session.user)
  const [before, setBefore] = useState(user)
  if (user && user !== before) setBefore(user)
  return user ? <Board board={board} user={user} /> : <SignIn board={board} name={before?.name ?? ""} ended={before !== null} />
}
