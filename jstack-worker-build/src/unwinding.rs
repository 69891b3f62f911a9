//! Whether a panic unwinds. The std of wasm32-unknown-unknown aborts; one that unwinds has to be
//! built, from the sources that `rustup component add rust-src` installs.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::arguments::Panic;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// What was chosen, as a line for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwinding {
    Yes,
    /// It was asked for, so that nobody needs to be told what is missing.
    NoByChoice,
    No,
}

impl fmt::Display for Unwinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "panics unwind: a panic ends its own connection (std is built with it)",
            Self::NoByChoice => {
                "panics abort: a panic ends all connections of the application, which starts again"
            }
            Self::No => {
                "panics abort: a panic ends all connections of the application, which starts \
                 again; `rustup component add rust-src` makes it end its own alone"
            }
        })
    }
}

/// Chooses by what was asked for and what is installed.
pub(crate) fn choose(wanted: Option<Panic>) -> Result<Unwinding, Failure> {
    let has_sources =
        Path::new(&printed("sysroot")?).join("lib/rustlib/src/rust/library/Cargo.lock").exists();
    let unwinding = match wanted {
        Some(Panic::Unwind) if !has_sources => {
            return Err("`--panic unwind` builds std, whose sources are missing: run \
                        `rustup component add rust-src`"
                .to_owned());
        }
        Some(Panic::Abort) => Unwinding::NoByChoice,
        Some(Panic::Unwind) => Unwinding::Yes,
        None if has_sources => Unwinding::Yes,
        None => Unwinding::No,
    };
    if unwinding != Unwinding::Yes && !Path::new(&printed("target-libdir")?).exists() {
        return Err(format!("the target is missing: run `rustup target add {TARGET}`"));
    }
    Ok(unwinding)
}

/// What rustc says of itself.
fn printed(what: &str) -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .args(["--print", what, "--target", TARGET])
        .output()
        .map_err(|error| format!("{} does not run: {error}", rustc.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
