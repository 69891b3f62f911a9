// What the pages of docs/ have introduced before, or what is the reader's own.

import { createClient } from "jstack-rs"
import type { AppRouter, Message } from "./api"

export const client = createClient<AppRouter>({ baseUrl: "/api" })
export const socket = client.post.chat.$ws({ room: "general" })

export declare const session: { token(options?: { fresh: boolean }): Promise<string> }
export declare const text: string
export declare function show(message: Message): void
export declare function log(...values: unknown[]): void
export declare function refetch(room: string | null): void
export declare function render(members: readonly unknown[], stale: boolean): void
export declare function greet(name: string): void
