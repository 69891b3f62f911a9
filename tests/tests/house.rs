//! The house: imports go down the floors, and no two files import each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `jstack-runtime/src`, the ground first. A name is a file or a folder; the longest
/// name that matches a path decides. Names of one line may not import each other.
const FLOORS: &[&[&str]] = &[
    &["limits", "nearest", "platform", "sync", "untrusted"],
    &["observe"],
    &["close_reason", "error", "guard", "rate", "socket_id"],
    &["frame", "meters", "payload"],
    &["history/position"],
    &["broker/outcome", "broker/publication"],
    &["history"],
    &["broker"],
    &["events", "outbound"],
    &["protocol"],
    &["markers"],
    &["rooms"],
    &["broker/redis", "broker/rest"],
    &["net", "http"],
    &["app_context"],
    &["transport"],
    &["ws"],
    &["request_context"],
    &["procedure"],
    &["codegen", "contract", "direct"],
    &["router"],
    &["client"],
    &["server"],
    &["app/settings"],
    &["app"],
    &["workers"],
    &["emitter", "entry"],
    &["prelude", "fuzzing", "lib"],
];

/// Pairs of names on different floors whose upward import has a reason.
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("broker/mod", "broker/redis", "the folder re-exports its brokers")];

/// Files that import each other for a reason.
const RINGS: &[(&str, &str, &str)] =
    &[("rooms/member", "rooms/room", "a member knows its rooms, a room its members")];

/// What may name the operating system, threads and tokio's runtime. Everything else is portable.
const NATIVE: &[&str] = &[
    "app/call",
    "app/remote",
    "app/serve",
    "app/settings",
    "app/wrangler",
    "broker/redis",
    "client",
    "contract/files",
    "emitter",
    "fuzzing",
    "net/activity",
    "net/admission",
    "net/heads",
    "outbound",
    "platform",
    "server",
    "sync",
    "transport/native",
];

/// Paths that compile for WebAssembly and then trap, or lie: `RandomState` has the same keys in
/// every process there, and so has a `HashMap` of `std`. `platform` has what they are good for.
const NOT_PORTABLE: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::env",
    "std::fs",
    "std::hash::RandomState",
    "std::process::id",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
];

/// Uses of them that have a reason.
const PORTABLE: &[(&str, &str, &str)] = &[
    ("*", "tokio::sync", "channels need no runtime"),
    ("markers", "std::time::SystemTime", "a moment that came as a number; no clock is read"),
    ("payload/std_types", "std::collections::HashMap", "implements traits for it"),
    ("payload/std_types", "std::collections::HashSet", "implements traits for it"),
    ("payload/std_types", "std::time::SystemTime", "implements traits for it"),
    ("ws/history", "std::time::SystemTime", "a message's time as data; no clock is read"),
];

struct File {
    /// As `rooms/hub`; `rooms/mod` for a folder's own file.
    name: String,
    uses: BTreeSet<String>,
}

/// The most lines of a source file. Above it, a file is about more than one thing.
const MOST_LINES: usize = 500;

fn source() -> PathBuf {
    source_of("jstack-runtime")
}

fn source_of(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src")
}

/// Whether a file contains only tests, which may import anything.
fn is_test(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    matches!(last, "tests" | "loom") || name.contains("/tests/")
}

/// All files of Rust below a folder.
fn rust_files(below: PathBuf) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folders = vec![below];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    paths
}

fn files() -> Vec<File> {
    let paths = rust_files(source());
    let name = |path: &Path| {
        let below = path.strip_prefix(source()).expect("below the source").with_extension("");
        below.to_string_lossy().replace('\\', "/")
    };
    let names: BTreeSet<String> = paths.iter().map(|path| name(path)).collect();
    let read = |path: &PathBuf| {
        let name = name(path);
        let uses = uses(&name, &fs::read_to_string(path).expect("a file"), &names);
        File { name, uses }
    };
    let mut files: Vec<File> = paths.iter().map(read).collect();
    files.retain(|file| !is_test(&file.name));
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The files that `text` names by `crate::…`, `super::…` or `self::…`, tests cut off.
fn uses(name: &str, text: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut found = BTreeSet::new();
    let mut home: Vec<&str> = name.split('/').collect();
    if home.last() == Some(&"mod") {
        home.pop();
    }
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    for (at, _) in code.match_indices("::") {
        let start = code[..at]
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .map_or(0, |at| at + 1);
        let path: Vec<&str> = code[start..at].split("::").collect();
        let mut base: Vec<&str> = match path.first() {
            Some(&"crate") => Vec::new(),
            Some(&"self") => home.clone(),
            Some(&"super") => home[..home.len().saturating_sub(1)].to_vec(),
            _ => continue,
        };
        let mut rest = &path[1..];
        while let [first, others @ ..] = rest {
            if *first != "super" {
                break;
            }
            base.pop();
            rest = others;
        }
        base.extend(rest);
        if code[at + 2..].starts_with('{') {
            for item in group(&code[at + 3..]) {
                found.extend(resolve(&base, &item, names));
            }
        } else {
            let item: String =
                code[at + 2..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // What a path passes through is not imported; the next `::` has the rest of it.
            if !code[at + 2 + item.len()..].starts_with("::") {
                found.extend(resolve(&base, &item, names));
            }
        }
    }
    found.remove(name);
    found
}

/// The first names of a `{…}` group: of `a, b::{c, d}` these are `a` and `b`.
fn group(text: &str) -> Vec<String> {
    let (mut depth, mut items, mut item) = (0, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            c if depth == 0 => item.push(c),
            _ => {}
        }
    }
    items.push(item);
    items
        .iter()
        .map(|item| item.trim().split("::").next().unwrap_or_default().to_owned())
        .map(|item| item.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

/// The file that defines `item` of the module `base`.
fn resolve(base: &[&str], item: &str, names: &BTreeSet<String>) -> Option<String> {
    let module = base.join("/");
    let joined = if module.is_empty() { item.to_owned() } else { format!("{module}/{item}") };
    [joined.clone(), format!("{joined}/mod"), module.clone(), format!("{module}/mod")]
        .into_iter()
        .find(|name| names.contains(name))
}

fn floor(name: &str) -> Option<(usize, &'static str)> {
    let matches = |room: &str| name == room || name.starts_with(&format!("{room}/"));
    let rooms = FLOORS.iter().enumerate().flat_map(|(n, rooms)| rooms.iter().map(move |r| (n, *r)));
    rooms.filter(|(_, room)| matches(room)).max_by_key(|(_, room)| room.len())
}

#[test]
fn every_file_has_a_floor_and_imports_go_down() {
    let mut wrong = Vec::new();
    for File { name, uses } in files() {
        let Some((own, room)) = floor(&name) else {
            wrong.push(format!("{name} has no floor"));
            continue;
        };
        for used in uses {
            let Some((below, other)) = floor(&used) else { continue };
            let excepted = EXCEPTIONS
                .iter()
                .any(|(from, to, _)| name.starts_with(from) && used.starts_with(to));
            if other != room && below >= own && !excepted {
                wrong.push(format!("{name} ({room}) imports {used} ({other})"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that run up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn no_two_files_import_each_other_on_any_way_round() {
    let files = files();
    let edges: BTreeMap<&str, &BTreeSet<String>> =
        files.iter().map(|file| (file.name.as_str(), &file.uses)).collect();
    let ring =
        |a: &str, b: &str| RINGS.iter().any(|(x, y, _)| (a, b) == (*x, *y) || (a, b) == (*y, *x));
    let mut wrong = Vec::new();
    for start in edges.keys() {
        // A folder's own file declares its parts and is named by them for what it re-exports.
        if start.ends_with("/mod") || *start == "lib" {
            continue;
        }
        let mut stack = vec![vec![*start]];
        let mut seen = BTreeSet::new();
        while let Some(way) = stack.pop() {
            let last = way[way.len() - 1];
            for next in edges.get(last).into_iter().flat_map(|uses| uses.iter()) {
                if next.ends_with("/mod") || next == "lib" || ring(last, next) {
                    continue;
                }
                if next == start {
                    wrong.push(format!("{} -> {next}", way.join(" -> ")));
                } else if seen.insert(next.as_str()) {
                    stack.push([way.as_slice(), &[next.as_str()]].concat());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "circles of files:\n{}", wrong.join("\n"));
}

/// The paths that code names outside of its tests, those of `use a::{b, c}` one by one.
fn paths(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::{") {
        let start = code[..at].rfind(|c| !is_path(c)).map_or(0, |at| at + 1);
        found.extend(
            group(&code[at + 3..]).iter().map(|item| format!("{}::{item}", &code[start..at])),
        );
    }
    found.extend(code.split(|c| !is_path(c)).filter(|path| path.contains("::")).map(str::to_owned));
    found
}

#[test]
fn every_file_is_declared_by_its_folder() {
    let mut wrong = Vec::new();
    for File { name, .. } in files() {
        let own = name.strip_suffix("/mod").unwrap_or(&name);
        let (folder, last) = own.rsplit_once('/').unwrap_or(("lib", own));
        let declared = [format!("{folder}.rs"), format!("{folder}/mod.rs")].iter().any(|file| {
            let text = fs::read_to_string(source().join(file)).unwrap_or_default();
            text.contains(&format!("mod {last};"))
        });
        if own != "lib" && !declared {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "files that nothing compiles:\n{}", wrong.join("\n"));
}

#[test]
fn portable_files_leave_the_machine_to_the_platform() {
    let mut wrong = Vec::new();
    for File { name, .. } in files() {
        if NATIVE.iter().any(|room| name == *room || name.starts_with(&format!("{room}/"))) {
            continue;
        }
        let text = fs::read_to_string(source().join(format!("{name}.rs"))).expect("a file");
        let under =
            |path: &str, prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
        for path in paths(&text) {
            let excepted = |(file, prefix, _): &(&str, &str, &str)| {
                (*file == "*" || *file == name) && under(&path, prefix)
            };
            let forbidden = NOT_PORTABLE.iter().any(|prefix| under(&path, prefix));
            if forbidden && !PORTABLE.iter().any(excepted) {
                wrong.push(format!("{name} names {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not portable; use `crate::platform`:\n{}", wrong.join("\n"));
}

#[test]
fn a_mod_file_only_declares_and_re_exports() {
    let mut wrong = Vec::new();
    for File { name, .. } in files() {
        if !name.ends_with("/mod") {
            continue;
        }
        let text = fs::read_to_string(source().join(format!("{name}.rs"))).expect("a file");
        let defines = text.lines().find(|line| {
            let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let line = line.trim_start_matches("pub(super) ");
            ["fn ", "async fn ", "struct ", "enum ", "trait ", "impl", "const ", "static ", "type "]
                .iter()
                .any(|start| line.starts_with(start))
        });
        wrong.extend(defines.map(|line| format!("{name}.rs defines something: {line}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_about_everything() {
    let mut wrong = Vec::new();
    for package in ["jstack-runtime", "jstack-macros", "jstack-worker-build"] {
        for path in rust_files(source_of(package)) {
            let lines = fs::read_to_string(&path).expect("a file").lines().count();
            if lines > MOST_LINES {
                wrong.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    let advice = format!("at most {MOST_LINES} lines; split by what the parts are about");
    assert!(wrong.is_empty(), "{advice}:\n{}", wrong.join("\n"));
}

#[test]
fn the_readers_of_imports_see_what_is_there() {
    let names = ["a", "b/mod", "b/c", "b/d", "lib"].map(str::to_owned).into();
    let text = "use crate::a::X;\nuse super::d::{self, Y};\n// use crate::lib::Z;\nfn f() { crate::b::g() }\n";
    let found = uses("b/c", text, &names);
    assert_eq!(found, ["a", "b/d", "b/mod"].map(str::to_owned).into());
    let found = uses("a", "use crate::b::c::X;\nuse crate::b::{d::Y, c};\n", &names);
    assert_eq!(found, ["b/c", "b/d"].map(str::to_owned).into());
    assert_eq!(floor("broker/redis/link").map(|(_, room)| room), Some("broker/redis"));
    assert_eq!(floor("broker/memory").map(|(_, room)| room), Some("broker"));
    let text = "use std::time::{Duration, Instant};\n// std::fs\nlet id = std::process::id();\n";
    let found = paths(text);
    for path in ["std::time::Duration", "std::time::Instant", "std::process::id"] {
        assert!(found.iter().any(|found| found == path), "{found:?}");
    }
    assert!(!found.iter().any(|path| path.contains("fs")), "{found:?}");
}
