//! Builds the servers, measures them in interleaved rounds, prints the tables.
//!
//! See `benches/README.md` for how to read them.

mod facts;
mod measure;
mod peer;
mod report;
mod scenario;
mod servers;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::measure::Run;
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
    /// Threads of the servers that can have several. The limit keeps its one.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Connections of the idle scenario.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Cores of the servers; without it, as many as workers, from 0, one being left for the load
    /// generator.
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
}

fn names(names: impl Iterator<Item = &'static str>) -> clap::builder::PossibleValuesParser {
    names.collect::<Vec<_>>().into()
}

impl Args {
    fn server_cores(&self) -> Vec<usize> {
        if self.cores.is_empty() {
            return (0..self.workers.min(facts::cores().saturating_sub(1)).max(1)).collect();
        }
        self.cores.clone()
    }

    /// The first core that the servers do not use.
    fn client_core(&self) -> usize {
        let servers = self.server_cores();
        (0..facts::cores()).find(|core| !servers.contains(core)).unwrap_or(0)
    }
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
    let mut peers: Vec<&Peer> = Vec::new();
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
    let mut results = Results::new();
    for round in 0..args.rounds {
        play(&args, &output, round, &scenarios, &peers, &mut results);
    }
    let path = output.join("results.json");
    fs::write(&path, serde_json::to_vec_pretty(&report::json(&facts, &results))?)?;
    print!("{}", report::markdown(&facts, &scenarios, &peers, &results, &notes));
    eprintln!("results: {}", path.display());
    Ok(())
}

/// One round: in each scenario one peer after the other, beginning with another one each time.
fn play(
    args: &Args,
    output: &Path,
    round: usize,
    scenarios: &[&Scenario],
    peers: &[&Peer],
    results: &mut Results,
) {
    for scenario in scenarios {
        let first = round % peers.len().max(1);
        for peer in peers[first..].iter().chain(&peers[..first]) {
            if scenario.redis && !peer.redis {
                continue;
            }
            let run = measure::run(args, output, peer, scenario).map_err(|why| why.to_string());
            let told = match &run {
                Ok(run) => report::told(scenario, run),
                Err(why) => why.clone(),
            };
            eprintln!(
                "[{}/{}] {:12} {:17} {told}",
                round + 1,
                args.rounds,
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
