//! What Node says of the generated files: two compilers, two validators.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{round_trip, routes};

/// Where the sources of these tests for Node are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node/contract")
}

fn node(args: &[&str]) -> Output {
    Command::new("node")
        .args(args)
        .current_dir(folder())
        .env("NO_UPDATE_NOTIFIER", "1")
        .env("REDOCLY_TELEMETRY", "off")
        .output()
        .expect("node is installed")
}

fn succeeds(args: &[&str]) {
    let output = node(args);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{args:?}:\n{}", String::from_utf8_lossy(&said));
}

/// Documents and literals, which are not kept in the repo.
fn generate() {
    let generated = folder().join("generated");
    routes::contract().export(&generated).expect("writable");
    std::fs::write(generated.join("literals.ts"), round_trip::literals()).expect("writable");
}

/// From 5.5 to the newest.
const COMPILERS: [&str; 2] =
    ["node_modules/typescript-5.5/bin/tsc", "node_modules/typescript/bin/tsc"];

#[test]
#[ignore = "run by ./check: needs node"]
fn the_types_compile_strictly_and_values_of_rust_fit_them() {
    generate();
    for compiler in COMPILERS {
        succeeds(&[compiler, "-p", "tsconfig.json"]);
    }
}

#[test]
#[ignore = "run by ./check: needs node"]
fn the_client_of_this_repository_takes_the_file_without_imports() {
    generate();
    let file = std::fs::read_to_string(folder().join("generated/api.ts")).expect("written");
    assert!(!file.lines().any(|line| line.starts_with("import ")), "it imports something");
    for compiler in COMPILERS {
        succeeds(&[compiler, "-p", "tsconfig.live.json"]);
    }
}

#[test]
#[ignore = "run by ./check: needs node"]
fn a_changed_field_breaks_the_front_end() {
    let generated = folder().join("generated");
    std::fs::create_dir_all(&generated).expect("writable");
    let changed = routes::changed().stock_typescript().expect("no integer is rounded");
    std::fs::write(generated.join("changed.ts"), changed).expect("writable");
    for compiler in COMPILERS {
        let output = node(&[compiler, "-p", "tsconfig.changed.json"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success(), "a client of the old field still compiles");
        let errors: Vec<_> = said.lines().filter(|line| line.contains("error TS")).collect();
        assert!(!errors.is_empty(), "{said}");
        for error in errors {
            assert!(error.starts_with("changed.client.ts") && error.contains("roomId"), "{error}");
        }
    }
}

#[test]
#[ignore = "run by ./check: needs node"]
fn redocly_finds_nothing_wrong_with_the_openapi_document() {
    generate();
    succeeds(&[
        "node_modules/@redocly/cli/bin/cli.js",
        "lint",
        "--extends=spec",
        "generated/openapi.json",
    ]);
}

#[test]
#[ignore = "run by ./check: needs node"]
fn the_asyncapi_parser_finds_nothing_wrong_with_the_document() {
    generate();
    succeeds(&["asyncapi.mjs", "generated/asyncapi.json"]);
}
