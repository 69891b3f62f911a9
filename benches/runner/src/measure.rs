//! One run of the load generator against one peer.

use std::io;
use std::path::Path;
use std::process::Command;

use bench_load::Outcome;

use crate::Args;
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

pub(crate) fn run(args: &Args, logs: &Path, peer: &Peer, scenario: &Scenario) -> io::Result<Run> {
    let fresh = || Cluster::start(peer, &args.server_cores(), args.workers, scenario.redis, logs);
    let all_read = match scenario.measure {
        Measure::Stalled => Some(load(args, peer, &ALL_READ, &fresh()?)?),
        Measure::Deliveries | Measure::Idle => None,
    };
    Ok(Run { outcome: load(args, peer, scenario, &fresh()?)?, all_read })
}

fn load(args: &Args, peer: &Peer, scenario: &Scenario, servers: &Cluster) -> io::Result<Outcome> {
    let list = |items: Vec<String>| items.join(",");
    let addresses = servers.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let pids = servers.nodes.iter().map(|node| node.pid().to_string()).collect();
    let mut command = Command::new(peer::binary("bench-load"));
    command.args(scenario.load.split(' '));
    command.args(["--address", &list(addresses), "--pid", &list(pids)]);
    command.args(["--dialect", peer.dialect]);
    command.args(["--path", if scenario.load.starts_with("get") { peer.get } else { peer.chat }]);
    command.args(["--secs", &args.secs.to_string()]);
    if scenario.measure == Measure::Idle {
        command.args(["--connections", &args.idle.to_string()]);
    }
    if let Some(redis) = &servers.redis {
        command.args(["--helper", &redis.pid().to_string()]);
    }
    let output = on_cores(&[args.client_core()], || command.output())?;
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).map_err(io::Error::other);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(said.lines().collect::<Vec<_>>().join("; ")))
}
