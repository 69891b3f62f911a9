// Who is signed in, and the token. It lives in this window; the server gives a new one in exchange for it.

import { createClient, type TokenReason } from "jstack-rs"
import type { AppRouter, Ticket } from "./api"

export interface User {
  id: string
  name: string
}
interface Signed {
  user: User
  token: string
}

const KEY = "board"
const stored = sessionStorage.getItem(KEY)
let signed: Signed | null = stored ? (JSON.parse(stored) as Signed) : null
const listeners = new Set<() => void>()

function set(next: Signed | null): void {
  signed = next
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next))
  else sessionStorage.removeItem(KEY)
  listeners.forEach(listener => listener())
}

// A client without a token of its own: `renew` sends the one that it exchanges.
const auth = createClient<AppRouter>({ baseUrl: `${location.origin}/api` }).auth

export const session = {
  get user(): User | null {
    return signed?.user ?? null
  },

  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },

  async signIn(name: string): Promise<void> {
    const ticket: Ticket = await (await auth.signIn.$post({ name })).json()
    set({ user: { id: ticket.userId, name }, token: ticket.token })
  },

  signOut: () => set(null),

  /** What the client calls for a token, with the reason. */
  async token(reason: TokenReason): Promise<string | null> {
    if (!signed) return null
    // The server does not take it any more: back to the sign-in.
    if (reason === "refused") set(null)
    if (reason === "expiring") {
      const { user, token } = signed!
      const res = await auth.renew.$post(undefined, { headers: { authorization: `Bearer ${token}` } })
      set({ user, token: (await res.json()).token })
    }
    return signed?.token ?? null
  },
}
