import type { Member } from "jstack-rs"
import type { Doing, Profile } from "./api"
import { color } from "./color"

/** More than these do not fit on a phone. */
const SHOWN = 5

/** Who is here: a coloured initial each. */
export function People({ members, me, stale }: { members: readonly Member<Doing, Profile>[]; me: string; stale: boolean }) {
  const more = members.length - SHOWN
  return (
    <ul className="people" aria-label="Who is here" data-stale={stale}>
      {members.slice(0, SHOWN).map(({ key, info, states }) => {
        const writing = states.some(state => state.writing)
        const name = key === me ? `${info.name} (you)` : info.name
        return (
          <li key={key} style={{ background: color(key) }} title={writing ? `${name} is writing` : name} data-writing={writing}>
            <span aria-hidden>{[...info.name][0]?.toUpperCase()}</span>
            <span className="unseen">{writing ? `${name}, writing` : name}</span>
          </li>
        )
      })}
      {more > 0 && <li className="more">+{more}</li>}
    </ul>
  )
}
