//! Latency in an open loop, at a part of what each server can do.

use std::fmt::Write as _;
use std::io;

use bench_load::Outcome;
use serde_json::{Value, json};

use crate::measure::Setup;
use crate::peer::Peer;
use crate::report::{median, short};
use crate::scenario::{self, Scenario};

/// Parts of a server's capacity.
const LOADS: [f64; 3] = [0.5, 0.8, 0.95];
/// A part at which a disturbance is looked at.
const DISTURBED: f64 = 0.5;
/// Those who are compared; with all, the run would take an hour.
const PEERS: [&str; 6] =
    ["limit", "ours", "ours-tokio", "axum-ws", "socketioxide", "node-socketio"];

/// What disturbs the others, as the load generator takes it.
const DISTURBANCES: [(&str, &[&str]); 2] = [
    ("a room of 10 beside it floods", &["--flood", "10"]),
    ("a reader stalls", &["--stalled", "1"]),
];

/// The percentiles of one peer under one load, in each round.
struct Line {
    peer: &'static str,
    title: String,
    rounds: Vec<Outcome>,
}

/// Latencies of all peers, as a table and as JSON.
pub(crate) fn run(setup: &Setup<'_>, peers: &[&Peer]) -> (String, Value) {
    let Some(scenario) = scenario::named("rooms") else { return Default::default() };
    let mut lines: Vec<Line> = Vec::new();
    let mut note = |peer: &Peer, title: String, outcome: Outcome| {
        let name = peer.title;
        match lines.iter_mut().find(|line| line.peer == name && line.title == title) {
            Some(line) => line.rounds.push(outcome),
            None => lines.push(Line { peer: name, title, rounds: vec![outcome] }),
        }
    };
    for round in 0..setup.args.rounds {
        for peer in peers.iter().filter(|peer| PEERS.contains(&peer.name)) {
            let loads = LOADS.map(|load| (load, String::new(), &[][..]));
            let disturbed =
                DISTURBANCES.map(|(title, more)| (DISTURBED, format!(", {title}"), more));
            let measured = (|| {
                let closed = setup.load(peer, scenario, &[])?;
                let capacity = closed.sent as f64 / closed.secs;
                for (load, title, more) in loads.into_iter().chain(disturbed) {
                    let outcome = paced(setup, peer, scenario, capacity * load, more)?;
                    note(peer, format!("{:.0} %{title}", load * 100.0), outcome);
                }
                io::Result::Ok(())
            })();
            if let Err(why) = measured {
                eprintln!("latency of {}: {why}", peer.name);
            }
            eprintln!("[{}/{}] latency {}", round + 1, setup.args.rounds, peer.name);
        }
    }
    (table(&lines), json(&lines))
}

fn paced(
    setup: &Setup<'_>,
    peer: &Peer,
    scenario: &Scenario,
    rate: f64,
    more: &[&str],
) -> io::Result<Outcome> {
    let mut arguments = vec!["--rate".to_owned(), format!("{rate:.0}")];
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    setup.load(peer, scenario, &arguments)
}

fn table(lines: &[Line]) -> String {
    let mut out = "| server | load | messages a second | p50 µs | p99 µs | p99.9 µs | lost |\n\
                   |---|---|---|---|---|---|---|\n"
        .to_owned();
    for line in lines {
        let of = |value: fn(&Outcome) -> f64| {
            short(median(line.rounds.iter().map(value).collect()).unwrap_or_default())
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            line.peer,
            line.title,
            of(|o| o.sent as f64 / o.secs),
            of(|o| o.p50_us),
            of(|o| o.p99_us),
            of(|o| o.p999_us),
            line.rounds.iter().map(|o| o.lost).sum::<i64>(),
        );
    }
    out
}

fn json(lines: &[Line]) -> Value {
    let lines = lines
        .iter()
        .map(|line| json!({ "peer": line.peer, "load": line.title, "rounds": line.rounds }));
    lines.collect()
}
