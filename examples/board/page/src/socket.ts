import type { client } from "./client"

/** The socket of a board, with its events. */
export type BoardSocket = ReturnType<typeof client.live.board.$ws>
