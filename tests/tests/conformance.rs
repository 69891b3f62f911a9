//! The corpus in `clients/conformance`, run by the Rust client, and by the server for its part. Its README
//! says what each step means.
//!
//! What this client does in its own way: its token travels in `Authorization`, which counts as the
//! second subprotocol; what its `emit` refuses is an `Err`, which counts as `false` and a report; and
//! a volatile event that is dropped is `Ok`.
#![allow(missing_docs, clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "conformance/application.rs"]
mod application;
#[path = "conformance/player.rs"]
mod player;
#[path = "conformance/scripted.rs"]
mod scripted;
#[path = "conformance/server.rs"]
mod server;
#[path = "conformance/values.rs"]
mod values;
#[path = "conformance/views.rs"]
mod views;

use std::path::Path;

use futures_util::StreamExt as _;
use player::Player;
use serde_json::Value;
use server::Guest;

/// How many scripts run at once.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn the_rust_client_keeps_every_promise_of_the_corpus() {
    let skips = |script: &Value| names(script, "skip", "rust");
    let scripts = corpus().into_iter().filter(|(_, script)| !skips(script)).collect();
    assert!(play(scripts, Player::run).await > 100);
}

#[tokio::test]
async fn the_server_keeps_its_part_of_the_corpus() {
    let plays = |script: &Value| names(script, "also", "server");
    let scripts = corpus().into_iter().filter(|(_, script)| plays(script)).collect();
    assert!(play(scripts, Guest::run).await >= 20);
}

/// The scripts, each with the name of its file.
fn corpus() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/conformance");
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".json") {
            continue;
        }
        let list: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
        scripts.extend(list.into_iter().map(|script| (name.clone(), script)));
    }
    scripts
}

/// Whether the script's list `key` has `runner`.
fn names(script: &Value, key: &str, runner: &str) -> bool {
    script[key].as_array().into_iter().flatten().any(|name| name == runner)
}

/// Plays all scripts, and fails with those that failed. Returns how many there were.
async fn play<F>(scripts: Vec<(String, Value)>, run: impl Fn(Value) -> F) -> usize
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let runs = scripts.into_iter().map(|(file, script)| {
        let name = format!("{file}: {}", script["name"]);
        let run = run(script);
        async move {
            // A task of its own, so that one that fails does not end the others.
            match tokio::spawn(run).await {
                Ok(Ok(())) => None,
                Ok(Err(why)) => Some(format!("{name}: {why}")),
                Err(panic) => Some(format!("{name}: {panic}")),
            }
        }
    });
    let ended: Vec<_> = futures_util::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<_> = ended.iter().flatten().map(String::as_str).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), ended.len(), failed.join("\n"));
    ended.len()
}
