//! Another process of this program, and what the system says of it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use jstack_tests::process::cpu;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub(crate) struct Other {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    pid: u32,
}

/// This program with other arguments; it ends with what is returned. Its panics are wanted, and not
/// traced: the standard library keeps what it reads to name the functions, some 57 MiB.
pub(crate) fn again(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(arguments).env("RUST_BACKTRACE", "0");
    command.stderr(Stdio::null()).kill_on_drop(true);
    command
}

impl Other {
    pub(crate) async fn start() -> Self {
        let mut command = again(&["serve"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("output")).lines();
        let line = output.next_line().await.expect("output").expect("a line");
        let (input, pid) = (child.stdin.take(), child.id().expect("a running process"));
        Self { child, address: line.parse().expect("an address"), input, output, pid }
    }

    pub(crate) async fn command(&mut self, command: &str) {
        let input = self.input.as_mut().expect("input");
        input.write_all(format!("{command}\n").as_bytes()).await.expect("the server lives");
    }

    async fn number(&mut self, command: &str) -> u64 {
        self.command(command).await;
        let line = self.output.next_line().await.expect("output").expect("a line");
        line.parse().expect("a number")
    }

    /// The server's sockets.
    pub(crate) async fn sockets(&mut self) -> u64 {
        self.number("sockets").await
    }

    /// KiB that the server has allocated and not freed.
    pub(crate) async fn heap(&mut self) -> u64 {
        self.number("heap").await / 1024
    }

    /// KiB of memory that the process occupies, what its allocator keeps for later included.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.expect("the server lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    }

    /// Its open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("the server lives").count()
    }

    /// Its CPU time.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(&self.pid.to_string())
    }

    /// Its runtime ends only after its reading of the standard input has.
    pub(crate) async fn terminate(&mut self) {
        self.input = None;
        let pid = self.pid.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill");
    }
}
