//! The corpus in `clients/conformance`, run by the Rust client. Its README says what each step means.
//!
//! What this client does in its own way: its token travels in `Authorization`, which counts as the
//! second subprotocol; what its `emit` refuses is an `Err`, which counts as `false` and a report; and
//! a volatile event that is dropped is `Ok`.
#![allow(missing_docs, clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "conformance/player.rs"]
mod player;
#[path = "conformance/scripted.rs"]
mod scripted;

use std::path::Path;

use futures_util::StreamExt as _;
use player::Player;
use serde_json::Value;

/// How many scripts run at once.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn the_rust_client_keeps_every_promise_of_the_corpus() {
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
    let runs =
        scripts.into_iter().filter(|(_, script)| !skips(script)).map(|(file, script)| async move {
            let name = format!("{file}: {}", script["name"]);
            // A task of its own, so that one that fails does not end the others.
            match tokio::spawn(Player::run(script)).await {
                Ok(Ok(())) => None,
                Ok(Err(why)) => Some(format!("{name}: {why}")),
                Err(panic) => Some(format!("{name}: {panic}")),
            }
        });
    let ended: Vec<_> = futures_util::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    assert!(ended.len() > 100, "only {} scripts", ended.len());
    let failed: Vec<_> = ended.iter().flatten().map(String::as_str).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), ended.len(), failed.join("\n"));
}

fn skips(script: &Value) -> bool {
    script["skip"].as_array().into_iter().flatten().any(|runner| runner == "rust")
}
