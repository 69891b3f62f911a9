//! Tables from runs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Results;
use crate::facts::Facts;
use crate::measure::Run;
use crate::peer::{self, Peer};
use crate::scenario::{IDLE_TARGET, Measure, Scenario};

const OURS: &str = "ours";

/// The figure that is compared; `None` where the run is void.
fn figure(scenario: &Scenario, run: &Run) -> Option<f64> {
    let outcome = &run.outcome;
    match scenario.measure {
        Measure::Idle if outcome.broken > 0 => None,
        Measure::Idle => Some(outcome.connections as f64 / outcome.setup_cpu.max(1e-9)),
        Measure::Deliveries | Measure::Stalled if outcome.lost != 0 || outcome.broken > 0 => None,
        Measure::Deliveries | Measure::Stalled => {
            Some(outcome.delivered as f64 / outcome.server_cpu.max(1e-9))
        }
    }
}

fn kib(run: &Run) -> f64 {
    let outcome = &run.outcome;
    (outcome.rss_after as f64 - outcome.rss_before as f64) / outcome.connections.max(1) as f64
}

/// One line while it runs.
pub(crate) fn told(scenario: &Scenario, run: &Run) -> String {
    let Some(figure) = figure(scenario, run) else {
        return format!("void: lost {}, broken {}", run.outcome.lost, run.outcome.broken);
    };
    let outcome = &run.outcome;
    match scenario.measure {
        Measure::Idle => format!("{} per CPU second, {:.2} KiB each", short(figure), kib(run)),
        _ => format!(
            "{} per CPU second, p99 {} us, client {:.0} % busy",
            short(figure),
            short(outcome.p99_us),
            outcome.client_busy * 100.0
        ),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.0} k", value / 1e3),
        1e3.. => format!("{:.1} k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// The rounds of one peer in one scenario beside the limit's.
struct Cell<'a> {
    scenario: &'a Scenario,
    runs: &'a [Result<Run, String>],
    limit: &'a [Result<Run, String>],
}

impl<'a> Cell<'a> {
    fn find(results: &'a Results, scenario: &'a Scenario, peer: &str) -> Option<Self> {
        let of = |name: &str| {
            let mut all = results.iter();
            all.find(|(key, _)| **key == (scenario.name, name)).map(|(_, runs)| runs.as_slice())
        };
        let limit = of(peer::ALL[0].name).unwrap_or_default();
        Some(Self { scenario, runs: of(peer)?, limit })
    }

    fn median(&self, of: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        median(self.runs.iter().flatten().filter_map(of).collect())
    }

    fn figure(&self) -> Option<f64> {
        self.median(|run| figure(self.scenario, run))
    }

    /// The median of the ratios of each round, not the ratio of the medians: what disturbed a
    /// round disturbed both.
    fn ratio(&self) -> Option<f64> {
        let both = self.runs.iter().zip(self.limit).filter_map(|(run, limit)| {
            let figure = |run: &Result<Run, String>| figure(self.scenario, run.as_ref().ok()?);
            Some(figure(run)? / figure(limit)?)
        });
        median(both.collect())
    }

    fn spread(&self) -> f64 {
        let all: Vec<_> =
            self.runs.iter().flatten().filter_map(|run| figure(self.scenario, run)).collect();
        let most = all.iter().copied().fold(0.0, f64::max);
        let least = all.iter().copied().fold(f64::MAX, f64::min);
        self.figure().map_or(0.0, |median| (most - least) / median)
    }

    /// Why there is no figure, or none of some rounds.
    fn failures(&self) -> Vec<String> {
        let why = |run: &Result<Run, String>| match run {
            Err(why) => Some(why.clone()),
            Ok(run) if figure(self.scenario, run).is_none() => {
                Some(format!("lost {}, broken {}", run.outcome.lost, run.outcome.broken))
            }
            Ok(_) => None,
        };
        self.runs.iter().filter_map(why).collect()
    }
}

pub(crate) fn json(facts: &Facts, results: &Results) -> Value {
    let runs: Vec<Value> = results
        .iter()
        .map(|((scenario, peer), rounds)| {
            json!({ "scenario": scenario, "peer": peer, "rounds": rounds })
        })
        .collect();
    json!({ "facts": facts, "runs": runs })
}

pub(crate) fn markdown(
    facts: &Facts,
    scenarios: &[&Scenario],
    peers: &[&Peer],
    results: &Results,
    notes: &[String],
) -> String {
    let mut out = format!("{}\n\n", facts.line());
    comparison(&mut out, scenarios, peers, results);
    details(&mut out, scenarios, peers, results);
    stalled(&mut out, scenarios, peers, results);
    for note in notes {
        let _ = writeln!(out, "\nNot run: {note}");
    }
    out
}

/// Deliveries per CPU second of the limit, and everybody's ratio to it.
fn comparison(out: &mut String, scenarios: &[&Scenario], peers: &[&Peer], results: &Results) {
    let titles: Vec<_> = peers.iter().map(|peer| peer.title).collect();
    let _ = writeln!(out, "| | {} | target for ours |", titles.join(" | "));
    let _ = writeln!(out, "|---|{}---|", "---|".repeat(peers.len()));
    for scenario in scenarios.iter().filter(|s| s.measure != Measure::Stalled) {
        if scenario.measure == Measure::Idle {
            let cells = peers.iter().map(|peer| {
                let cell = Cell::find(results, scenario, peer.name);
                let size = cell.and_then(|cell| cell.median(|run| Some(kib(run))));
                mark(peer, size.map(|size| (format!("{size:.1}"), size <= IDLE_TARGET)))
            });
            let cells: Vec<_> = cells.collect();
            let row = "idle, KiB a joined connection";
            let _ = writeln!(out, "| {row} | {} | ≤ {IDLE_TARGET} |", cells.join(" | "));
        }
        let cells = peers.iter().enumerate().map(|(index, peer)| {
            let cell = Cell::find(results, scenario, peer.name);
            if index == 0 {
                let figure = cell.and_then(|cell| cell.figure());
                return figure.map_or("void".into(), short);
            }
            match cell {
                None => "–".into(),
                Some(cell) => mark(
                    peer,
                    cell.ratio().map(|r| (ratio(r), scenario.target.is_none_or(|t| r >= t))),
                ),
            }
        });
        let cells: Vec<_> = cells.collect();
        let target = scenario.target.map_or("–".into(), |target| format!("≥ {target:.2}"));
        let _ = writeln!(out, "| {} | {} | {target} |", scenario.title, cells.join(" | "));
    }
}

/// Our own cell says whether it reaches its target.
fn mark(peer: &Peer, value: Option<(String, bool)>) -> String {
    match value {
        None => "void".into(),
        Some((text, reached)) if peer.name == OURS => {
            format!("**{text}**{}", if reached { "" } else { " ✗" })
        }
        Some((text, _)) => text,
    }
}

fn ratio(value: f64) -> String {
    if value < 0.1 { format!("{value:.3}") } else { format!("{value:.2}") }
}

fn details(out: &mut String, scenarios: &[&Scenario], peers: &[&Peer], results: &Results) {
    let _ = writeln!(
        out,
        "\n| scenario | server | per CPU second | spread | per second | p50 µs | p99 µs | server \
         busy | kernel | Redis / server CPU | client busy |\n\
         |---|---|---|---|---|---|---|---|---|---|---|"
    );
    let mut failures = String::new();
    for scenario in scenarios {
        for peer in peers {
            let Some(cell) = Cell::find(results, scenario, peer.name) else { continue };
            for why in cell.failures() {
                let _ = writeln!(failures, "\nVoid: {}, {}: {why}", scenario.name, peer.name);
            }
            let Some(figure) = cell.figure() else { continue };
            let (name, spread) = (scenario.name, cell.spread() * 100.0);
            let _ = write!(out, "| {name} | {} | {} | {spread:.0} % |", peer.name, short(figure));
            if scenario.measure == Measure::Idle {
                out.push_str(" | | | | | | |\n");
                continue;
            }
            let of = |value: fn(&Run) -> f64| cell.median(|run| Some(value(run))).unwrap_or(0.0);
            let _ = writeln!(
                out,
                " {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.2} |",
                short(of(|run| run.outcome.delivered as f64 / run.outcome.secs)),
                short(of(|run| run.outcome.p50_us)),
                short(of(|run| run.outcome.p99_us)),
                of(|run| run.outcome.server_cpu / run.outcome.secs),
                of(|run| run.outcome.server_kernel),
                of(|run| run.outcome.helper_cpu / run.outcome.server_cpu.max(1e-9)),
                of(|run| run.outcome.client_busy),
            );
        }
    }
    out.push_str(&failures);
}

/// What one member that stops reading does to the others and to the server.
fn stalled(out: &mut String, scenarios: &[&Scenario], peers: &[&Peer], results: &Results) {
    let Some(scenario) = scenarios.iter().find(|s| s.measure == Measure::Stalled) else { return };
    let _ = writeln!(
        out,
        "\n| {} | p50 µs, all read | p50 | p99 µs, all read | p99 | server RSS at its peak, KiB, \
         all read | RSS | the reader was |\n|---|---|---|---|---|---|---|---|",
        scenario.title
    );
    for peer in peers {
        let Some(cell) = Cell::find(results, scenario, peer.name) else { continue };
        let with = |value: fn(&bench_load::Outcome) -> f64| {
            cell.median(|run| Some(value(&run.outcome))).map_or("–".into(), short)
        };
        let without = |value: fn(&bench_load::Outcome) -> f64| {
            cell.median(|run| run.all_read.as_ref().map(value)).map_or("–".into(), short)
        };
        let last =
            cell.runs.iter().flatten().filter_map(|run| run.outcome.stalled.as_ref()).next_back();
        let fate = match last {
            Some(stalled) if stalled.closed => match stalled.code {
                Some(code) => format!("closed, {code}"),
                None => "closed".into(),
            },
            _ => "kept".into(),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {fate} |",
            peer.title,
            without(|o| o.p50_us),
            with(|o| o.p50_us),
            without(|o| o.p99_us),
            with(|o| o.p99_us),
            without(|o| o.rss_peak as f64),
            with(|o| o.rss_peak as f64),
        );
    }
}
