//! Server processes: started on their cores, ended by their process ids.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::peer::Peer;

/// Runs `start` so that what it starts stays on these cores.
pub(crate) fn on_cores<T>(cores: &[usize], start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let myself = Pid::from_raw(0);
    let before = sched_getaffinity(myself)?;
    let mut wanted = CpuSet::new();
    for core in cores {
        wanted.set(*core)?;
    }
    // A child inherits the cores of the thread that starts it, and so do the child's threads.
    sched_setaffinity(myself, &wanted)?;
    let result = start();
    sched_setaffinity(myself, &before)?;
    result
}

/// A process that ends with its owner.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts it and waits until it listens; what it says goes to `log`.
    pub(crate) fn start(
        cores: &[usize],
        log: &Path,
        command: impl Fn(u16) -> Command,
    ) -> io::Result<Self> {
        let port = free_port()?;
        let output = File::create(log)?;
        let errors = output.try_clone()?;
        let mut command = command(port);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let mut server = Self { child: on_cores(cores, || command.spawn())?, port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = server.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                return Err(io::Error::other(format!("the server did not start: {last}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed, not asked: its state does not matter, and a drain would take time.
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Another process may take it before the server does; then the server says so and the run of
/// this scenario is void.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The processes of one peer: one, or two and Redis.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
    pub(crate) redis: Option<Server>,
}

impl Cluster {
    pub(crate) fn start(
        peer: &Peer,
        cores: &[usize],
        workers: usize,
        joined: bool,
        logs: &Path,
    ) -> io::Result<Self> {
        let redis = if joined {
            let log = logs.join("redis.log");
            Some(Server::start(cores, &log, |port| redis_command(port, logs))?)
        } else {
            None
        };
        let broker = redis.as_ref().map(|redis| redis.port);
        let nodes = (0..if joined { 2 } else { 1 })
            .map(|node| {
                let log = logs.join(format!("{}-{node}.log", peer.name));
                Server::start(cores, &log, |port| peer.command(port, workers, broker))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { nodes, redis })
    }
}

fn redis_command(port: u16, folder: &Path) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder);
    command
}
