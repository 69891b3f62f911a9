//! Calls cargo, and finds the module that it has built.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;
use crate::arguments::{Options, Profile};
use crate::unwinding::{TARGET, Unwinding};

/// The profile `worker` where the application's Cargo.toml defines none: small, because a module's
/// size is limited and is part of each start.
const SMALL: [&str; 6] = [
    "profile.worker.inherits=\"release\"",
    "profile.worker.opt-level=\"z\"",
    "profile.worker.lto=\"fat\"",
    "profile.worker.codegen-units=1",
    "profile.worker.debug=false",
    "profile.worker.strip=false",
];

/// Builds the program and returns the path of its module.
pub(crate) fn build(options: &Options, unwinding: Unwinding) -> Result<PathBuf, Failure> {
    let mut cargo = cargo();
    cargo.args(["build", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    for (flag, value) in [
        ("--package", &options.package),
        ("--bin", &options.bin),
        ("--features", &options.features),
    ] {
        if let Some(value) = value {
            cargo.args([flag, value]);
        }
    }
    if options.profile == Profile::Worker {
        cargo.args(["--profile", "worker"]);
        if !defines_profile()? {
            cargo.args(SMALL.iter().flat_map(|setting| ["--config", setting]));
        }
    }
    if unwinding == Unwinding::Yes {
        unwind(&mut cargo);
    }
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    let mut modules = Vec::new();
    let output = child.stdout.take().ok_or("cargo has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|error| format!("cargo's output cannot be read: {error}"))?;
        modules.extend(module(&line));
    }
    let status = child.wait().map_err(|error| format!("cargo did not end: {error}"))?;
    if !status.success() {
        return Err("cargo could not build the application for Workers".to_owned());
    }
    match &modules[..] {
        [(_, path)] => Ok(path.clone()),
        [] => {
            Err("there is no program here: run it in the folder of one, or name its package with \
                   `--package`"
                .to_owned())
        }
        several => {
            let names: Vec<_> = several.iter().map(|(name, _)| name.as_str()).collect();
            Err(format!(
                "there are several programs ({}): choose one with `--bin`",
                names.join(", ")
            ))
        }
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Builds std too, so that it unwinds.
fn unwind(cargo: &mut Command) {
    const FLAG: &str = "-Cpanic=unwind";
    cargo.args(["-Zbuild-std=std,panic_unwind"]);
    // Not the default features of std: there is no backtrace to show, and size counts.
    cargo.args(["-Zbuild-std-features=panic-unwind,optimize_for_size"]);
    // Of a stable toolchain; it is said here alone, and not to the rest of the application's builds.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    match std::env::var("RUSTFLAGS") {
        Ok(flags) => cargo.env("RUSTFLAGS", format!("{flags} {FLAG}")),
        Err(_) => cargo.args(["--config", &format!("target.{TARGET}.rustflags=[\"{FLAG}\"]")]),
    };
}

/// Whether the application's workspace has a profile `worker` of its own.
fn defines_profile() -> Result<bool, Failure> {
    let located = cargo()
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .output()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    if !located.status.success() {
        return Err(String::from_utf8_lossy(&located.stderr).trim().to_owned());
    }
    let path = String::from_utf8_lossy(&located.stdout).trim().to_owned();
    let manifest = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(manifest.lines().any(|line| line.trim() == "[profile.worker]"))
}

/// The name and the module of a program, if a line of cargo's output is about one.
fn module(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    let is_program = message["reason"] == "compiler-artifact"
        && target["kind"].as_array()?.iter().any(|kind| kind == "bin");
    let path = message["filenames"]
        .as_array()?
        .iter()
        .filter_map(|name| name.as_str().map(Path::new))
        .find(|path| path.extension().is_some_and(|extension| extension == "wasm"))?;
    is_program.then(|| (target["name"].as_str().unwrap_or_default().to_owned(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_a_program_is_found_among_cargos_messages() {
        let line = |kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["{kind}"],"name":"chat"}},"filenames":["{file}"]}}"#
            )
        };
        assert_eq!(
            module(&line("bin", "/t/chat.wasm")),
            Some(("chat".into(), "/t/chat.wasm".into()))
        );
        assert_eq!(module(&line("lib", "/t/libchat.rlib")), None);
        assert_eq!(module(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(module("   Compiling chat"), None);
    }
}
