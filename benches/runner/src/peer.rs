//! Who is measured, and what each needs to run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A package of this workspace; its binary has the same name.
    Rust(&'static str),
    /// A folder of this workspace with a `package.json` and a `server.js`.
    Node(&'static str),
}

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    pub(crate) args: &'static [&'static str],
    /// As the load generator calls it.
    pub(crate) dialect: &'static str,
    pub(crate) chat: &'static str,
    pub(crate) get: &'static str,
    /// It takes `--redis HOST:PORT`.
    pub(crate) redis: bool,
    /// How it takes the number of its threads.
    pub(crate) workers: Workers,
}

/// How a server takes the number of its threads.
#[derive(Clone, Copy)]
pub(crate) enum Workers {
    /// There is one.
    One,
    /// `--workers N`
    Argument,
    /// `TOKIO_WORKER_THREADS`, as every tokio program does that does not say otherwise.
    Environment,
}

const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket&room={room}";

/// The first is what the others are divided by.
pub(crate) const ALL: [Peer; 6] = [
    Peer {
        name: "limit",
        title: "limit",
        kind: Kind::Rust("bench-limit"),
        args: &[],
        dialect: "raw",
        chat: "/ws?room={room}",
        get: "/small",
        redis: true,
        workers: Workers::One,
    },
    Peer {
        name: "ours",
        title: "ours",
        kind: Kind::Rust("bench-ours"),
        args: &[],
        dialect: "raw",
        chat: "/api/bench/chat?room={room}",
        get: "/api/bench/small",
        redis: true,
        workers: Workers::Environment,
    },
    Peer {
        name: "axum-ws",
        title: "axum ws, 4 KiB, split",
        kind: Kind::Rust("bench-axum-ws"),
        args: &[],
        dialect: "raw",
        chat: "/ws?room={room}",
        get: "/small",
        redis: false,
        workers: Workers::Argument,
    },
    Peer {
        name: "axum-ws-defaults",
        title: "axum ws as it comes",
        kind: Kind::Rust("bench-axum-ws"),
        args: &["--defaults"],
        dialect: "raw",
        chat: "/ws?room={room}",
        get: "/small",
        redis: false,
        workers: Workers::Argument,
    },
    Peer {
        name: "socketioxide",
        title: "socketioxide",
        kind: Kind::Rust("bench-socketioxide"),
        args: &[],
        dialect: "socketio",
        chat: SOCKET_IO,
        get: "/small",
        redis: true,
        workers: Workers::Argument,
    },
    Peer {
        name: "node-socketio",
        title: "Socket.IO (Node)",
        kind: Kind::Node("node-socketio"),
        args: &[],
        dialect: "socketio",
        chat: SOCKET_IO,
        get: "/small",
        redis: true,
        workers: Workers::One,
    },
];

/// The folder of this workspace.
pub(crate) fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Whether a program answers to `--version`.
pub(crate) fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

impl Peer {
    /// Makes it ready; the error says why it cannot run and what would let it. `built`: all
    /// packages of the workspace are.
    pub(crate) fn prepare(&self, built: bool) -> Result<(), String> {
        match self.kind {
            Kind::Rust(package) if built && binary(package).exists() => Ok(()),
            Kind::Rust(package) => cargo_build(&["--package", package]),
            Kind::Node(folder) => {
                let folder = home().join(folder);
                if !installed("node") || !installed("npm") {
                    return Err("node and npm are not on PATH: install Node 20 or newer".into());
                }
                if folder.join("node_modules").exists() {
                    return Ok(());
                }
                let install = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
                let done = Command::new("npm").args(install).current_dir(&folder).output();
                if done.is_ok_and(|output| output.status.success()) {
                    return Ok(());
                }
                Err(format!("its packages are missing: `npm --prefix {} ci`", folder.display()))
            }
        }
    }

    /// One server process of it.
    pub(crate) fn command(&self, port: u16, workers: usize, redis: Option<u16>) -> Command {
        let mut command = match self.kind {
            Kind::Rust(package) => Command::new(binary(package)),
            Kind::Node(folder) => {
                let mut node = Command::new("node");
                node.arg(home().join(folder).join("server.js"));
                node
            }
        };
        command.args(self.args).args(["--port", &port.to_string()]);
        match self.workers {
            Workers::One => {}
            Workers::Argument => {
                command.args(["--workers", &workers.to_string()]);
            }
            Workers::Environment => {
                command.env("TOKIO_WORKER_THREADS", workers.to_string());
            }
        }
        if let Some(redis) = redis {
            command.args(["--redis", &format!("127.0.0.1:{redis}")]);
        }
        command
    }
}

/// A binary of this workspace: it lies beside ours.
pub(crate) fn binary(name: &str) -> PathBuf {
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}

/// All packages but this one, which runs. In one go, because the features of what they share
/// depend on what is built with it: one by one, each would build tokio anew.
pub(crate) const EVERYTHING: [&str; 3] = ["--workspace", "--exclude", "bench"];

/// Builds packages as this one was built.
pub(crate) fn cargo_build(packages: &[&str]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--locked"])
        .args(packages)
        .current_dir(home())
        .status();
    match built {
        Ok(status) if status.success() => Ok(()),
        _ => {
            let packages = packages.join(" ");
            Err(format!("it does not build: `cargo build --release {packages}` in benches/"))
        }
    }
}
