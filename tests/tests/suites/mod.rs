//! Running the suites that other implementations bring: `tests/node/client` by Node's own test
//! runner, `tests/python` by Python's.

#![allow(dead_code, reason = "each suite uses a part of it")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// How long one suite may take.
const DEADLINE: Duration = Duration::from_mins(5);

/// Where the programs are that this test was built beside.
fn target() -> &'static Path {
    let fixture = Path::new(env!("CARGO_BIN_EXE_fixture"));
    fixture.parent().expect("in a folder")
}

/// Builds an example and says where it is.
pub(crate) async fn build(package: &str, features: &[&str]) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", package]).args(features);
    cargo.arg("--target-dir").arg(target().parent().expect("a profile's folder is in another"));
    if target().ends_with("release") {
        cargo.arg("--release");
    }
    succeeded(package, &output(&mut cargo).await);
    target().join(package)
}

/// The echo server without and with compression.
pub(crate) async fn echoes() -> (PathBuf, PathBuf) {
    let built = build("echo", &[]).await;
    let plain = target().join("echo-plain");
    std::fs::copy(built, &plain).expect("a copy, for the next one has the same name");
    let built = build("echo", &["--features", "deflate"]).await;
    let deflate = target().join("echo-deflate");
    std::fs::copy(built, &deflate).expect("a copy");
    (plain, deflate)
}

/// Runs one suite to its end and fails with all that it printed.
pub(crate) async fn run(suite: &str, env: &[(&str, &OsStr)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/client");
    assert!(
        folder.join("node_modules").exists(),
        "{} has no packages: `./check` installs them, or `npm ci` there",
        folder.display()
    );
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec", suite]).current_dir(folder);
    node.env("JSTACK_FIXTURE", env!("CARGO_BIN_EXE_fixture")).envs(env.iter().copied());
    succeeded(suite, &output(&mut node).await);
}

/// Runs one suite of `tests/python`.
pub(crate) async fn run_python(suite: &str, env: &[(&str, &OsStr)]) {
    let python = target().join("../python/bin/python");
    assert!(
        python.exists(),
        "{} is missing: `./check` makes it from tests/python/requirements.txt",
        python.display()
    );
    let mut command = Command::new(python);
    // Without byte code: nothing is left in the folder.
    command.args(["-B", suite]).envs(env.iter().copied());
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("python"));
    succeeded(suite, &output(&mut command).await);
}

/// What a program printed, which is ended with all that it started if it takes too long, and if
/// the test ends before it.
async fn output(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("it starts");
    let group = Group(child.id());
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await;
    let Ok(output) = output else { panic!("{command:?} took longer than {DEADLINE:?}") };
    std::mem::forget(group);
    output.expect("it ends")
}

/// A process and those that it started: ended with it, unless they have ended already.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            let kill = ["-TERM", "--", &format!("-{id}")].map(str::to_owned);
            let _ = std::process::Command::new("kill").args(kill).status();
        }
    }
}

fn succeeded(what: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{what}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
