//! What the figures depend on beside the servers.

use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::Args;

#[derive(Serialize)]
pub(crate) struct Facts {
    processor: String,
    cores: usize,
    kernel: String,
    rustc: String,
    node: String,
    redis: String,
    /// Runnable processes when it began: what else the machine had to do.
    load: String,
    rounds: usize,
    secs: f64,
    warmup: f64,
    server_cores: Vec<usize>,
    client_core: usize,
}

/// The cores of servers with so many workers: as many, from 0, unless the command line says otherwise.
pub(crate) fn server_cores(args: &Args, workers: usize) -> Vec<usize> {
    if args.cores.is_empty() {
        (0..workers.min(cores()).max(1)).collect()
    } else {
        args.cores.clone()
    }
}

/// The first core that the servers do not use, or the last one.
pub(crate) fn client_core(args: &Args, workers: usize) -> usize {
    let servers = server_cores(args, workers);
    (0..cores()).find(|core| !servers.contains(core)).unwrap_or(cores() - 1)
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(crate) fn gather(args: &Args) -> Facts {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    Facts {
        processor: processor.to_owned(),
        cores: cores(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().into(),
        rustc: version("rustc"),
        node: version("node"),
        redis: version("redis-server"),
        load: load.split(' ').next().unwrap_or_default().to_owned(),
        rounds: args.rounds,
        secs: args.secs,
        warmup: args.warmup,
        server_cores: server_cores(args, 1),
        client_core: client_core(args, 1),
    }
}

fn version(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "not installed".to_owned())
}

impl Facts {
    pub(crate) fn line(&self) -> String {
        format!(
            "{}, {} cores, Linux {}, {}; {} rounds of {} s after a warm-up of {} s, servers with one worker on \
             core {:?}, load generator on core {}; load of the machine at the start {}",
            self.processor,
            self.cores,
            self.kernel,
            self.rustc,
            self.rounds,
            self.secs,
            self.warmup,
            self.server_cores,
            self.client_core,
            self.load
        )
    }
}
