//! The contract of an application with types in all shapes: its TypeScript, its documents, and
//! values of the types against both.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(unreachable_pub, reason = "types as an application has them")]
#![allow(clippy::unused_async, reason = "a procedure is async")]
#![allow(clippy::option_option, clippy::struct_field_names, reason = "all shapes are wanted")]

mod contract {
    pub(crate) mod composed;
    pub(crate) mod every;
    pub(crate) mod helpers;
    pub(crate) mod node;
    pub(crate) mod round_trip;
    pub(crate) mod routes;
    pub(crate) mod types;
}

use contract::{node, routes};
use jstack_runtime::App;
use jstack_runtime::contract::{Contract, Delivery, EventContract, ProcedureContract};
use serde_json::{Value, json};

/// `UPDATE=1 cargo test -p jstack-tests --test contract` writes the file again.
#[test]
fn the_types_in_the_repo_are_those_of_the_rust_types() {
    let written = routes::contract().stock_typescript().expect("no integer is rounded");
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

fn procedure<'a>(contract: &'a Contract, path: &str) -> &'a ProcedureContract {
    contract.procedures().iter().find(|p| p.path == path).expect("it is mounted")
}

#[test]
fn replies_questions_classes_and_the_query_are_in_the_contract() {
    let contract = routes::contract();
    let board = procedure(&contract, "live/board");
    let event = |events: &[EventContract], name: &str| -> EventContract {
        events.iter().find(|event| event.name == name).expect("an event").clone()
    };
    let save = event(&board.incoming, "save");
    assert_eq!(save.reply, Some(json!({ "$ref": "#/$defs/Message" })));
    assert_eq!(save.schema, json!({ "$ref": "#/$defs/MessageInput" }));
    assert_eq!((save.ask, save.delivery), (None, Delivery::Reliable));
    let confirm = event(&board.outgoing, "confirm");
    assert_eq!(confirm.ask, Some(json!({ "$ref": "#/$defs/Color" })));
    assert_eq!(event(&board.incoming, "typing").delivery, Delivery::Volatile);
    let cursor = event(&board.outgoing, "cursor");
    // The field's name on the wire, not in Rust.
    assert_eq!(cursor.latest_by.as_deref(), Some("userId"));
    assert!(event(&board.incoming, "waving").forget && !cursor.forget);

    let params = board.params.as_ref().expect("a query");
    assert_eq!(params.schema, json!({ "$ref": "#/$defs/BoardParams" }));
    assert!(!params.optional);
    assert!(procedure(&contract, "live/watch").params.as_ref().is_some_and(|p| p.optional));
    assert!(procedure(&contract, "chat/chat").params.is_none());
    let viewed = procedure(&contract, "live/viewed").params.as_ref().expect("two queries");
    let both = json!([{ "type": "object" }, { "$ref": "#/$defs/BoardParams" }]);
    assert_eq!((&viewed.schema["allOf"], viewed.optional), (&both, false));
}

#[test]
fn the_contract_as_json_says_the_same() {
    let contract = routes::contract().json();
    let procedures = contract["procedures"].as_array().expect("a list");
    let board = procedures.iter().find(|p| p["path"] == "live/board").expect("a board");
    assert_eq!(board["incoming"][0]["reply"], json!({ "$ref": "#/$defs/Message" }));
    assert_eq!(board["incoming"][1]["delivery"], "latest");
    assert_eq!(board["incoming"][1]["latestBy"], "userId");
    assert_eq!(board["params"]["optional"], false);
    let presence =
        json!({ "state": { "$ref": "#/$defs/Doing" }, "info": { "$ref": "#/$defs/Person" } });
    assert_eq!(board["presence"], presence);
    assert_eq!(board["history"], json!({ "messages": 100, "millis": 300_000 }));
    let watch = procedures.iter().find(|p| p["path"] == "live/watch").expect("a watch");
    assert_eq!(
        watch["presence"],
        json!({ "state": { "type": "boolean" }, "info": { "type": "null" } })
    );
    assert_eq!(watch["history"], Value::Null);
}

#[test]
fn typescript_has_presence_and_history_only_where_a_procedure_has_them() {
    let file = routes::contract().typescript().expect("no integer is rounded");
    let line = |text: &str| file.lines().any(|line| line.trim() == text);
    assert!(line("presence: { state: Doing; info: Person }"), "{file}");
    // `confirm` asks one client, and of `cursor` only the newest counts.
    assert!(line("history: \"saved\""), "{file}");
    assert_eq!(file.matches(" history: ").count(), 1);
    assert!(file.contains("presence: { state: boolean; info: null }"), "{file}");
}

#[test]
fn an_answer_counts_only_where_it_travels() {
    let contract = App::<()>::new().mount("a", routes::both_ways()).describe();
    let both = procedure(&contract, "a/twoWay");
    let has = |events: &[EventContract]| -> Vec<(bool, bool)> {
        events.iter().map(|event| (event.reply.is_some(), event.ask.is_some())).collect()
    };
    assert_eq!(has(&both.incoming), [(true, false), (false, false)]);
    assert_eq!(has(&both.outgoing), [(false, false), (false, true)]);
}

#[test]
fn an_integer_that_is_rounded_is_found_in_replies_answers_and_the_query() {
    let contract = App::<()>::new().mount("a", routes::wide::router()).describe();
    let error = contract.typescript().expect_err("JavaScript rounds them").to_string();
    let found: Vec<_> = error.lines().filter_map(|line| line.split_once(" is rounded")).collect();
    let found: Vec<_> = found.into_iter().map(|(what, _)| what).collect();
    assert_eq!(
        found,
        [
            "field `id` of type `Wide`: u64",
            "field `since` of the query of `a/socket`: u64",
            "the reply to event `count` of `a/socket`: u64",
            "the answer to event `choose` of `a/socket`: i64",
            "what a client of `a/socket` says about itself: u64",
        ]
    );
    assert_eq!(contract.stock_typescript().expect_err("the same").to_string(), error);
}

#[test]
fn the_asyncapi_document_has_requests_questions_classes_and_the_query() {
    let document = routes::contract().asyncapi();
    let replies = |operation: &str| -> Vec<String> {
        let messages = document["operations"][operation]["reply"]["messages"].as_array();
        let target = |message: &Value| message["$ref"].as_str().unwrap_or_default().to_owned();
        messages.expect("a reply").iter().map(target).collect()
    };
    let message = |name: &str| format!("#/channels/live.board/messages/{name}");
    assert_eq!(replies("live.board.request.save"), [message("reply.save"), message("v1.err")]);
    assert_eq!(replies("live.board.request.leave"), [message("v1.ok"), message("v1.err")]);
    assert_eq!(replies("live.board.ask.confirm"), [message("answer.confirm"), message("v1.err")]);
    assert_eq!(replies("live.board.v1.token"), [message("v1.renewed"), message("v1.err")]);
    let board = &document["channels"]["live.board"];
    let cursor = &board["messages"]["incoming.cursor"];
    assert_eq!(
        (&cursor["x-delivery"], &cursor["x-latest-by"]),
        (&json!("latest"), &json!("userId"))
    );
    assert!(board["messages"]["incoming.save"].get("x-delivery").is_none());
    let saved = &board["messages"]["reply.save"]["payload"]["items"];
    assert_eq!(saved[1], json!({ "$ref": "#/components/schemas/Message" }));
    let query = &board["bindings"]["ws"]["query"];
    assert_eq!(query["required"], json!(["boardId"]));
    assert_eq!(document["components"]["messages"]["v1.welcome"]["name"], "$welcome");
    let presence = [message("v1.members"), message("v1.ok"), message("v1.err")];
    assert_eq!(replies("live.board.v1.watch"), presence);
    let member = &board["messages"]["v1.members"]["payload"]["items"][1]["properties"]["members"];
    let info = &member["items"]["properties"]["info"];
    assert_eq!(info, &json!({ "$ref": "#/components/schemas/Person" }));
    let without = &document["channels"]["chat.chat"]["messages"];
    assert!(without.get("v1.presence").is_none() && without.get("v1.welcome").is_some());
}

#[test]
fn the_asyncapi_document_has_the_frames_of_a_history_only_where_there_is_one() {
    let document = routes::contract().asyncapi();
    let messages = |channel: &str| document["channels"][channel]["messages"].clone();
    let board = messages("live.board");
    let data = |name: &str| board[name]["payload"]["items"][1].clone();
    let has = |schema: &Value, properties: &[&str]| {
        let of = schema["properties"].as_object().expect("an object");
        properties.iter().all(|name| of.contains_key(*name))
    };
    for (name, event) in
        [("v1.history", "$history"), ("v1.page", "$ok"), ("v1.at", "$at"), ("v1.pos", "$pos")]
    {
        assert_eq!(board[name]["name"], event);
    }
    assert!(has(&data("v1.history")["oneOf"][0], &["r", "after", "was"]));
    assert!(has(&data("v1.history")["oneOf"][1], &["r", "before", "limit"]));
    assert!(has(&data("v1.page"), &["e", "o", "items", "more", "gap"]));
    assert!(has(&data("v1.at"), &["r", "o"]));
    assert!(has(&data("v1.room"), &["r", "in", "e", "o"]));
    // `confirm` is a question, and of `cursor` only the newest counts.
    let kept = board.as_object().expect("messages").keys();
    assert_eq!(kept.filter(|name| name.starts_with("kept.")).count(), 1);
    let saved = &board["kept.saved"]["payload"]["items"];
    assert_eq!(saved[0], json!({ "const": "saved" }));
    assert!(has(&saved[2], &["r", "o"]));
    // An item of a page, and one that was not for the client.
    let items = data("v1.page")["properties"]["items"]["items"]["anyOf"].clone();
    let names: Vec<_> =
        items.as_array().expect("two").iter().map(|it| &it["items"][0]["const"]).collect();
    assert_eq!(names, ["saved", ""]);
    let watch = messages("live.watch");
    assert!(watch.get("v1.history").is_none() && watch.get("v1.at").is_none());
    assert_eq!(watch["v1.room"]["payload"]["items"][1]["properties"].get("e"), None);
    assert!(messages("chat.chat").get("v1.room").is_none());
}

#[test]
fn a_router_describes_itself_without_an_app() {
    let contract = routes::chat().describe();
    assert_eq!(contract.base_path(), "");
    assert!(contract.procedures().iter().any(|p| p.path == "recent"));
}
