//! README and `docs/`: their Rust compiles, their tests pass, README's program does what it says,
//! and every link leads somewhere.

#![allow(
    unreachable_pub,
    dead_code,
    unused_imports,
    unused_variables,
    missing_docs,
    clippy::all,
    reason = "the pages' code, with only what a reader needs to see"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use jstack_tests::Client;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

mod suites;

mod pages {
    include!(concat!(env!("OUT_DIR"), "/docs.rs"));
}

/// README's program as printed: it says where it listens, and a message reaches the room.
#[tokio::test]
async fn the_program_of_the_readme_does_what_it_says() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_readme"))
        .env("JSTACK_ADDRESS", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program");
    let mut lines = BufReader::new(program.stderr.take().expect("piped")).lines();
    let address = loop {
        let line = lines.next_line().await.expect("its words").expect("it listens");
        if let Some((_, address)) = line.split_once("listening on http://") {
            break address.trim().parse().expect("an address");
        }
    };
    let mut ann = Client::open(address, "/api/post/chat", "").await.expect("a socket");
    let mut bob = Client::open(address, "/api/post/chat", "").await.expect("a socket");
    // Events of one connection run in order: its own message comes back once it has joined.
    for client in [&mut ann, &mut bob] {
        client.emit("join", "\"general\"").await.expect("sent");
        client.emit("message", r#"{"room":"general","text":"here"}"#).await.expect("sent");
        assert!(client.next_text().await.contains("here"));
    }
    assert!(ann.next_text().await.contains("here"), "bob's");
    ann.emit("message", r#"{"room":"general","text":"hello"}"#).await.expect("sent");
    for client in [&mut ann, &mut bob] {
        let heard = client.next_text().await;
        assert_eq!(heard, r#"["message",{"room":"general","text":"hello"}]"#);
    }
    ann.emit("message", r#"{"room":"general","text":""}"#).await.expect("sent");
    assert!(ann.next_text().await.contains("\"invalid\""));
}

#[tokio::test]
#[ignore = "run by ./check: needs Node"]
async fn the_typescript_and_the_shell_of_the_pages_are_right() {
    let readme = [("JSTACK_README", env!("CARGO_BIN_EXE_readme").as_ref())];
    suites::run("docs.test.mjs", &readme).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Node and Chromium"]
async fn the_page_of_getting_started_chats_as_printed() {
    let readme = [("JSTACK_README", env!("CARGO_BIN_EXE_readme").as_ref())];
    suites::run("getting-started.test.mjs", &readme).await;
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut pages: Vec<PathBuf> = ["docs", ".", "benches", "examples", "fuzz", "clients/js"]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).into_iter().flatten())
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages
}

/// A page's text without its code blocks and comments.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// GitHub's and mdBook's name for a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// The targets of `[text](target)` in a page.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let found = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    found.map(|(target, _)| target.to_owned()).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = pages();
    assert!(pages.len() > 20, "{pages:?}");
    let mut anchors = BTreeMap::new();
    for page in &pages {
        let text = std::fs::read_to_string(page).expect("a page");
        let headings = prose(&text);
        let headings = headings.lines().filter(|line| line.starts_with('#'));
        anchors.insert(normal(page), headings.map(anchor).collect::<BTreeSet<_>>());
    }
    let mut dead = Vec::new();
    for page in &pages {
        let text = std::fs::read_to_string(page).expect("a page");
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => normal(page),
                file => normal(&page.parent().expect("a folder").join(file)),
            };
            let known = anchors.get(&target).is_none_or(|known| known.contains(heading));
            if !target.exists() || !(heading.is_empty() || known) {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn the_book_has_every_page() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).expect("a summary");
    let listed: BTreeSet<_> = links(&summary).into_iter().collect();
    let there: BTreeSet<_> = std::fs::read_dir(root().join("docs"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    assert_eq!(listed, there, "docs/SUMMARY.md and the files of docs/");
}

/// Tables may be wide: a row cannot be broken. Prose may not.
#[test]
fn prose_is_at_most_110_columns_wide() {
    let mut wide = Vec::new();
    for page in pages().iter().filter(|page| page.parent() == Some(&root().join("docs"))) {
        let text = std::fs::read_to_string(page).expect("a page");
        for line in prose(&text).lines() {
            let width = line.chars().count();
            if width > 110 && !line.starts_with('|') {
                wide.push(format!("{} ({width}): {line}", page.display()));
            }
        }
    }
    assert!(wide.is_empty(), "wrap these:\n{}", wide.join("\n"));
}

/// Names of metrics in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("jstack_"));
    names
        .map(|name| name.trim_end_matches("_bucket").to_owned())
        .filter(|name| !name.ends_with('_'))
        .collect()
}

/// `tests/metrics.rs` compares the document with the server; this compares the rest with the document.
#[test]
fn the_dashboard_and_the_alerts_name_metrics_that_exist() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    let documented = metrics(&read("docs/metrics.md"));
    let dashboard = read("deploy/grafana/dashboard.json");
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).expect("a dashboard");
    assert!(parsed["panels"].as_array().is_some_and(|panels| panels.len() > 10));
    let shown = metrics(&dashboard);
    let alerts = metrics(&read("deploy/prometheus/alerts.yml"));
    assert!(shown.len() > 10 && alerts.len() > 5, "{shown:?} {alerts:?}");
    let unknown: Vec<_> = shown.union(&alerts).filter(|name| !documented.contains(*name)).collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
}
