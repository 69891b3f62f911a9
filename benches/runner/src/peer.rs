//! Who is measured, and what each needs to run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A package of this workspace, whose binary has the same name.
    Rust(&'static str),
    /// A binary of `bench-ours`, in a profile of this workspace.
    Ours { binary: &'static str, profile: &'static str },
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

/// The README's program, as `cargo build --release` makes it.
const OURS: Peer = Peer {
    name: "ours",
    title: "this",
    kind: Kind::Ours { binary: "bench-ours", profile: "plain" },
    args: &[],
    dialect: "raw",
    chat: "/api/bench/chat?room={room}",
    get: "/api/bench/small",
    redis: true,
    workers: Workers::Environment,
};

const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket&room={room}";

/// The first is what the others are divided by.
pub(crate) const ALL: [Peer; 8] = [
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
        title: "this",
        kind: Kind::Ours { binary: "bench-ours", profile: "plain" },
        ..OURS
    },
    Peer {
        name: "ours-tokio",
        title: "this on `#[tokio::main]`",
        kind: Kind::Ours { binary: "bench-ours-tokio", profile: "plain" },
        ..OURS
    },
    Peer {
        name: "ours-tuned",
        title: "this, tuned",
        kind: Kind::Ours { binary: "bench-ours", profile: "release" },
        ..OURS
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
    /// Whether it is our own server, however it was built.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours { .. })
    }

    /// Makes it ready; the error says why it cannot run and what would let it. `built`: all
    /// packages of the workspace are.
    pub(crate) fn prepare(&self, built: bool) -> Result<(), String> {
        match self.kind {
            Kind::Rust(package) if built && binary(package, RELEASE).exists() => Ok(()),
            Kind::Rust(package) => cargo_build(&["--package", package]),
            Kind::Ours { binary: name, profile: RELEASE }
                if built && binary(name, RELEASE).exists() =>
            {
                Ok(())
            }
            Kind::Ours { profile, .. } => {
                cargo_build(&["--package", "bench-ours", "--profile", profile])
            }
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
            Kind::Rust(package) => Command::new(binary(package, RELEASE)),
            Kind::Ours { binary: name, profile } => Command::new(binary(name, profile)),
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

/// The profile in which this program and what it is compared with are built.
const RELEASE: &str = "release";

/// A binary of this workspace: it lies beside ours, in the folder of its profile.
pub(crate) fn binary(name: &str, profile: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    target.join(profile).join(name)
}

/// The load generator.
pub(crate) fn load_generator() -> PathBuf {
    binary("bench-load", RELEASE)
}

/// All packages but this one, which runs. In one go, because the features of what they share
/// depend on what is built with it: one by one, each would build tokio again.
pub(crate) const EVERYTHING: [&str; 3] = ["--workspace", "--exclude", "bench"];

/// Builds packages as this one was built, if `packages` name no other profile.
pub(crate) fn cargo_build(packages: &[&str]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile: &[&str] = if packages.contains(&"--profile") { &[] } else { &["--release"] };
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked"])
        .args(profile)
        .args(packages)
        .current_dir(home())
        .status();
    match built {
        Ok(status) if status.success() => Ok(()),
        _ => {
            let packages = packages.join(" ");
            Err(format!("it does not build: `cargo build {packages}` in benches/"))
        }
    }
}
