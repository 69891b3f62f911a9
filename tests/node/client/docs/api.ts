// The contract of an application as the pages of docs/ assume it.

export interface Get<In, Out> { readonly kind: "get"; readonly input: In; readonly output: Out }
export interface Post<In, Out> { readonly kind: "post"; readonly input: In; readonly output: Out }
export interface Ws<Incoming, Outgoing, More = {}> { readonly kind: "ws"; readonly incoming: Incoming; readonly outgoing: Outgoing; readonly more?: More }

export interface Page { limit?: number }
export interface NewMessage { title: string }
export interface Message { id: number; text: string }
export interface Draft { text: string }
export interface Saved { id: number }
export interface Typing { author: string }

export type AppRouter = {
  post: {
    recent: Get<Page | undefined, Message[]>
    create: Post<NewMessage, Message>
    chat: Ws<
      { message: Draft; save: Draft; typing: Typing },
      { message: Message; cleared: null; confirm: { text: string } },
      {
        params: { room: string }
        replies: { message: Saved; save: Saved }
        asks: { confirm: boolean }
        history: "message"
        presence: { state: { typing: boolean }; info: { name: string } }
        volatile: "typing"
      }
    >
  }
}
