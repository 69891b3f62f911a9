//! The contract of an application with types in all shapes: its TypeScript, its documents, and
//! values of the types against both.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(unreachable_pub, reason = "types as an application has them")]
#![allow(clippy::unused_async, reason = "a procedure is async")]
#![allow(clippy::option_option, clippy::struct_field_names, reason = "all shapes are wanted")]

mod contract {
    pub(crate) mod every;
    pub(crate) mod node;
    pub(crate) mod round_trip;
    pub(crate) mod routes;
    pub(crate) mod types;
}

use contract::{node, routes};

/// `UPDATE=1 cargo test -p jstack-tests --test contract` writes the file anew.
#[test]
fn the_types_in_the_repo_are_those_of_the_rust_types() {
    let written = routes::contract().typescript().expect("no integer is rounded");
    let path = node::folder().join("api.ts");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &written).expect("writable");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(written.lines()).find(|(there, written)| there != written);
    assert!(
        there == written,
        "{} is out of date, `UPDATE=1` writes it: {differs:?}",
        path.display()
    );
}

#[test]
fn the_contract_knows_each_procedure_with_kind_place_and_docs() {
    let contract = routes::contract();
    let chat = contract.procedures().iter().find(|p| p.path == "chat/chat").expect("a chat");
    assert_eq!(chat.kind, jstack_runtime::__private::Kind::Ws);
    assert!(chat.declared_at.contains("routes.rs:"), "{}", chat.declared_at);
    assert_eq!(chat.docs, "Everybody talks.");
    let names = |events: &[jstack_runtime::contract::EventContract]| -> Vec<String> {
        events.iter().map(|event| event.name.clone()).collect()
    };
    assert_eq!(names(&chat.incoming), ["message", "typing", "cleared"]);
    assert_eq!(names(&chat.outgoing), ["message", "userJoined", "moved"]);
    assert_eq!(chat.incoming[0].docs, "Somebody says something.");
    assert!(contract.routes().contains("WS    /api/chat/chat"), "{}", contract.routes());
}

#[test]
fn a_router_describes_itself_without_an_app() {
    let contract = routes::chat().describe();
    assert_eq!(contract.base_path(), "");
    assert!(contract.procedures().iter().any(|p| p.path == "recent"));
}
