//! The forms that procedures, events and payloads come in. Compiling is most of the test.
#![allow(
    unreachable_pub,
    missing_docs,
    dead_code,
    clippy::pedantic,
    reason = "programs as users write them"
)]

use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jstack_runtime::prelude::*;

mod forms {
    mod errors;
    mod modules;
    mod payloads;
    mod states;
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Text {
    text: String,
}

#[derive(Clone, Debug, Events)]
enum Chat {
    Text(Text),
    Cleared(()),
}

#[derive(Clone)]
struct Db;
#[derive(Clone)]
struct Mail;

#[derive(Clone)]
struct AppState {
    db: Db,
    mail: Mail,
}

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

impl FromRef<AppState> for Mail {
    fn from_ref(state: &AppState) -> Self {
        state.mail.clone()
    }
}

/// An extractor for one state only.
struct Concrete;

impl FromRequestParts<AppState> for Concrete {
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, _: &AppState) -> Result<Self> {
        Ok(Self)
    }
}

/// An extractor for every state.
#[derive(Clone)]
struct Generic;

impl<S: Sync> FromRequestParts<S> for Generic {
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self)
    }
}

/// An error of the application's own.
enum Trouble {
    Gone,
}

impl From<Trouble> for Error {
    fn from(_: Trouble) -> Self {
        Self::gone("it was there once")
    }
}

/// Substates, extractors of both kinds, a custom error.
#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod substates {
    use super::*;

    struct Session(u32);

    #[connect]
    async fn connect(
        State(_db): State<Db>,
        _: Concrete,
        headers: HeaderMap,
    ) -> std::result::Result<Session, Trouble> {
        if headers.contains_key("x-gone") { Err(Trouble::Gone) } else { Ok(Session(0)) }
    }

    #[on(Text)]
    async fn text(
        State(_mail): State<Mail>,
        session: &mut Session,
        State(_db): State<Db>,
        _: Generic,
        _: Text,
    ) -> Result<(), Trouble> {
        session.0 += 1;
        Ok(())
    }

    #[on(Cleared)]
    async fn cleared(session: &Session, (): ()) {
        assert!(session.0 < u32::MAX);
    }

    #[error]
    async fn error(session: &mut Session, socket: Socket, error: &Error) {
        session.0 = 0;
        println!("{}: {error}", socket.id());
    }

    #[disconnect]
    async fn gone(reason: CloseReason, session: &mut Session, io: Io) -> Result {
        println!("{reason} {}", session.0);
        io.all().text(&Text { text: "gone".into() }).await
    }
}

/// The state is named, so that nothing is generic.
#[procedure(get, state = AppState)]
async fn pinned(State(_db): State<Db>, _: Concrete) -> Result<u32> {
    Ok(1)
}

#[procedure(ws, incoming = Chat, outgoing = Chat, state = AppState)]
mod pinned_socket {
    use super::*;

    #[on(Text)]
    async fn text(State(_): State<AppState>, _: Text) {}

    #[fallback]
    async fn rest(socket: Socket, event: Incoming) -> Result {
        println!("{} {event:?}", socket.id());
        Ok(())
    }
}

/// The protocol in the module itself, and no `#[connect]`.
#[procedure(ws, rename = "self-contained")]
mod contained {
    use super::*;

    #[derive(Clone, Debug, Events)]
    pub(super) enum Incoming {
        Text(Text),
        #[cfg(any())]
        Never(Missing),
    }

    #[derive(Clone, Debug, Events)]
    pub(super) enum Outgoing {
        Echo(Text),
    }

    /// Stays on the function, as every attribute that is not ours.
    #[allow(clippy::needless_pass_by_value)]
    #[on(Text)]
    #[must_use = "stays"]
    async fn text(socket: Socket, text: Text) -> Result {
        socket.emit().echo(&text).await
    }

    #[cfg(any())]
    #[on(Never)]
    async fn never(_: AlsoMissing, _: Missing) -> Result {}
}

/// The function form.
#[procedure(ws, incoming = Chat, outgoing = Chat)]
async fn looped(
    socket: Socket<looped::Procedure>,
    mut events: Receiver<looped::Procedure>,
    State(_db): State<Db>,
    io: Io<looped::Procedure>,
) -> Result {
    while let Some(event) = events.recv().await? {
        match event {
            Chat::Text(text) => io.all().except(&socket).text(&text).await?,
            Chat::Cleared(()) => io.all().cleared(&()).await?,
        }
    }
    Ok(())
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
async fn silent(mut events: Receiver<silent::Procedure>) {
    while let Ok(Some(_)) = events.recv().await {}
}

/// Names that are keywords.
#[derive(Clone, Debug, Events)]
#[events(rename_all = "snake_case")]
enum Keywords {
    Type(Text),
    Match(()),
    #[event(rename = "went-by")]
    WentBy(Box<Text>),
}

#[procedure(post, input = Text)]
async fn r#move(text: Option<Text>) -> Option<Text> {
    text
}

#[procedure(get)]
async fn nothing() {}

#[procedure(get)]
async fn dates() -> SuperJson<Vec<String>> {
    SuperJson(Vec::new())
}

#[procedure(post)]
async fn raw() -> Result<Raw<axum::response::Response>> {
    Ok(Raw(axum::response::Response::default()))
}

/// A payload that is generic, with rules and without.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Page<T> {
    items: Vec<T>,
    next: Option<Box<T>>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Limited<T: Clone>
where
    T: Default,
{
    #[garde(skip)]
    item: T,
    #[garde(length(chars, max = 3))]
    name: String,
    #[garde(length(max = 3))]
    list: Vec<u32>,
}

#[derive(Clone, Debug, Events)]
enum Generics {
    Page(Page<Text>),
    Limited(Limited<u32>),
    Map(std::collections::HashMap<String, Page<Text>>),
}

mod deep {
    pub(super) mod down {
        use super::super::*;

        #[procedure(get)]
        pub(crate) async fn public() -> u32 {
            7
        }

        #[procedure(ws, incoming = Chat, outgoing = Chat)]
        pub(in super::super) mod nested {
            use super::*;

            #[fallback]
            async fn all(_: Incoming) {}
        }
    }

    pub(super) use down::public;
}

use deep::down::nested;
use deep::public;

#[test]
fn procedures_of_every_form_mount_on_one_router() {
    let router: Router<AppState> = router![
        substates,
        pinned,
        pinned_socket,
        contained,
        looped,
        silent,
        r#move,
        nothing,
        dates,
        raw,
        public,
        deep::public,
        nested,
    ];
    let names = format!("{router:?}");
    assert_eq!(names.matches('"').count(), 2 * 13, "{names}");
    for name in ["pinnedSocket", "self-contained", "move", "dates"] {
        assert!(names.contains(&format!("{name}\"")), "{names}");
    }
}

#[test]
fn a_procedure_without_a_state_mounts_on_any_router() {
    let _: Router<()> = router![nothing, silent, contained];
    let _: Router<u8> = router![nothing, silent, contained];
}

#[test]
fn a_procedure_can_be_private_to_a_function() {
    #[procedure(get)]
    async fn local() -> u32 {
        3
    }
    let _: Router = router![local];
}

#[test]
fn wire_names_follow_the_convention_or_the_rename() {
    let names = |events: &[&dyn jstack_runtime::__private::AnyEvent<Keywords>]| {
        events.iter().map(|event| event.name()).collect::<Vec<_>>()
    };
    assert_eq!(names(Keywords::EVENTS), ["type", "match", "went-by"]);
    assert_eq!(Chat::EVENTS[0].name(), "text");
}

#[test]
fn emitters_have_a_raw_method_for_a_keyword() {
    async fn emit(io: Io<looped::Procedure>, keywords: KeywordsEmitter<'_>) -> Result {
        io.to("a").to("b").except_room("c").emit(&Chat::Cleared(())).await?;
        keywords.r#type(&Text { text: String::new() }).await
    }
    let _ = emit;
}
