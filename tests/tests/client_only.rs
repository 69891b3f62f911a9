//! A program with the feature `client` alone: what it compiles, and that it talks to a server with which
//! it shares events, payloads and markers.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use client_only::{Draft, Page, Post, Recent, Room, ToClient, ToServer};
use jstack_runtime::client::Incoming;
use jstack_runtime::prelude::*;
use tokio::net::TcpListener;

static POSTS: Mutex<Vec<Post>> = Mutex::new(Vec::new());

#[procedure(ws, incoming = ToServer, outgoing = ToClient, presence = bool)]
pub mod room {
    use super::*;

    #[connect]
    async fn connect(socket: Socket) -> Result {
        socket.join("room").await
    }

    #[on(Save)]
    async fn save(socket: Socket, io: Io, draft: Draft) -> Result<u32> {
        if !socket.ask().confirm("sure?").await? {
            return Err(Error::conflict("it is not sure"));
        }
        let post = {
            let mut posts = POSTS.lock().unwrap();
            let id = u32::try_from(posts.len()).unwrap() + 1;
            posts.push(Post { id, text: draft.text });
            posts[posts.len() - 1].clone()
        };
        io.to("room").saved(&post).await?;
        Ok(post.id)
    }
}

#[procedure(get, input = Page)]
async fn recent(page: Page) -> Vec<Post> {
    POSTS.lock().unwrap().iter().rev().take(page.limit).cloned().collect()
}

fn app() -> App {
    App::new().mount("post", router![room, recent])
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    cargo
}

fn output(mut command: Command) -> String {
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The crates and their features, each as `axum` or `hyper/server`.
fn compiled(package: &str, more: &[&str]) -> Vec<String> {
    let tree = ["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none"];
    let lines = output(cargo(&[&tree[..], &["--no-dedupe", "-f", "{p}|{f}"], more].concat()));
    let names = |line: &str| {
        let (package, features) = line.split_once('|').expect("as the format says");
        let name = package.split(' ').next().unwrap_or_default().to_owned();
        let features = features.split(',').filter(|feature| !feature.is_empty());
        let features: Vec<_> = features.map(|feature| format!("{name}/{feature}")).collect();
        [vec![name], features].concat()
    };
    lines.lines().filter(|line| line.contains('|')).flat_map(names).collect()
}

const SERVER: &[&str] = &[
    "axum",
    "axum-core",
    "h2",
    "hashbrown",
    "hyper/http2",
    "hyper/server",
    "hyper-util/http2",
    "hyper-util/server",
    "hyper-util/server-auto",
    "hyper-util/service",
    "metrics",
    "redis",
    "rustix",
    "subtle",
];

#[test]
fn a_program_with_the_client_alone_compiles_no_server() {
    let compiled = compiled("client-only", &[]);
    assert!(compiled.iter().any(|name| name == "hyper"), "the tree is read: {compiled:?}");
    let server: Vec<_> =
        SERVER.iter().filter(|part| compiled.iter().any(|it| it == *part)).collect();
    assert!(server.is_empty(), "{server:?}");
}

#[test]
fn what_a_server_shares_needs_neither_a_server_nor_a_client() {
    let compiled = compiled("jstack-runtime", &["--no-default-features"]);
    assert!(compiled.iter().any(|name| name == "schemars"), "the tree is read: {compiled:?}");
    let both = |name: &&String| SERVER.contains(&name.as_str()) || name.starts_with("hyper");
    let more: Vec<_> = compiled.iter().filter(both).collect();
    assert!(more.is_empty(), "{more:?}");
}

/// If this failed, the test above would look for names that cargo does not write.
#[test]
fn a_server_compiles_every_part_of_it() {
    let compiled = compiled("jstack-runtime", &["--features", "redis"]);
    let missing: Vec<_> =
        SERVER.iter().filter(|part| !compiled.iter().any(|it| it == *part)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A marker that a program writes and the one of the server's procedure have the same types.
#[tokio::test]
async fn the_shared_markers_are_those_of_the_server() {
    let server = app().test().await.unwrap();
    let mut room = server.ws::<Room>("post/room").connect().await.unwrap();
    room.on_ask(|events| &events.confirm, |_| async { Ok(true) });
    let id = room.request().save(&Draft { text: "in memory".into() }).await.unwrap();
    let heard = loop {
        if let Incoming::Event(ToClient::Saved(post), _) = room.next().await.unwrap() {
            break post;
        }
    };
    assert_eq!(heard, Post { id, text: "in memory".into() });
    let recent = server.get::<Recent>("post/recent", &Page { limit: 100 }).await.unwrap();
    assert!(recent.contains(&heard), "{recent:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "compiles the crate again, without the server"]
async fn it_talks_to_a_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    tokio::spawn(app().serve_on(listener));
    let run = cargo(&["run", "--quiet", "--offline", "-p", "client-only", "--", &base]);
    let heard = tokio::task::spawn_blocking(move || output(run)).await.unwrap();
    let lines: Vec<_> = heard.lines().collect();
    let id = lines[1].strip_prefix("saved ").unwrap();
    assert_eq!(
        lines[..4],
        [
            "refused Err(\"invalid\")".to_owned(),
            format!("saved {id}"),
            format!("heard {id} hello"),
            "here 1".to_owned(),
        ]
    );
    assert!(lines[4].contains(&format!("Post {{ id: {id}, text: \"hello\" }}")), "{heard}");
}
