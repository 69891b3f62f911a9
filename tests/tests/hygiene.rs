//! Expansions need no prelude, and no names of this crate or of the user.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unused_async,
    reason = "names are what matters here"
)]

extern crate jstack_runtime as rt;

/// The derives of other crates need the prelude, so their types are outside.
pub mod payloads {
    use rt::prelude::{Deserialize, JsonSchema, Serialize, Validate};

    #[derive(Serialize, Deserialize, JsonSchema, Validate, rt::Payload)]
    #[payload(crate = rt)]
    pub struct Ruled {
        #[garde(length(chars, min = 1))]
        pub text: String,
    }

    #[derive(Serialize, Deserialize, JsonSchema, rt::Payload)]
    #[payload(crate = rt)]
    pub struct Plain {
        pub ruled: Ruled,
        pub list: Vec<Ruled>,
    }
}

mod bare {
    #![no_implicit_prelude]

    // Names of the prelude, as a program may give them to its own types.
    struct Result;
    struct Error;
    struct String;
    struct Ok;
    struct Err;
    struct Some;
    struct Option;
    struct Vec;
    struct Box;
    struct Send;
    struct Sync;
    struct Clone;
    struct Into;
    struct Future;
    struct S;

    use super::payloads::{Plain, Ruled};

    #[derive(::rt::Payload)]
    #[payload(crate = ::rt)]
    pub struct Fields<T> {
        ruled: Ruled,
        more: T,
    }

    #[derive(::rt::Payload)]
    #[payload(crate = ::rt)]
    pub enum Choice {
        None,
        One(Ruled),
        Two { a: Ruled, b: Fields<u32> },
    }

    #[derive(::rt::Events)]
    #[events(crate = ::rt)]
    pub enum Chat {
        Ruled(Ruled),
        Plain(Plain),
        Other(Plain),
        Nothing(()),
    }

    #[::rt::procedure(ws, incoming = super::Chat, outgoing = super::Chat, crate = ::rt)]
    pub mod chat {
        pub struct Session;

        #[connect]
        async fn session(_: Socket) -> ::rt::Result<Session> {
            ::std::result::Result::Ok(Session)
        }

        #[on(Ruled)]
        async fn event(session: &mut Session, io: Io, payload: super::Ruled) -> ::rt::Result {
            let _ = session;
            io.all().ruled(&payload).await
        }

        #[on(Plain)]
        async fn payload(_: super::Plain) {}

        #[on(Nothing)]
        async fn kept((): ()) {}

        #[fallback]
        async fn cx(_: Incoming) {}

        #[error]
        async fn error(_: &::rt::Error) {}

        #[disconnect]
        async fn reason(_: Session, _: ::rt::CloseReason, _: Io) {}
    }

    #[::rt::procedure(ws, incoming = Chat, outgoing = Chat, crate = ::rt)]
    async fn events(mut events: ::rt::Receiver<events::Procedure>, _: ::rt::Io<events::Procedure>) {
        while let ::std::result::Result::Ok(::std::option::Option::Some(_)) = events.recv().await {}
    }

    #[::rt::procedure(get, input = Plain, crate = ::rt)]
    async fn answer(input: Plain) -> Plain {
        input
    }

    #[::rt::procedure(post, crate = ::rt)]
    async fn issues() -> ::rt::Result<()> {
        ::std::result::Result::Ok(())
    }

    #[::rt::procedure(post, input = Plain, crate = ::rt)]
    async fn cx(_: ::rt::Io<chat::Procedure>, input: ::std::option::Option<Plain>) {
        let _ = input;
    }

    #[::rt::main(workers = 2, crate = ::rt)]
    async fn main() -> ::std::result::Result<(), ::rt::BoxError> {
        ::std::result::Result::Ok(())
    }

    #[::core::prelude::v1::test]
    fn a_program_runs() {
        let _: ::std::process::ExitCode = main();
    }

    #[::core::prelude::v1::test]
    fn every_form_mounts() {
        let _: ::rt::Router = ::rt::router![chat, events, answer, issues, cx];
    }
}
