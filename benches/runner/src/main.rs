//! Builds the servers, measures them in interleaved rounds, prints the tables.
//!
//! See `benches/README.md` for how to read them.

mod facts;
mod growth;
mod latency;
mod measure;
mod peer;
mod report;
mod scenario;
mod servers;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Parser, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Map, Value, json};

use crate::facts::Facts;
use crate::measure::{Run, Setup};
use crate::peer::Peer;
use crate::scenario::Scenario;

/// Measures chat servers: deliveries per server CPU second, latency, memory.
#[derive(Parser)]
pub(crate) struct Args {
    /// Comma list; without it, all. The limit always runs: it is what the others are divided by.
    #[arg(long, value_delimiter = ',', value_parser = names(peer::ALL.iter().map(|p| p.name)))]
    peers: Vec<String>,
    /// Comma list; without it, all.
    #[arg(long, value_delimiter = ',', value_parser = names(scenario::ALL.iter().map(|s| s.name)))]
    scenarios: Vec<String>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Length of the measured window.
    #[arg(long, default_value_t = 2.0)]
    secs: f64,
    /// Length of the load before it, which is not measured.
    #[arg(long, default_value_t = 0.8)]
    warmup: f64,
    /// Connections of the idle scenario.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Cores of the servers; without it, as many as workers, from 0.
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
    /// Comma list of what is measured; without it, all.
    #[arg(long, value_enum, value_delimiter = ',')]
    suites: Vec<Suite>,
    /// Writes the tables into README.md and docs/figures.md.
    #[arg(long)]
    write: bool,
}

/// A table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// All servers beside each other, with one worker.
    Servers,
    /// Our own server with one worker and with two.
    Workers,
    /// What the profile `v1` costs.
    V1,
    /// Percentiles in an open loop.
    Latency,
    /// From 100 to 18,000 connections.
    Growth,
}

fn names(names: impl Iterator<Item = &'static str>) -> clap::builder::PossibleValuesParser {
    names.collect::<Vec<_>>().into()
}

/// By scenario and peer; the rounds in order. An error is why the cell is empty.
pub(crate) type Results = BTreeMap<(&'static str, &'static str), Vec<Result<Run, String>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    // Ten thousand connections need as many descriptors, here and in what we start.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
    let mut scenarios: Vec<_> =
        scenario::ALL.iter().filter(|s| wanted(&args.scenarios, s.name)).collect();
    let mut notes = Vec::new();
    if scenarios.iter().any(|s| s.redis) && !peer::installed("redis-server") {
        scenarios.retain(|s| !s.redis);
        notes
            .push("the Redis rows: redis-server is not on PATH: `apt install redis-server`".into());
    }
    eprintln!("building");
    let built = peer::cargo_build(&peer::EVERYTHING).is_ok();
    if !built {
        peer::cargo_build(&["--package", "bench-load"])?;
    }
    let mut peers: Vec<&'static Peer> = Vec::new();
    for (index, peer) in peer::ALL.iter().enumerate() {
        if index > 0 && !wanted(&args.peers, peer.name) {
            continue;
        }
        eprintln!("preparing {}", peer.name);
        match peer.prepare(built) {
            Ok(()) => peers.push(peer),
            Err(why) => notes.push(format!("{}: {why}", peer.title)),
        }
    }
    let output = output_folder()?;
    let facts = facts::gather(&args);
    // One line for each, so that the page keeps its width.
    let how = format!("{}\n", facts.line().replace("; ", ";\n"));
    let bench = Bench { args: &args, output: &output, peers: &peers, scenarios: &scenarios, how };
    let mut report = Report::new(&output, &facts, &notes);
    bench.run_all(&mut report)?;
    print!("{}", report.text);
    eprintln!("results: {}", output.display());
    Ok(())
}

/// What came of the suites so far; each is written as soon as it is there.
struct Report<'a> {
    output: &'a Path,
    text: String,
    json: Map<String, Value>,
}

impl<'a> Report<'a> {
    fn new(output: &'a Path, facts: &Facts, notes: &[String]) -> Self {
        let mut text = format!("{}\n", facts.line());
        for note in notes {
            text.push_str(&format!("\nNot run: {note}\n"));
        }
        let json = Map::from_iter([("facts".to_owned(), json!(facts))]);
        Self { output, text, json }
    }

    fn add(&mut self, name: &str, tables: &str, value: Value) -> std::io::Result<()> {
        self.text.push_str(&format!("\n## {name}\n\n{tables}"));
        self.json.insert(name.to_owned(), value);
        fs::write(self.output.join("tables.md"), &self.text)?;
        fs::write(self.output.join("results.json"), serde_json::to_vec_pretty(&self.json)?)
    }
}

/// What is run, and where it goes.
struct Bench<'a> {
    args: &'a Args,
    output: &'a Path,
    peers: &'a [&'static Peer],
    scenarios: &'a [&'static Scenario],
    /// The machine and the settings, as a line of text.
    how: String,
}

impl Bench<'_> {
    fn wants(&self, suite: Suite) -> bool {
        self.args.suites.is_empty() || self.args.suites.contains(&suite)
    }

    fn setup(&self, workers: usize) -> Setup<'_> {
        Setup { args: self.args, workers, logs: self.output }
    }

    /// Runs the suites, each with its tables and figures.
    fn run_all(&self, report: &mut Report<'_>) -> std::io::Result<()> {
        if self.wants(Suite::Servers) {
            let results = self.rounds(&self.setup(1), self.scenarios, self.peers);
            let all = tables::servers(self.scenarios, self.peers, &results, true);
            let readme = tables::readme(self.peers, &results);
            let details = report::markdown(self.scenarios, self.peers, &results);
            let text = format!("{all}{details}\nREADME:\n\n{readme}");
            report.add("servers", &text, report::json(&results).into())?;
            self.write("docs/figures.md", "servers", &all)?;
            self.write("README.md", "servers", &readme)?;
            self.write("docs/figures.md", "how", &self.how)?;
        }
        if self.wants(Suite::Workers) {
            let (one, two, table) = self.workers();
            let details = report::markdown(&self.of_workers(), self.peers, &two);
            let value = json!([report::json(&one), report::json(&two)]);
            report.add("workers", &format!("{table}{details}"), value)?;
            self.write("docs/figures.md", "workers", &table)?;
        }
        if self.wants(Suite::V1)
            && let Some(ours) = self.peers.iter().find(|peer| peer.is_ours())
        {
            let names = scenario::V1.iter().flat_map(|(scenario, beside)| [*beside, scenario.name]);
            let names: BTreeSet<_> = names.collect();
            let all: Vec<_> = names.into_iter().filter_map(scenario::named).collect();
            let results = self.rounds(&self.setup(1), &all, &[ours]);
            let table = tables::v1(ours, &results);
            report.add("v1", &table, report::json(&results).into())?;
        }
        if self.wants(Suite::Latency) {
            let (table, value) = latency::run(&self.setup(1), self.peers);
            report.add("latency", &table, value)?;
            self.write("docs/figures.md", "latency", &table)?;
        }
        if self.wants(Suite::Growth) {
            let (table, value) = growth::run(&self.setup(1), self.peers);
            report.add("growth", &table, value)?;
            self.write("docs/growth.md", "growth", &table)?;
        }
        Ok(())
    }

    fn of_workers(&self) -> Vec<&'static Scenario> {
        scenario::WORKERS.iter().filter_map(|name| scenario::named(name)).collect()
    }

    /// Our own server and the limit, with one worker and with two.
    fn workers(&self) -> (Results, Results, String) {
        let scenarios = self.of_workers();
        let peers = self.peers.iter().filter(|p| p.is_ours() || p.name == peer::ALL[0].name);
        let peers: Vec<&'static Peer> = peers.copied().collect();
        let one = self.rounds(&self.setup(1), &scenarios, &peers);
        let two = self.rounds(&self.setup(2), &scenarios, &peers);
        let table = tables::workers(&scenarios, &peers, &one, &two);
        (one, two, table)
    }

    fn write(&self, file: &str, name: &str, table: &str) -> std::io::Result<()> {
        if !self.args.write {
            return Ok(());
        }
        let project = peer::home().parent().map(Path::to_path_buf).unwrap_or_default();
        tables::replace(&project.join(file), name, table)
    }

    fn rounds(
        &self,
        setup: &Setup<'_>,
        scenarios: &[&'static Scenario],
        peers: &[&'static Peer],
    ) -> Results {
        let mut results = Results::new();
        for round in 0..self.args.rounds {
            play(setup, round, scenarios, peers, &mut results);
        }
        results
    }
}

/// One round: in each scenario one peer after the other, beginning with another one each time.
fn play(
    setup: &Setup<'_>,
    round: usize,
    scenarios: &[&'static Scenario],
    peers: &[&'static Peer],
    results: &mut Results,
) {
    for scenario in scenarios {
        let first = round % peers.len().max(1);
        for peer in peers[first..].iter().chain(&peers[..first]) {
            if scenario.redis && !peer.redis {
                continue;
            }
            let run = setup.run(peer, scenario).map_err(|why| why.to_string());
            let told = match &run {
                Ok(run) => report::told(scenario, run),
                Err(why) => why.clone(),
            };
            eprintln!(
                "[{}/{}] {:12} {:17} {told}",
                round + 1,
                setup.args.rounds,
                scenario.name,
                peer.name
            );
            results.entry((scenario.name, peer.name)).or_default().push(run);
        }
    }
}

/// `target/bench/<seconds since 1970>`, beside the folder that this program was built into.
fn output_folder() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program lies in no target folder")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let folder = target.join("bench").join(now.to_string());
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
