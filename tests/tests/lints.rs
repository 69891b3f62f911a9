//! Expansions are quiet under lints that users turn on, for public items and for private ones.
#![deny(missing_docs, unused_qualifications, unreachable_pub, unused, clippy::pedantic)]
#![deny(deprecated, missing_debug_implementations, rust_2018_idioms, unnameable_types)]
#![allow(missing_docs, reason = "the tests of a test crate; `documented` asks for them again")]
#![allow(clippy::missing_errors_doc, reason = "handlers that do little")]

use jstack_runtime::prelude::*;

/// Public, in a public module.
#[deny(missing_docs)]
pub mod documented {
    use std::borrow::Cow;

    use super::{Deserialize, Events, JsonSchema, Payload, Serialize, Validate, procedure};

    /// One chat message.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
    pub struct Message {
        /// What it says.
        #[garde(length(chars, min = 1))]
        pub text: String,
    }

    /// The latest messages.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
    pub struct Page {
        /// In order.
        pub messages: Vec<Message>,
    }

    /// The events of the chat.
    #[derive(Clone, Debug, Events)]
    pub enum Chat {
        /// One message.
        Message(Message),
        /// All are gone.
        Cleared(()),
        /// A text that need not be a new one.
        Notice(Cow<'static, str>),
        /// Nobody sends it any more.
        #[deprecated = "send a notice"]
        Alert(String),
    }

    /// The chat.
    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    pub mod chat {
        use super::{Chat, Cow, Message};
        use axum::http::request::Parts;
        use jstack_runtime::prelude::*;

        struct Session {
            sent: u64,
        }

        struct Private;

        impl<S: Sync> axum::extract::FromRequestParts<S> for Private {
            type Rejection = Error;

            async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self> {
                Ok(Self)
            }
        }

        #[connect]
        async fn connect(_: Private, socket: Socket) -> Result<Session> {
            socket.join("general").await?;
            Ok(Session { sent: 0 })
        }

        #[on(Message)]
        async fn message(session: &mut Session, io: Io, message: Message) -> Result {
            session.sent += 1;
            io.to("general").message(&message).await
        }

        #[on(Cleared)]
        async fn cleared(io: Io, (): ()) -> Result {
            io.all().emit(&Chat::Cleared(())).await
        }

        #[fallback]
        async fn alert(_: Incoming) {}

        #[on(Notice)]
        async fn notice(io: Io, notice: Cow<'static, str>) -> Result {
            io.all().notice(&notice).await
        }

        #[disconnect]
        async fn disconnect(session: Session) {
            assert!(session.sent < u64::MAX);
        }
    }

    /// The function form.
    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    pub async fn looped(mut events: jstack_runtime::Receiver<looped::Procedure>) {
        while let Ok(Some(_)) = events.recv().await {}
    }

    /// The latest messages.
    #[procedure(get, input = Page)]
    pub async fn recent(page: Page) -> jstack_runtime::Result<Page> {
        Ok(page)
    }

    /// Nothing comes back.
    #[procedure(post)]
    pub async fn clear() {}
}

#[derive(Clone, Debug, Events)]
enum Private {
    Cleared(()),
}

#[procedure(ws, incoming = Private, outgoing = Private)]
mod private {
    use super::Private;

    #[on(Cleared)]
    async fn cleared(io: Io, (): ()) -> jstack_runtime::Result {
        io.all().emit(&Private::Cleared(())).await
    }
}

#[procedure(ws, incoming = Private, outgoing = Private)]
mod written_with_a_wildcard {
    use super::Private;

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

#[procedure(get)]
async fn hidden() -> u32 {
    3
}

#[test]
fn every_form_mounts() {
    let _: Router = router![
        documented::chat,
        documented::looped,
        documented::recent,
        documented::clear,
        private,
        written_with_a_wildcard,
        hidden,
    ];
}
