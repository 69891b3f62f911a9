//! Who is in a room, as the Rust client sees it, from a server in memory.

use std::time::Duration;

use jstack_runtime::TestServer;
use jstack_runtime::client::{PresenceChange, Socket, Watch};
use jstack_runtime::prelude::*;
use tokio::time::timeout;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Mood {
    #[garde(length(chars, max = 10))]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Profile {
    pub name: String,
}

#[derive(Clone, Debug, Events)]
pub enum Hall {
    Leave(()),
    End(()),
}

#[procedure(ws, incoming = Hall, outgoing = Hall, presence = Mood)]
pub mod hall {
    use super::*;

    pub struct Session {
        name: String,
    }

    #[connect]
    async fn connect(socket: Socket, Bearer(name): Bearer) -> Result<Session> {
        if name != "nobody" {
            socket.join("hall").await?;
        }
        Ok(Session { name })
    }

    #[member]
    fn member(session: &Session) -> Member<Profile> {
        Member::new(&session.name, Profile { name: session.name.to_uppercase() })
    }

    #[on(Leave)]
    async fn leave(socket: Socket, (): ()) -> Result {
        socket.leave("hall").await
    }

    #[on(End)]
    async fn end(socket: Socket, (): ()) {
        socket.close(1012, "again");
    }
}

type Chat = Socket<hall::Procedure>;

async fn server() -> TestServer {
    App::new().mount("hall", router![hall]).test().await.unwrap()
}

async fn enter(server: &TestServer, name: &str) -> Chat {
    let dial = server.ws::<hall::Procedure>("hall/hall");
    dial.header("authorization", &format!("Bearer {name}")).connect().await.unwrap()
}

fn keys(watch: &Watch<hall::Procedure>) -> Vec<String> {
    watch.list().into_iter().map(|member| member.key).collect()
}

/// The next change, in short.
async fn change(watch: &mut Watch<hall::Procedure>) -> String {
    let next = timeout(Duration::from_secs(10), watch.next()).await.expect("a change");
    match next {
        Some(PresenceChange::Listed) => "listed".to_owned(),
        Some(PresenceChange::Joined(member)) => format!("{} came", member.info.name),
        Some(PresenceChange::Updated(member)) => {
            let moods: Vec<_> = member.states.iter().map(|mood| &*mood.text).collect();
            format!("{} is {}", member.key, moods.join("+"))
        }
        Some(PresenceChange::Left(member)) => format!("{} left", member.key),
        Some(PresenceChange::Stale) => "stale".to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn members_come_say_something_and_leave() {
    let server = server().await;
    let ann = enter(&server, "ann").await;
    let room = ann.presence("hall");
    assert_eq!(room.count().await.unwrap(), 1);
    assert_eq!(room.list().await.unwrap()[0].info, Profile { name: "ANN".to_owned() });

    let mut watch = room.watch();
    assert_eq!(change(&mut watch).await, "listed");
    let bob = enter(&server, "bob").await;
    assert_eq!(change(&mut watch).await, "BOB came");
    bob.presence("hall").set(&Mood { text: "well".to_owned() }).unwrap();
    assert_eq!(change(&mut watch).await, "bob is well");
    bob.presence("hall").clear();
    assert_eq!(change(&mut watch).await, "bob is ");
    let others: Vec<_> = watch.others().into_iter().map(|member| member.key).collect();
    assert_eq!((others, watch.me().unwrap().key), (vec!["bob".to_owned()], "ann".to_owned()));
    bob.emit().leave(&()).await.unwrap();
    assert_eq!(change(&mut watch).await, "bob left");
    assert_eq!((keys(&watch), watch.count(), watch.is_stale()), (vec!["ann".to_owned()], 1, false));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_keeps_the_list_and_says_its_state_again() {
    let server = server().await;
    let ann = enter(&server, "ann").await;
    let bob = enter(&server, "bob").await;
    ann.presence("hall").set(&Mood { text: "here".to_owned() }).unwrap();
    let mut watch = ann.presence("hall").watch();
    let mut outside = bob.presence("hall").watch();
    assert_eq!(change(&mut watch).await, "listed");
    assert_eq!(change(&mut outside).await, "listed");
    while !outside.list()[0].states.iter().any(|mood| mood.text == "here") {
        change(&mut outside).await;
    }

    ann.emit().end(&()).await.unwrap();
    while change(&mut watch).await != "stale" {}
    assert_eq!((keys(&watch), watch.is_stale()), (vec!["ann".to_owned(), "bob".to_owned()], true));
    while change(&mut watch).await != "listed" {}
    while !outside.list()[0].states.iter().any(|mood| mood.text == "here") {
        change(&mut outside).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_in_the_room_or_breaks_a_rule_gets_an_error() {
    let server = server().await;
    let nobody = enter(&server, "nobody").await;
    let error = nobody.presence("hall").list().await.unwrap_err();
    assert_eq!(error.code(), "timeout");
    assert!(error.message().contains("is this connection in it?"), "{error}");
    let error = nobody.presence("hall").set(&Mood { text: "far too long".to_owned() }).unwrap_err();
    assert_eq!(error.issues()[0].path, "text");
    nobody.close(1000, "");
    assert_eq!(nobody.presence("hall").count().await.unwrap_err().code(), "closed");
    assert!(nobody.presence("hall").watch().next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_of_the_base_profile_shows_nobody() {
    let server = server().await;
    let dial = server.ws::<hall::Procedure>("hall/hall").base_profile();
    let ann = dial.header("authorization", "Bearer ann").connect().await.unwrap();
    assert_eq!(ann.presence("hall").list().await.unwrap_err().code(), "unsupported");
}
