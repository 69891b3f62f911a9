//! The chat in memory: no port, and no time that passes.

use jstack_runtime::TestServer;
use jstack_runtime::client::{Incoming, Socket};
use jstack_runtime::prelude::*;

use crate::post::{self, Join, NewMessage, Page, Room, ToClient, Typing, chat};

async fn server() -> TestServer {
    App::new().mount("post", post::router()).test().await.unwrap()
}

fn room(name: &str) -> Room {
    Room { room_id: name.to_owned() }
}

fn message(text: &str) -> NewMessage {
    NewMessage { room_id: "general".into(), message: text.to_owned(), author: "ann".into() }
}

/// A client in the room `general`.
async fn joined(server: &TestServer, name: &str) -> Socket<chat::Procedure> {
    let mut socket = server.ws::<chat::Procedure>("post/chat").connect().await.unwrap();
    let join = Join { room_id: "general".into(), author: Some(name.to_owned()) };
    socket.emit().join(&join).await.unwrap();
    assert!(matches!(event(&mut socket).await, ToClient::Joined(_)));
    socket
}

async fn event(socket: &mut Socket<chat::Procedure>) -> ToClient {
    match socket.next().await {
        Some(Incoming::Event(event, _)) => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_reaches_the_room_and_is_kept() {
    let server = server().await;
    let (mut ann, mut bob) = (joined(&server, "ann").await, joined(&server, "bob").await);
    ann.emit().message(&message("hello")).await.unwrap();
    for client in [&mut ann, &mut bob] {
        let ToClient::Message(heard) = event(client).await else { panic!("not a message") };
        assert_eq!(heard.message, "hello");
    }
    let page = Page { room_id: "general".into(), limit: None };
    let recent = server.get::<post::recent::Procedure>("post/recent", &page).await.unwrap();
    assert_eq!(recent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_is_not_read_again_and_typing_was_never_kept() {
    let server = server().await;
    let ann = joined(&server, "ann").await;
    let typing = Typing { room_id: "general".into(), author: "ann".into() };
    ann.emit().typing(&typing).await.unwrap();
    for text in ["one", "two"] {
        ann.confirm(&post::ToServer::Message(message(text))).await.unwrap();
    }
    let page = Page { room_id: "general".into(), limit: Some(1) };
    let recent = || server.get::<post::recent::Procedure>("post/recent", &page);
    let texts: Vec<_> = recent().await.unwrap().into_iter().map(|past| past.message).collect();
    assert_eq!(texts, ["two"]);
    ann.confirm(&post::ToServer::Clear(room("general"))).await.unwrap();
    assert!(recent().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn everybody_in_the_room_is_listed_with_a_name() {
    let server = server().await;
    let (ann, bob) = (joined(&server, "ann").await, joined(&server, "bob").await);
    let names = || async {
        let members = server.io::<chat::Procedure>().presence("general").list().await.unwrap();
        let names = members.into_iter().flat_map(|member| member.states).map(|state| state.name);
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    assert_eq!(names().await, ["ann", "bob"]);
    let again = Join { room_id: "general".into(), author: Some("anna".into()) };
    ann.confirm(&post::ToServer::Join(again)).await.unwrap();
    assert_eq!(names().await, ["anna", "bob"]);
    bob.confirm(&post::ToServer::Join(Join { room_id: "kitchen".into(), author: None }))
        .await
        .unwrap();
    assert_eq!(names().await, ["anna"]);
}

#[tokio::test(start_paused = true)]
async fn others_see_who_is_typing_and_what_was_posted() {
    let server = server().await;
    let (ann, mut bob) = (joined(&server, "ann").await, joined(&server, "bob").await);
    let typing = Typing { room_id: "general".into(), author: "ann".into() };
    ann.emit().typing(&typing).await.unwrap();
    assert!(matches!(event(&mut bob).await, ToClient::Typing(_)));
    let created = server.post::<post::create::Procedure>("post/create", &message("hi")).await;
    assert_eq!(created.unwrap().message, "hi");
    assert!(matches!(event(&mut bob).await, ToClient::Message(_)));
    bob.confirm(&post::ToServer::Clear(room("general"))).await.unwrap();
    assert!(matches!(event(&mut bob).await, ToClient::Cleared(_)));
}

#[tokio::test(start_paused = true)]
async fn an_empty_message_never_leaves() {
    let server = server().await;
    let ann = joined(&server, "ann").await;
    let refused = ann.emit().message(&message("")).await.unwrap_err();
    assert_eq!(refused.issues()[0].path, "message");
    let posted = server.post::<post::create::Procedure>("post/create", &message("")).await;
    assert_eq!(posted.unwrap_err().status(), 422);
}
