//! What `cargo expand` shows: one file a feature, the budgets that keep expansions short, and the
//! names that may not appear. `BLESS=1` writes the files again.

use std::fmt::Write as _;
use std::path::Path;

use proc_macro2::TokenStream;

use crate::expand;

const CHAT: &str = "
/// The room of the house.
pub mod chat {
    use super::*;
    /// Lives as long as the connection.
    pub struct Session { user: User, sent: u64 }
    #[connect]
    async fn connect(socket: Socket, user: User, Query(q): Query<Join>) -> Result<Session> { todo.await }
    #[on(Message)]
    async fn message(session: &mut Session, io: Io, State(db): State<Db>, message: Message) -> Result { todo.await }
    #[on(Typing)]
    async fn typing(socket: Socket, io: Io, typing: Typing) -> Result { todo.await }
    #[on(Cleared)]
    async fn cleared(io: Io, _: ()) -> Result { io.all().cleared(&()).await }
    #[disconnect]
    async fn disconnect(session: Session, reason: CloseReason) { todo.await }
}";
const WS: &str = "ws, incoming = Chat, outgoing = Chat";
const EVENTS: &str = "
pub enum Chat {
    /// One chat message.
    Message(Message),
    UserTyping(Typing),
    #[cfg(feature = \"clear\")]
    Type(()),
}";
const RECENT: &str = "
/// The latest messages.
pub async fn recent(State(db): State<Db>, page: Page) -> Result<Vec<Message>> { todo.await }";

fn procedure(args: &str, item: &str) -> String {
    pretty(expand::procedure(tokens(args), tokens(item)))
}

fn events(item: &str) -> String {
    pretty(expand::events::expand(tokens(item)))
}

fn payload(item: &str) -> String {
    pretty(expand::payload::expand(tokens(item)))
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap()
}

fn pretty(expansion: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(expansion).unwrap())
}

fn assert_golden(name: &str, expansion: &str) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("rs");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, expansion).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == expansion, "{name} has changed; BLESS=1 accepts this:\n{expansion}");
}

#[test]
fn a_module() {
    assert_golden("ws_module", &procedure(WS, CHAT));
}

#[test]
fn a_module_that_shows_who_is_in_its_rooms() {
    let module = "mod chat {
        #[connect] async fn connect(user: User) -> Result<Session> { todo.await }
        #[member] fn member(session: &Session) -> Member<Profile> { todo }
        #[on(Message)] async fn message(_: Message) {}
    }";
    assert_golden("ws_presence", &procedure(&format!("{WS}, presence = Status"), module));
}

#[test]
fn a_function_with_a_loop_of_its_own() {
    let function = "async fn chat(socket: Socket<chat::Procedure>, mut events: Receiver<chat::Procedure>) -> Result { todo.await }";
    assert_golden("ws_function", &procedure(WS, function));
}

#[test]
fn a_module_with_conditions_a_fallback_and_its_own_events() {
    let module = "mod chat {
        #[derive(Events)] pub enum Incoming { Message(Message) }
        #[derive(Events)] pub enum Outgoing { Message(Message) }
        #[cfg(unix)] #[on(Message)] async fn message(user: User, _: Message) {}
        #[fallback] async fn rest(io: Io, event: Incoming) {}
        #[error] async fn error(socket: Socket, error: &Error) {}
    }";
    assert_golden(
        "ws_module_conditional",
        &procedure("ws, rename = \"talk\", state = AppState", module),
    );
}

#[test]
fn a_get() {
    assert_golden("get", &procedure("get, input = Page", RECENT));
}

#[test]
fn a_post_whose_input_may_be_missing() {
    assert_golden(
        "post_optional",
        &procedure("post, input = Page", "async fn create(page: Option<Page>) {}"),
    );
}

#[test]
fn a_program() {
    let main = "async fn main() -> Result<(), BoxError> { App::new().run().await }";
    let expansion = crate::main_attribute::expand(tokens("workers = 4"), tokens(main));
    assert_golden("program", &pretty(expansion));
}

#[test]
fn a_set_of_events() {
    assert_golden("events", &events(EVENTS));
}

#[test]
fn a_payload_without_rules() {
    let item = "#[serde(rename_all = \"camelCase\")] pub struct Page<T> { next_page: Option<u32>, count: u32, items: Vec<T> }";
    assert_golden("payload", &payload(item));
}

#[test]
fn a_payload_with_rules() {
    let item = "pub struct Message<T> where T: Clone { #[garde(length(chars, min = 1))] text: String, #[serde(rename = \"rest\")] #[garde(skip)] more: T }";
    assert_golden("payload_rules", &payload(item));
}

#[test]
fn a_payload_whose_rules_the_fast_path_decides() {
    let item = "pub struct Message { #[garde(length(chars, min = 1, max = 64))] text: String, #[garde(skip)] more: u8, #[garde(range(max = 9))] count: u8 }";
    assert_golden("payload_fast", &payload(item));
}

#[test]
fn rules_that_the_fast_path_cannot_decide_run() {
    let known = "#[garde(length(chars, min = 1))]";
    assert!(payload(&format!("struct A {{ {known} text: String }}")).contains("FastCheck"));
    for item in [
        "#[garde(custom(check))] struct A { #[known] text: String }",
        "struct A { #[known] text: String, #[garde(dive)] more: B }",
        "struct A { #[known] text: String, #[garde(ascii)] more: String }",
        "struct A { #[known] text: String, #[garde(length(chars, min = 1, max = MOST))] more: String }",
        "struct A { #[known] #[garde(ascii)] text: String }",
        "struct A { #[garde(length(chars, equal = 5))] text: String }",
        "struct A { #[garde(length(min = 1))] items: Vec<u8> }",
        "struct A { #[garde(range(min = 0.5))] share: f64 }",
        "enum A { B { #[known] text: String } }",
    ] {
        let expansion = payload(&item.replace("#[known]", known));
        assert!(!expansion.contains("FastCheck"), "{item}: {expansion}");
        assert!(expansion.contains("__private::rules"), "{item}: {expansion}");
    }
}

#[test]
fn a_payload_of_several_shapes() {
    let item = "enum Choice { None, One(Text), Two(u32, Text), Named { a: u32, b: Text } }";
    assert_golden("payload_enum", &payload(item));
}

#[test]
fn a_body_that_is_still_being_typed_expands_all_the_same() {
    let module = CHAT.replace("io.all().cleared(&()).await", "io.all(). if.await");
    let expansion = expand::procedure(tokens(WS), tokens(&module)).to_string();
    let whole = expand::procedure(tokens(WS), tokens(CHAT)).to_string();
    assert_eq!(
        expansion.replace("io . all () . if . await", "io . all () . cleared (& ()) . await"),
        whole
    );
}

#[test]
fn an_argument_that_is_still_being_typed_leaves_the_others_alone() {
    let module = "mod chat {
        #[on(Message)] async fn message(io: , _: Message) -> Result { todo.await }
        #[on(Cleared)] async fn cleared(io: Io, _: ()) -> Result { todo.await }
    }";
    let expansion = expand::procedure(tokens(WS), tokens(module)).to_string();
    assert_eq!(expansion.matches("compile_error").count(), 1);
    assert!(expansion.contains("Incoming :: Cleared (payload) =>"), "{expansion}");
    assert!(!expansion.contains("# [on"), "{expansion}");
    let args =
        expand::procedure(tokens("ws, incoming = Chat, outgoing ="), tokens(CHAT)).to_string();
    assert_eq!(args.matches("compile_error").count(), 1);
    assert!(args.contains("Incoming :: Message (payload) =>"));
}

#[test]
fn another_path_of_the_runtime_is_the_only_one_named() {
    let krate = ", crate = x";
    let mut all = String::new();
    for (args, item) in [(WS, CHAT), ("get, input = Page", RECENT), ("post", "async fn f() {}")] {
        write!(all, "{}", expand::procedure(tokens(&format!("{args}{krate}")), tokens(item)))
            .unwrap();
    }
    let function = "async fn chat(mut events: Receiver<chat::Procedure>) { todo.await }";
    write!(all, "{}", expand::procedure(tokens(&format!("{WS}{krate}")), tokens(function)))
        .unwrap();
    write!(all, "{}", events(&format!("#[events(crate = x)]{EVENTS}"))).unwrap();
    for rules in ["", "#[garde(skip)]"] {
        let item = format!("#[payload(crate = x)] struct A<T> {{ {rules} a: Vec<T> }}");
        write!(all, "{}", payload(&item)).unwrap();
    }
    assert!(all.contains("x :: __private :: Procedure") || all.contains("x::__private::Procedure"));
    assert!(!all.contains("jstack_runtime"), "{all}");
}

/// Lines as they are formatted, without blank ones.
fn lines(source: &str) -> usize {
    source.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The user's own item, formatted as it is in the expansion.
fn own(item: &str) -> usize {
    let plain: String =
        item.lines().filter(|line| !line.trim().starts_with("#[")).collect::<Vec<_>>().join("\n");
    lines(&pretty(tokens(&plain)))
}

/// The lines that an expansion adds to the item.
fn added(expansion: &str, item: &str) -> usize {
    lines(expansion) - own(item)
}

#[test]
fn a_module_adds_at_most_51_lines_and_12_an_event() {
    let added = added(&procedure(WS, CHAT), CHAT);
    let (events, extractors, hooks) = (3, 5, 2);
    // An extractor has a bound, and a line where it is extracted and where it is cloned.
    assert!(added <= 51 + 12 * events + 3 * extractors + 7 * hooks, "{added}");
}

#[test]
fn a_function_adds_at_most_39_lines_and_2_an_extractor() {
    // Five are the types by which clients call it.
    let added = added(&procedure("get, input = Page", RECENT), RECENT);
    assert!(added <= 39 + 2, "{added}");
}

#[test]
fn events_add_at_most_67_lines_and_12_an_event() {
    // The emitter's builders are inherent and consume it, so that two emits in flight cannot mix
    // up their rooms: five methods, and their documentation. The
    // table has each event once, for the emitter, the asker, the replier, the requester and the
    // handlers.
    let item = EVENTS.replace("#[cfg(feature = \"clear\")]", "");
    let added = lines(&events(&item));
    assert!(added <= 67 + 12 * 3, "{added}");
}
