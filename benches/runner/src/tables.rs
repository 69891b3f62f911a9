//! The tables of the README and of `docs/figures.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::Results;
use crate::peer::{self, Peer};
use crate::report::{Cell, figure, kib, median, short};
use crate::scenario::{self, IDLE_TARGET, Measure, Scenario};

/// The rows of the README.
const README: [&str; 5] = ["echo-16", "room-100-8", "rooms", "get", "idle"];
/// The columns of the README beside the limit.
const README_PEERS: [&str; 5] = ["ours", "ours-tuned", "axum-ws", "socketioxide", "node-socketio"];

/// A ratio, without the zero before its point.
fn ratio(value: f64) -> String {
    let text = if value < 0.095 { format!("{value:.3}") } else { format!("{value:.2}") };
    text.strip_prefix('0').map_or(text.clone(), str::to_owned)
}

fn header(out: &mut String, titles: &[&str]) {
    let _ = writeln!(out, "| | {} |", titles.join(" | "));
    let _ = writeln!(out, "|---|{}", "---|".repeat(titles.len()));
}

/// Deliveries per CPU second of the limit, and everybody's ratio to it. With `goals`, the last column
/// says what our own server is to reach.
pub(crate) fn servers(
    scenarios: &[&Scenario],
    peers: &[&Peer],
    results: &Results,
    goals: bool,
) -> String {
    let mut out = String::new();
    let mut titles: Vec<_> = peers.iter().map(|peer| peer.title).collect();
    titles.extend(goals.then_some("goal"));
    header(&mut out, &titles);
    let mut row = |title: &str, mut cells: Vec<String>, goal: Option<String>| {
        cells.extend(goals.then(|| goal.unwrap_or_else(|| "–".into())));
        let _ = writeln!(out, "| {title} | {} |", cells.join(" | "));
    };
    for scenario in scenarios.iter().filter(|s| s.measure != Measure::Stalled) {
        if scenario.measure == Measure::Idle {
            let cells = peers.iter().map(|peer| {
                let cell = Cell::find(results, scenario, peer.name);
                let size = cell.and_then(|cell| cell.median(|run| Some(kib(run))));
                size.map_or("void".into(), |size| format!("{size:.1}"))
            });
            row(
                "idle, KiB for each joined connection",
                cells.collect(),
                Some(format!("≤ {IDLE_TARGET}")),
            );
        }
        let cells = peers.iter().map(|peer| match Cell::find(results, scenario, peer.name) {
            None => "–".into(),
            Some(cell) if peer.name == peer::ALL[0].name => {
                cell.figure().map_or("void".into(), short)
            }
            Some(cell) => cell.ratio().map_or("void".into(), ratio),
        });
        let goal = scenario.target.map(|target| format!("≥ {}", ratio(target)));
        row(scenario.title, cells.collect(), goal);
    }
    out
}

/// The README's few rows and columns of the same.
pub(crate) fn readme(peers: &[&Peer], results: &Results) -> String {
    let rows: Vec<_> = README.iter().filter_map(|name| scenario::named(name)).collect();
    let shown = |peer: &&&Peer| peer.name == peer::ALL[0].name || README_PEERS.contains(&peer.name);
    let peers: Vec<&Peer> = peers.iter().filter(shown).copied().collect();
    servers(&rows, &peers, results, false)
}

/// Ratios to the limit with one worker and with two.
pub(crate) fn workers(
    scenarios: &[&Scenario],
    peers: &[&Peer],
    one: &Results,
    two: &Results,
) -> String {
    let mut out = String::new();
    let peers: Vec<_> = peers.iter().filter(|peer| peer.is_ours()).collect();
    let titles: Vec<_> = peers
        .iter()
        .flat_map(|peer| [format!("{}, one worker", peer.title), "two".to_owned()])
        .collect();
    header(&mut out, &titles.iter().map(String::as_str).collect::<Vec<_>>());
    for scenario in scenarios {
        let cells = peers.iter().flat_map(|peer| {
            [one, two].map(|results| {
                let cell = Cell::find(results, scenario, peer.name);
                cell.and_then(|cell| cell.ratio()).map_or("–".into(), ratio)
            })
        });
        let _ = writeln!(out, "| {} | {} |", scenario.title, cells.collect::<Vec<_>>().join(" | "));
    }
    out
}

/// What the profile `v1` costs: deliveries per CPU second and latency, beside the same of the base profile
/// in the same round.
pub(crate) fn v1(peer: &Peer, results: &Results) -> String {
    let mut out = String::new();
    header(&mut out, &["per CPU second", "ratio to base", "p50 µs", "base", "p99 µs", "base"]);
    for (scenario, beside) in &scenario::V1 {
        let find = |name| Cell::find(results, scenario::named(name)?, peer.name);
        let (Some(cell), Some(base)) = (find(scenario.name), find(beside)) else { continue };
        let of = |cell: &Cell<'_>, value: fn(&bench_load::Outcome) -> f64| {
            short(cell.median(|run| Some(value(&run.outcome))).unwrap_or_default())
        };
        let both = cell.runs().iter().zip(base.runs()).filter_map(|(run, base)| {
            let figure = |run: &Result<_, String>| figure(scenario, run.as_ref().ok()?);
            Some(figure(run)? / figure(base)?)
        });
        let ratio = median(both.collect()).map_or("void".into(), ratio);
        let _ = writeln!(
            out,
            "| {} | {} | {ratio} | {} | {} | {} | {} |",
            scenario.title,
            cell.figure().map_or("void".into(), short),
            of(&cell, |o| o.p50_us),
            of(&base, |o| o.p50_us),
            of(&cell, |o| o.p99_us),
            of(&base, |o| o.p99_us),
        );
    }
    out
}

/// Puts `table` in the place of the one behind the line `<!-- benches/run: name -->` of a file.
pub(crate) fn replace(file: &Path, name: &str, table: &str) -> io::Result<()> {
    let text = fs::read_to_string(file)?;
    let mark = format!("<!-- benches/run: {name} -->\n\n");
    let Some((before, rest)) = text.split_once(&mark) else {
        let what = format!("{}: no line `{}`", file.display(), mark.trim());
        return Err(io::Error::other(what));
    };
    let after = rest.find("\n\n").map_or("", |end| &rest[end + 1..]);
    fs::write(file, [before, &mark, table, after].concat())
}
