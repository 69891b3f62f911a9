//! The command line of an application.

use std::fmt;
use std::path::Path;

use crate::contract::{self, Contract, ContractError};

/// What is left to do once the arguments are read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Serve, on this address if one was given.
    Serve(Option<String>),
    /// Print this: what was asked for is done.
    Print(String),
}

/// Why the arguments lead to nothing. It reads the same by `Debug`, which is what Rust prints
/// when `main` returns it.
pub(crate) struct CommandError(String);

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommandError {}

impl From<ContractError> for CommandError {
    fn from(error: ContractError) -> Self {
        Self(error.to_string())
    }
}

const COMMANDS: &str = "  serve [address]                  serves; the default
  types [path] [--check]           the contract as TypeScript, without any imports
  types [path] --stock [--check]   the same for the original client, npm `jstack`
  openapi [path] [--check]         the GET and POST procedures as OpenAPI 3.1
  asyncapi [path] [--check]        the WebSocket procedures as AsyncAPI 3.0
  contract [path] [--check]        all of it as JSON
  routes                           a table of all procedures

Without a path the text is printed. With `--check` nothing is written: it fails when the file at
the path is out of date.
";

/// Carries out what the arguments ask for (without the program's name), serving excepted.
pub(crate) fn command(
    args: impl IntoIterator<Item = String>,
    contract: impl FnOnce() -> Contract,
) -> Result<Command, CommandError> {
    let args: Vec<String> = args.into_iter().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] | ["serve"] => Ok(Command::Serve(None)),
        ["serve", address] if !address.starts_with('-') => {
            Ok(Command::Serve(Some(address.to_owned())))
        }
        ["types", ref rest @ ..] => {
            let (stock, rest): (Vec<&str>, Vec<&str>) =
                rest.iter().copied().partition(|arg| *arg == "--stock");
            if stock.is_empty() {
                output("types", &rest, &contract().typescript()?)
            } else {
                output("types --stock", &rest, &contract().stock_typescript()?)
            }
        }
        ["openapi", ref rest @ ..] => {
            output("openapi", rest, &contract::json(&contract().openapi()))
        }
        ["asyncapi", ref rest @ ..] => {
            output("asyncapi", rest, &contract::json(&contract().asyncapi()))
        }
        ["contract", ref rest @ ..] => {
            output("contract", rest, &contract::json(&contract().json()))
        }
        ["routes"] => Ok(Command::Print(contract().routes())),
        ["help" | "--help" | "-h"] => Ok(Command::Print(format!("commands:\n{COMMANDS}"))),
        ["serve" | "routes", extra, ..] => Err(CommandError(format!(
            "`{extra}` is one argument too many; the commands are:\n{COMMANDS}"
        ))),
        [unknown, ..] => {
            Err(CommandError(format!("unknown command `{unknown}`; the commands are:\n{COMMANDS}")))
        }
    }
}

/// Prints `text`, writes it, or compares it.
fn output(name: &str, args: &[&str], text: &str) -> Result<Command, CommandError> {
    let check = args.contains(&"--check");
    let mut rest = args.iter().filter(|arg| **arg != "--check");
    let path = rest.next();
    if let Some(wrong) = path.filter(|path| path.starts_with('-')).or_else(|| rest.next()) {
        let takes = match name.strip_prefix("types") {
            Some(_) => "a path, `--stock` and `--check`",
            None => "a path and `--check`",
        };
        return Err(CommandError(format!("`{name}` takes {takes}, not `{wrong}`")));
    }
    let Some(path) = path.map(Path::new) else {
        return if check {
            Err(CommandError(format!("`{name} --check` needs the path of the file to check")))
        } else {
            Ok(Command::Print(text.to_owned()))
        };
    };
    let failed = |error| CommandError(format!("{}: {error}", path.display()));
    if !check {
        contract::write(path, text).map_err(failed)?;
        return Ok(Command::Print(String::new()));
    }
    match contract::difference(path, text).map_err(failed)? {
        None => Ok(Command::Print(String::new())),
        Some(difference) => Err(CommandError(format!(
            "{} is out of date: {difference}\nhelp: `{name} {0}` writes it again",
            path.display()
        ))),
    }
}
