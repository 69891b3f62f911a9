//! The forms that procedures, events and payloads come in. Compiling is most of the test.
#![allow(
    unreachable_pub,
    missing_docs,
    dead_code,
    clippy::pedantic,
    reason = "programs as users write them"
)]

use std::borrow::Cow;
use std::collections::{HashMap, LinkedList};
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jstack_runtime::Issues;
use jstack_runtime::prelude::*;

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

fn issues(value: &impl Payload) -> Vec<String> {
    let mut issues = Issues::default();
    value.check(&mut issues);
    issues.as_slice().iter().map(ToString::to_string).collect()
}

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "camelCase")]
struct Outer {
    plain: u32,
    the_inner: Limited<u32>,
    #[serde(flatten)]
    flat: Limited<u32>,
    #[serde(skip)]
    skipped: Option<NotAPayload>,
    #[serde(rename = "third")]
    other: Vec<Limited<u32>>,
}

#[derive(Default)]
struct NotAPayload;

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
enum Choice {
    None,
    One(Limited<u32>),
    Two(u32, Limited<u32>),
    Named { a: u32, the_b: Limited<u32> },
}

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
struct Wrapper(Limited<u32>);

fn long() -> Limited<u32> {
    Limited { item: 1, name: "four".into(), list: vec![] }
}

#[test]
fn rules_of_what_is_inside_are_run_and_name_their_fields() {
    let outer =
        Outer { plain: 1, the_inner: long(), flat: long(), skipped: None, other: vec![long()] };
    let paths: Vec<String> = issues(&outer)
        .iter()
        .map(|issue| issue.split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(paths, ["theInner.name", "name", "third[0].name"]);
    assert!(issues(&Wrapper(long()))[0].starts_with("name: "));
    assert!(issues(&Choice::One(long()))[0].starts_with("name: "));
    assert!(issues(&Choice::Two(1, long()))[0].starts_with("[1].name: "));
    assert!(issues(&Choice::Named { a: 1, the_b: long() })[0].starts_with("the_b.name: "));
    assert!(issues(&Choice::None).is_empty());
    let page = Page { items: vec![long()], next: Some(Box::new(long())) };
    assert_eq!(issues(&page).len(), 2);
}

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
struct Renamed {
    #[garde(range(max = 3))]
    #[serde(rename = "x-position")]
    x: u8,
    #[garde(length(chars, min = 3))]
    #[serde(rename = "type")]
    kind_of: String,
    #[garde(length(chars, min = 3))]
    r#match: String,
    #[garde(inner(length(chars, min = 3)))]
    #[serde(rename = "labels")]
    tags: Vec<String>,
    #[garde(dive)]
    #[serde(flatten)]
    flat: Limited<u32>,
}

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Name(#[garde(length(chars, min = 3))] String);

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
enum Place {
    Named(#[garde(length(chars, min = 3))] String),
    Point(#[garde(range(max = 3))] u8, #[garde(skip)] u8),
}

#[test]
fn a_path_that_two_variants_share_stays_as_it_is() {
    assert!(issues(&Place::Point(9, 9))[0].starts_with("[0]: "));
    assert!(issues(&Place::Named("a".into()))[0].starts_with("[0]: "));
}

#[test]
fn a_broken_rule_names_its_field_as_serde_does() {
    let short = || "a".to_owned();
    let value =
        Renamed { x: 9, kind_of: short(), r#match: short(), tags: vec![short()], flat: long() };
    let found = issues(&value);
    let mut paths: Vec<_> = found.iter().filter_map(|issue| issue.split(':').next()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["labels[0]", "match", "name", "type", "x-position"]);
    assert_eq!(issues(&Name(short())), ["length is lower than 3"]);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Payload)]
struct Key(String);

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
struct Containers {
    keyed: HashMap<Key, Limited<u32>>,
    slice: Box<[Limited<u32>]>,
    cow: Cow<'static, [Limited<u32>]>,
    linked: LinkedList<Limited<u32>>,
}

#[test]
fn no_container_of_the_standard_library_hides_rules() {
    let value = Containers {
        keyed: [(Key("a".into()), long())].into(),
        slice: [long()].into(),
        cow: vec![long()].into(),
        linked: [long()].into(),
    };
    let found = issues(&value);
    let paths: Vec<_> = found.iter().filter_map(|issue| issue.split(':').next()).collect();
    assert_eq!(paths, ["keyed.a.name", "slice[0].name", "cow[0].name", "linked[0].name"]);
}

/// A state behind a trait object, as programs with several stores have it.
trait Store: Send + Sync {
    fn name(&self) -> String;
}

impl FromRef<AppState> for Arc<dyn Store> {
    fn from_ref(_: &AppState) -> Self {
        unimplemented!("compiling is the test")
    }
}

#[procedure(get, state = AppState)]
async fn behind_a_trait(State(store): State<Arc<dyn Store>>) -> String {
    store.name()
}

#[procedure(ws, incoming = Chat, outgoing = Chat, state = AppState)]
mod behind_a_trait_too {
    use super::*;

    #[connect]
    async fn connect(State(store): State<Arc<dyn Store>>) -> Arc<dyn Store> {
        store
    }

    #[fallback]
    async fn event(_: &mut Arc<dyn Store>, State(_): State<Arc<dyn Store>>, _: Incoming) {}
}

#[procedure(ws, incoming = Chat, outgoing = Chat, state = AppState)]
async fn behind_a_trait_looped(
    State(store): State<Arc<dyn Store>>,
    mut events: Receiver<behind_a_trait_looped::Procedure>,
) {
    while let Ok(Some(_)) = events.recv().await {
        assert!(!store.name().is_empty());
    }
}

#[test]
fn a_pinned_state_may_give_trait_objects() {
    let _: Router<AppState> = router![behind_a_trait, behind_a_trait_too, behind_a_trait_looped];
}

/// An error that could be an answer itself.
#[derive(Debug, Serialize, JsonSchema)]
struct Refused {
    why: String,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::forbidden(refused.why)
    }
}

#[procedure(get)]
async fn refused() -> Result<u32, Refused> {
    Err(Refused { why: "not today".into() })
}

#[test]
fn an_error_that_serializes_is_an_error_all_the_same() {
    let contract = App::<()>::new().mount("a", router![refused]).describe();
    assert!(!format!("{contract:?}").contains("Refused"), "{contract:?}");
}

#[test]
fn a_router_without_a_name_stands_at_the_base_path() {
    let contract = App::new().mount("", router![refused]).with_state::<()>(()).describe();
    let paths: Vec<_> =
        contract.procedures().iter().map(|procedure| procedure.path.as_str()).collect();
    assert_eq!(paths, ["refused"]);
}

#[tokio::test]
async fn a_program_may_return_any_boxed_error() {
    async fn shared() -> Result<(), BoxError> {
        Err(Error::not_found("no such room"))?
    }
    async fn local() -> Result<(), Box<dyn std::error::Error>> {
        Err(Error::not_found("no such room"))?
    }
    assert_eq!(shared().await.expect_err("it fails").to_string(), "no such room");
    assert_eq!(local().await.expect_err("it fails").to_string(), "no such room");
}

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
        crate::named_as_aliases::chat,
        #[cfg(any())]
        missing,
        #[cfg(all())]
        refused,
        self::with_lifetimes,
    ];
    assert_eq!(names(&router), ["chat", "nothing", "refused", "withLifetimes"]);
    assert!(names(&router![]).is_empty());
}

/// Error types as `thiserror` writes them.
mod failures {
    use std::fmt;

    use axum::http::Request;
    use jstack_runtime::Failure;
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Debug)]
    pub struct Gone;

    /// One that says nothing of its own.
    #[derive(Debug)]
    pub struct Silent;

    impl fmt::Display for Gone {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("it was there once")
        }
    }

    impl fmt::Display for Silent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a secret")
        }
    }

    impl std::error::Error for Gone {}
    impl std::error::Error for Silent {}

    impl Failure for Gone {
        fn into_error(self) -> Error {
            let after = std::time::Duration::from_millis(2500);
            Error::with_code(axum::http::StatusCode::GONE, "long_gone", self.to_string())
                .retry_after(after)
        }
    }

    type Found<T> = std::result::Result<T, Gone>;

    #[procedure(get)]
    async fn written() -> Result<u32, Gone> {
        Err(Gone)
    }

    #[procedure(post)]
    async fn by_an_alias() -> Found<u32> {
        Err(Gone)
    }

    #[procedure(get)]
    async fn silent() -> Result<u32, Silent> {
        Err(Silent)
    }

    #[procedure(get)]
    async fn converted() -> Result<u32> {
        let found = written().await.map_err(Failure::into_error)?;
        Ok(found + 1)
    }

    #[procedure(get)]
    async fn boxed() -> Result<u32> {
        fn read() -> Result<u32, BoxError> {
            Err("a secret".into())
        }
        Ok(read().map_err(Error::internal)? + 1)
    }

    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    mod chat {
        use super::*;

        #[connect]
        async fn connect() -> Result<(), Gone> {
            Err(Gone)
        }

        #[on(Text)]
        async fn text(_: Text) -> Result<(), Gone> {
            Err(Gone)
        }

        #[fallback]
        async fn rest(_: Incoming) -> Found<()> {
            Err(Gone)
        }
    }

    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    async fn looped(mut events: Receiver<looped::Procedure>) -> Result<(), Gone> {
        while let Ok(Some(_)) = events.recv().await {}
        Err(Gone)
    }

    #[tokio::test]
    async fn an_error_of_the_application_chooses_its_status() {
        let router = router![written, by_an_alias, silent, converted, boxed, chat, looped];
        let app = App::new().mount("a", router).into_router();
        for (method, name, status) in [
            ("GET", "written", 410),
            ("POST", "byAnAlias", 410),
            ("GET", "silent", 500),
            ("GET", "converted", 410),
            ("GET", "boxed", 500),
        ] {
            let request = Request::builder().method(method).uri(format!("/api/a/{name}"));
            let request = request.body(axum::body::Body::empty()).expect("a request");
            let answer = app.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status, "{name}");
            let after = answer.headers().get("retry-after").map(|after| after.as_bytes());
            assert_eq!(after, (status == 410).then_some(b"3".as_slice()), "{name}");
        }
    }
}
