//! The command line.

use std::path::PathBuf;

use crate::Failure;

pub(crate) const HELP: &str = "\
Builds an application of jstack-runtime for Cloudflare Workers, as a command for wrangler's `build`.

  --out DIR          where index.js goes; build/worker unless given
  --package NAME     the package, in a workspace of several
  --bin NAME         the program, in a package of several
  --features LIST    features of the package
  --dev              quick to build and large; so is every build under `wrangler dev`
  --release          small and slow to build, also under `wrangler dev`
  --panic unwind     a panic ends its own connection; needs `rustup component add rust-src`
  --panic abort      a panic ends all connections of the application, which starts again
                     without --panic: unwind where rust-src is installed, and abort elsewhere";

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Help,
    Build(Options),
}

/// How to build.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) out: PathBuf,
    pub(crate) package: Option<String>,
    pub(crate) bin: Option<String>,
    pub(crate) features: Option<String>,
    pub(crate) profile: Profile,
    pub(crate) panic: Option<Panic>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Cargo's own for development.
    Dev,
    /// Small.
    Worker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panic {
    Unwind,
    Abort,
}

/// Reads the arguments, without the program's name.
pub(crate) fn read(args: impl Iterator<Item = String>) -> Result<Wanted, Failure> {
    // wrangler says which of its commands builds.
    let in_dev = std::env::var("WRANGLER_COMMAND").is_ok_and(|command| command == "dev");
    let mut options = Options {
        out: "build/worker".into(),
        package: None,
        bin: None,
        features: None,
        profile: if in_dev { Profile::Dev } else { Profile::Worker },
        panic: None,
    };
    let mut args = args;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value\n\n{HELP}"));
        match arg.as_str() {
            "--help" | "-h" | "help" => return Ok(Wanted::Help),
            "--out" => options.out = value()?.into(),
            "--package" | "-p" => options.package = Some(value()?),
            "--bin" => options.bin = Some(value()?),
            "--features" | "-F" => options.features = Some(value()?),
            "--dev" => options.profile = Profile::Dev,
            "--release" => options.profile = Profile::Worker,
            "--panic" => {
                options.panic = Some(match value()?.as_str() {
                    "unwind" => Panic::Unwind,
                    "abort" => Panic::Abort,
                    other => return Err(format!("`--panic {other}`: write `unwind` or `abort`")),
                });
            }
            other => return Err(format!("unknown argument `{other}`\n\n{HELP}")),
        }
    }
    Ok(Wanted::Build(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &[&str]) -> Result<Wanted, Failure> {
        read(args.iter().map(ToString::to_string))
    }

    #[test]
    fn arguments_are_read_and_what_means_nothing_is_named() {
        let Ok(Wanted::Build(options)) =
            of(&["-p", "chat", "--out", "x", "--dev", "--panic", "abort"])
        else {
            panic!("not read")
        };
        assert_eq!((options.package.as_deref(), options.out), (Some("chat"), "x".into()));
        assert_eq!((options.profile, options.panic), (Profile::Dev, Some(Panic::Abort)));
        assert!(of(&["--panic", "never"]).unwrap_err().contains("write `unwind` or `abort`"));
        assert!(of(&["--out"]).unwrap_err().contains("`--out` needs a value"));
        assert!(of(&["--fast"]).unwrap_err().contains("unknown argument `--fast`"));
        assert_eq!(of(&["--help"]), Ok(Wanted::Help));
    }
}
