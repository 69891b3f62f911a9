//! What a connection and a delivery cost from few connections to many.

use std::fmt::Write as _;

use bench_load::Outcome;
use serde_json::{Value, json};

use crate::measure::Setup;
use crate::peer::Peer;
use crate::report::{median, short};
use crate::scenario::{self, Scenario};

/// All in rooms of 100.
const CONNECTIONS: [usize; 6] = [100, 1000, 3000, 6000, 12_000, 18_000];
const PEERS: [&str; 2] = ["limit", "ours"];

/// The rounds of one size: idle, and with one message in flight for each connection.
struct Line {
    peer: &'static str,
    connections: usize,
    idle: Vec<Outcome>,
    busy: Vec<Outcome>,
}

/// The costs as a table and as JSON.
pub(crate) fn run(setup: &Setup<'_>, peers: &[&Peer]) -> (String, Value) {
    let (Some(idle), Some(busy)) = (scenario::named("idle"), scenario::named("rooms")) else {
        return Default::default();
    };
    // Only what they measure: the numbers of connections and rooms are set here.
    let idle = Scenario { load: "idle", ..*idle };
    let busy = Scenario { load: "chat", ..*busy };
    let mut lines = Vec::new();
    for peer in peers.iter().filter(|peer| PEERS.contains(&peer.name)) {
        for connections in CONNECTIONS {
            let mut line =
                Line { peer: peer.title, connections, idle: Vec::new(), busy: Vec::new() };
            let rooms = (connections / 100).to_string();
            let more = ["--connections".into(), connections.to_string(), "--rooms".into(), rooms];
            for _ in 0..setup.args.rounds {
                for (scenario, rounds) in [(&idle, &mut line.idle), (&busy, &mut line.busy)] {
                    match setup.load(peer, scenario, &more) {
                        Ok(outcome) => rounds.push(outcome),
                        Err(why) => eprintln!("growth of {}: {why}", peer.name),
                    }
                }
            }
            eprintln!("growth {} {connections}", peer.name);
            lines.push(line);
        }
    }
    (table(&lines), json(&lines))
}

fn table(lines: &[Line]) -> String {
    let mut out =
        "| server | connections | KiB each, idle | set-up, CPU µs each | KiB each, all talk \
                   | CPU µs a delivery | p99 ms |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for line in lines {
        let of = |rounds: &[Outcome], value: fn(&Outcome) -> f64| {
            median(rounds.iter().map(value).collect()).unwrap_or_default()
        };
        let kib = |o: &Outcome| (o.rss_peak as f64 - o.rss_before as f64) / o.connections as f64;
        let _ = writeln!(
            out,
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.2} | {} |",
            line.peer,
            line.connections,
            of(&line.idle, kib),
            of(&line.idle, |o| o.setup_cpu * 1e6 / o.connections as f64),
            of(&line.busy, kib),
            of(&line.busy, |o| o.server_cpu * 1e6 / (o.delivered as f64).max(1.0)),
            short(of(&line.busy, |o| o.p99_us / 1000.0)),
        );
    }
    out
}

fn json(lines: &[Line]) -> Value {
    let lines = lines.iter().map(|line| {
        json!({ "peer": line.peer, "connections": line.connections, "idle": line.idle,
                "busy": line.busy })
    });
    lines.collect()
}
