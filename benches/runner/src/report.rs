//! Tables from runs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Results;
use crate::measure::Run;
use crate::peer::{self, Peer};
use crate::scenario::{Measure, Scenario};

/// The figure that is compared; `None` where the run is void.
pub(crate) fn figure(scenario: &Scenario, run: &Run) -> Option<f64> {
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

pub(crate) fn kib(run: &Run) -> f64 {
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

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

pub(crate) fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.0} k", value / 1e3),
        1e3.. => format!("{:.1} k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// The rounds of one peer in one scenario beside the limit's.
pub(crate) struct Cell<'a> {
    scenario: &'a Scenario,
    runs: &'a [Result<Run, String>],
    limit: &'a [Result<Run, String>],
}

impl<'a> Cell<'a> {
    pub(crate) fn find(results: &'a Results, scenario: &'a Scenario, peer: &str) -> Option<Self> {
        let of = |name: &str| {
            let mut all = results.iter();
            all.find(|(key, _)| **key == (scenario.name, name)).map(|(_, runs)| runs.as_slice())
        };
        let limit = of(peer::ALL[0].name).unwrap_or_default();
        Some(Self { scenario, runs: of(peer)?, limit })
    }

    pub(crate) fn median(&self, of: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        median(self.runs.iter().flatten().filter_map(of).collect())
    }

    pub(crate) fn figure(&self) -> Option<f64> {
        self.median(|run| figure(self.scenario, run))
    }

    /// The median of the ratios of each round, not the ratio of the medians: what disturbed a
    /// round disturbed both.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let both = self.runs.iter().zip(self.limit).filter_map(|(run, limit)| {
            let figure = |run: &Result<Run, String>| figure(self.scenario, run.as_ref().ok()?);
            Some(figure(run)? / figure(limit)?)
        });
        median(both.collect())
    }

    pub(crate) fn runs(&self) -> &'a [Result<Run, String>] {
        self.runs
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

/// All runs of a suite.
pub(crate) fn json(results: &Results) -> Vec<Value> {
    let runs = results.iter().map(|((scenario, peer), rounds)| {
        json!({ "scenario": scenario, "peer": peer, "rounds": rounds })
    });
    runs.collect()
}

/// The details of each scenario, and what a reader does that stops.
pub(crate) fn markdown(scenarios: &[&Scenario], peers: &[&Peer], results: &Results) -> String {
    let mut out = String::new();
    details(&mut out, scenarios, peers, results);
    stalled(&mut out, scenarios, peers, results);
    out
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
