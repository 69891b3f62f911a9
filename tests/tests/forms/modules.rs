//! Modules whose names, bodies and lifetimes are unusual.

use std::borrow::Cow;

use super::errors::refused;
use crate::*;

/// Sets of events that have the names of a module's aliases, outside of the module.
mod named_as_aliases {
    use super::*;

    #[derive(Clone, Debug, Events)]
    pub enum Incoming {
        Text(Text),
    }

    #[derive(Clone, Debug, Events)]
    pub enum Outgoing {
        Said(String),
        Listed(Vec<Text>),
        Noted(Cow<'static, str>),
    }

    #[procedure(ws, incoming = Incoming, outgoing = Outgoing)]
    pub mod chat {
        use super::*;

        #[on(Text)]
        async fn text(io: Io, text: Text) -> Result {
            io.all().said(&text.text).await?;
            io.all().said("as it is").await?;
            io.all().noted("as it is").await?;
            io.all().listed(&[text.clone(), text.clone()]).await?;
            io.all().listed(&[text]).await?;
            io.all().emit(&Outgoing::Said(String::new())).await
        }
    }

    #[procedure(ws, incoming = Incoming, outgoing = Outgoing)]
    pub mod imported {
        use super::{Incoming, Outgoing, Text};

        #[on(Text)]
        async fn text(event: Text) {
            let _ = Incoming::Text(event);
        }
    }

    #[test]
    fn they_mount() {
        let _: Router = router![chat, imported];
    }
}

/// Bodies that a macro was given: the function after one is a handler as well.
mod made_by_a_macro {
    use super::*;

    macro_rules! chat {
        ($name:ident, $text:block, $cleared:block) => {
            #[procedure(ws, incoming = Chat, outgoing = Chat)]
            mod $name {
                use super::*;

                #[on(Text)]
                async fn text(_: Text) $text

                #[on(Cleared)]
                async fn cleared(_: ()) $cleared
            }
        };
    }

    chat!(made, {}, { std::future::ready(()).await });

    #[test]
    fn it_mounts() {
        let _: Router = router![made];
    }
}

/// Lifetimes follow from the arguments.
#[allow(clippy::needless_lifetimes)]
#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod with_lifetimes {
    use super::*;

    struct Session {
        last: String,
    }

    #[connect]
    async fn connect() -> Session {
        Session { last: String::new() }
    }

    #[on(Text)]
    async fn text<'a>(session: &'a mut Session, text: Text) {
        async fn keep<'a>(session: &'a mut Session, text: String) -> &'a str {
            session.last = text;
            &session.last
        }
        assert!(!keep(session, text.text).await.is_empty());
    }

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

#[test]
fn a_router_takes_paths_of_all_kinds_and_conditions() {
    fn names(router: &Router) -> Vec<String> {
        let contract = router.describe();
        contract.procedures().iter().map(|procedure| procedure.path.clone()).collect()
    }
    let router: Router = router![
        nothing,
        crate::forms::modules::named_as_aliases::chat,
        #[cfg(any())]
        missing,
        #[cfg(all())]
        refused,
        self::with_lifetimes,
    ];
    assert_eq!(names(&router), ["chat", "nothing", "refused", "withLifetimes"]);
    assert!(names(&router![]).is_empty());
}
