//! One run of the load generator against one peer.

use std::io;
use std::path::Path;
use std::process::Command;

use bench_load::Outcome;

use crate::Args;
use crate::facts;
use crate::peer::{self, Peer};
use crate::scenario::{ALL_READ, Measure, Scenario};
use crate::servers::{Cluster, on_cores};

/// What one scenario brought for one peer in one round.
#[derive(Clone, serde::Serialize)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    /// The run beside it in which everybody reads.
    pub(crate) all_read: Option<Outcome>,
}

/// How a run is set up beside its scenario.
pub(crate) struct Setup<'a> {
    pub(crate) args: &'a Args,
    pub(crate) workers: usize,
    pub(crate) logs: &'a Path,
}

impl Setup<'_> {
    /// Starts a peer's servers.
    pub(crate) fn servers(&self, peer: &Peer, redis: bool) -> io::Result<Cluster> {
        let cores = facts::server_cores(self.args, self.workers);
        Cluster::start(peer, &cores, self.workers, redis, self.logs)
    }

    /// Runs a scenario once.
    pub(crate) fn run(&self, peer: &Peer, scenario: &Scenario) -> io::Result<Run> {
        let load = |scenario: &Scenario| {
            let more = match scenario.measure {
                Measure::Idle => vec!["--connections".into(), self.args.idle.to_string()],
                Measure::Deliveries | Measure::Stalled => Vec::new(),
            };
            self.load(peer, scenario, &more)
        };
        let all_read = match scenario.measure {
            Measure::Stalled => Some(load(&ALL_READ)?),
            Measure::Deliveries | Measure::Idle => None,
        };
        Ok(Run { outcome: load(scenario)?, all_read })
    }

    /// Runs the load generator once, on fresh servers, with `more` arguments.
    pub(crate) fn load(
        &self,
        peer: &Peer,
        scenario: &Scenario,
        more: &[String],
    ) -> io::Result<Outcome> {
        let servers = self.servers(peer, scenario.redis)?;
        let list = |items: Vec<String>| items.join(",");
        let addresses = servers.nodes.iter().map(|n| format!("127.0.0.1:{}", n.port)).collect();
        let pids = servers.nodes.iter().map(|node| node.pid().to_string()).collect();
        let path = if scenario.load.starts_with("get") { peer.get } else { peer.chat };
        let mut command = Command::new(peer::load_generator());
        command.args(scenario.load.split(' '));
        command.args(["--address", &list(addresses), "--pid", &list(pids), "--path", path]);
        command.args(["--dialect", scenario.dialect.unwrap_or(peer.dialect)]);
        command.args(["--secs", &self.args.secs.to_string()]);
        command.args(["--warmup", &self.args.warmup.to_string()]).args(more);
        if let Some(redis) = &servers.redis {
            command.args(["--helper", &redis.pid().to_string()]);
        }
        let core = facts::client_core(self.args, self.workers);
        let output = on_cores(&[core], || command.output())?;
        if output.status.success() {
            return serde_json::from_slice(&output.stdout).map_err(io::Error::other);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(said.lines().collect::<Vec<_>>().join("; ")))
    }
}
