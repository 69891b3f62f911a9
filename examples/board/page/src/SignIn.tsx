import { type FormEvent, useState } from "react"
import { session } from "./session"

export function SignIn({ board, name: last, ended }: { board: string; name: string; ended: boolean }) {
  const [name, setName] = useState(last)
  const [refused, setRefused] = useState("")
  const [busy, setBusy] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    try {
      await session.signIn(name.trim())
    } catch (error) {
      setRefused((error as Error).message)
      setBusy(false)
    }
  }

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>{board}</h1>
      <p>{ended ? "You were signed out. Sign in again to go on." : "Point, comment, and see who else is here."}</p>
      <label>
        Your name
        <input autoFocus required maxLength={40} autoComplete="nickname" value={name} onChange={event => setName(event.target.value)} />
      </label>
      <button disabled={busy || !name.trim()}>Open the board</button>
      <p role="alert">{refused}</p>
    </form>
  )
}
