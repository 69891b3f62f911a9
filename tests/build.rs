//! Gathers the Rust of README and `docs/` into modules, one for each page, for `tests/docs.rs` to
//! compile. `docs/README.md` says how a page adds lines that readers do not see.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// One piece of Rust in a page, and the line where it starts.
struct Piece {
    line: usize,
    text: String,
    /// Whether readers see it.
    shown: bool,
}

/// What blocks of the pages contain that is not compiled here. `rust,ignore` is for expansions and
/// for crates that the tests do not have.
const OTHERS: [&str; 14] = [
    "rust,ignore",
    "toml",
    "sh",
    "ts",
    "tsx",
    "json",
    "python",
    "nginx",
    "caddy",
    "ini",
    "text",
    "diff",
    "yaml",
    "html",
];

/// The pieces of a page: fenced blocks of Rust, and comments that start with `rust:`.
fn pieces(page: &str) -> Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let line = line.trim_start();
        let end = if let Some(info) = line.strip_prefix("```") {
            let info = info.trim();
            if info != "rust" {
                if !OTHERS.contains(&info) {
                    return Err(format!("line {}: what is a block of `{info}`?", at + 1));
                }
                lines.by_ref().find(|(_, line)| line.trim() == "```");
                continue;
            }
            "```"
        } else if line.trim_end() == "<!-- rust:" {
            "-->"
        } else {
            continue;
        };
        let mut text = String::new();
        for (_, line) in lines.by_ref().take_while(|(_, line)| line.trim() != end) {
            writeln!(text, "{line}").map_err(|error| error.to_string())?;
        }
        pieces.push(Piece { line: at + 2, text, shown: end == "```" });
    }
    Ok(pieces)
}

/// The pages: README, and everything in `docs/`.
fn pages(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../docs");
    println!("cargo::rerun-if-changed=../README.md");
    let mut all = String::new();
    for page in pages(&root)? {
        let name = page.strip_prefix(&root)?.display().to_string();
        let text = fs::read_to_string(&page)?;
        let pieces = pieces(&text).map_err(|error| format!("{name}: {error}"))?;
        // README's first block is a program of its own: `src/bin/readme.rs`.
        if name == "README.md" {
            let program = pieces.iter().find(|piece| piece.shown).ok_or("README has no program")?;
            fs::write(out.join("readme.rs"), &program.text)?;
        }
        let module = name.trim_end_matches(".md").replace(['/', '-', '.'], "_").to_lowercase();
        writeln!(all, "pub mod {module} {{")?;
        for Piece { line, text, .. } in pieces {
            writeln!(all, "    // {name}:{line}\n{text}")?;
        }
        writeln!(all, "}}")?;
    }
    fs::write(out.join("docs.rs"), all)?;
    Ok(())
}
