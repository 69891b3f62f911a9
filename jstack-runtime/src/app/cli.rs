//! The command line of an application.

use std::fmt;
use std::path::Path;

use crate::contract::{self, Contract, ContractError};

/// The command that the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Serve, on this address if one was given.
    Serve(Option<String>),
    /// Print this text; the command itself is done.
    Print(String),
    /// Emit an event through the broker.
    Emit(Emit),
    /// Print events that come through the broker.
    Listen(Listen),
    /// Call a procedure of a running server.
    Call(Call),
    /// Write the configuration for Cloudflare Workers.
    Wrangler,
}

/// The event to emit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Emit {
    pub(crate) procedure: String,
    /// `None` for everyone on the procedure.
    pub(crate) room: Option<String>,
    pub(crate) event: String,
    /// The payload in JSON.
    pub(crate) data: String,
}

/// The rooms to listen to, beside what goes to everyone on the procedure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) procedure: String,
    pub(crate) rooms: Vec<String>,
}

/// The procedure to call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) procedure: String,
    /// The input in JSON.
    pub(crate) input: Option<String>,
    pub(crate) address: Option<String>,
}

/// The error for arguments that cannot be carried out. `Debug` writes the same text: Rust prints it
/// when `main` returns the error.
pub(crate) struct CommandError(String);

impl CommandError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

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

const COMMANDS: &str = "  serve [address]                        serves; the default
  types [path] [--check]                 the contract as TypeScript, without any imports
  types [path] --stock [--check]         the same for the original client, npm `jstack`
  openapi [path] [--check]               the GET and POST procedures as OpenAPI 3.1
  asyncapi [path] [--check]              the WebSocket procedures as AsyncAPI 3.0
  contract [path] [--check]              all of it as JSON
  routes                                 a table of all procedures
  emit procedure room event [json]       emits to a room, or to everyone with `--all` for the room
  listen procedure [room ...]            prints what is emitted to everyone, and to these rooms
  call procedure [json [address]]        calls a GET or POST procedure of a running server
  wrangler                               writes wrangler.jsonc, to deploy to Cloudflare Workers

Without a path the text is printed. With `--check` nothing is written: it fails when the file at
the path is out of date. `emit` and `listen` reach the servers through Redis, which the environment
names as it does for them. A procedure is written as in `post/chat` for /api/post/chat.
";

/// Reads the arguments, without the program's name, and carries out everything but serving.
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
        ["emit", procedure, room, event, ref data @ ..] if data.len() < 2 => {
            Ok(Command::Emit(Emit {
                procedure: procedure.to_owned(),
                room: (room != "--all").then(|| room.to_owned()),
                event: event.to_owned(),
                data: data.first().map_or("null", |data| data).to_owned(),
            }))
        }
        ["listen", procedure, ref rooms @ ..] => Ok(Command::Listen(Listen {
            procedure: procedure.to_owned(),
            rooms: rooms.iter().map(|&room| room.to_owned()).collect(),
        })),
        ["call", procedure, ref rest @ ..] if rest.len() < 3 => Ok(Command::Call(Call {
            procedure: procedure.to_owned(),
            input: rest.first().map(|&input| input.to_owned()),
            address: rest.get(1).map(|&address| address.to_owned()),
        })),
        [name @ ("emit" | "listen" | "call"), ..] => {
            Err(CommandError(format!("`{name}` takes other arguments; there is:\n{COMMANDS}")))
        }
        ["wrangler"] => Ok(Command::Wrangler),
        ["routes"] => Ok(Command::Print(contract().routes())),
        ["help" | "--help" | "-h"] => Ok(Command::Print(format!("commands:\n{COMMANDS}"))),
        ["serve" | "routes" | "wrangler", extra, ..] => Err(CommandError(format!(
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

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::{Command, command};
    use crate::contract::Contract;
    use crate::payload::Payload;
    use crate::procedure::ProcedureInfo;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct User {
        name: String,
    }

    impl Payload for User {}

    fn contract() -> Contract {
        let info = ProcedureInfo::post::<User, _>("create");
        let info = info.input(crate::__private::inputs::<User>());
        Contract::new("/api", vec![("post/create".to_owned(), info)])
    }

    fn run(args: &[&str]) -> Result<Command, String> {
        let args = args.iter().map(|&arg| arg.to_owned());
        command(args, contract).map_err(|error| error.to_string())
    }

    #[test]
    fn without_arguments_it_serves_and_an_unknown_command_lists_those_that_exist() {
        assert_eq!(run(&[]), Ok(Command::Serve(None)));
        assert_eq!(run(&["serve", "[::]:80"]), Ok(Command::Serve(Some("[::]:80".to_owned()))));
        for wrong in [&["typs"][..], &["serve", "a", "b"], &["routes", "x"], &["--port"]] {
            let error = run(wrong).unwrap_err();
            for known in ["serve", "types", "--stock", "openapi", "asyncapi", "contract", "routes"]
            {
                assert!(error.contains(known), "{error}");
            }
        }
        assert!(run(&["types", "a", "b"]).unwrap_err().contains("`b`"));
        assert!(run(&["types", "--chek"]).unwrap_err().contains("`--chek`"));
        assert!(run(&["types", "--check"]).unwrap_err().contains("needs the path"));
    }

    #[test]
    fn types_writes_a_file_and_check_names_what_differs() {
        let dir = std::env::temp_dir().join(format!("jstack-schema-{}", std::process::id()));
        let path = dir.join("web/api.ts");
        let path = path.to_str().unwrap();
        let missing = run(&["types", path, "--check"]).unwrap_err();
        assert!(missing.contains("does not exist"), "{missing}");

        assert_eq!(run(&["types", path]), Ok(Command::Print(String::new())));
        assert_eq!(run(&["types", "--check", path]), Ok(Command::Print(String::new())));
        let written = std::fs::metadata(path).unwrap().modified().unwrap();
        run(&["types", path]).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().modified().unwrap(), written);

        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, text.replace("name: string", "name: number")).unwrap();
        let stale = run(&["types", path, "--check"]).unwrap_err();
        assert!(stale.contains("`name: number`, should be `name: string`"), "{stale}");
        assert!(stale.contains("types ") && stale.contains("writes it again"), "{stale}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    fn printed(args: &[&str]) -> String {
        match run(args) {
            Ok(Command::Print(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn types_imports_nothing_unless_it_is_for_the_stock_client() {
        let (plain, stock) = (printed(&["types"]), printed(&["types", "--stock"]));
        assert!(!plain.contains("import ") && plain.ends_with("export type Stock = AppRouter\n"));
        assert!(stock.contains("from \"jstack\"") && stock.contains("from \"zod\""), "{stock}");
        // Between what one of them has alone, they are the same.
        let common = |text: &str| {
            let start = text.find("/** A GET procedure").unwrap();
            text[start..text.find("export type AppRouter").unwrap()].to_owned()
        };
        assert_eq!(common(&plain), common(&stock));
        let dir = std::env::temp_dir().join(format!("jstack-stock-{}", std::process::id()));
        let path = dir.join("api.ts");
        let path = path.to_str().unwrap();
        run(&["types", "--stock", path]).unwrap();
        run(&["types", path, "--check", "--stock"]).unwrap();
        let other = run(&["types", path, "--check"]).unwrap_err();
        assert!(other.contains("`types "), "{other}");
        std::fs::write(path, plain).unwrap();
        let other = run(&["types", path, "--stock", "--check"]).unwrap_err();
        assert!(other.contains("`types --stock "), "{other}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_contract_is_a_command_and_a_file() {
        let text = printed(&["contract"]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["procedures"][0]["path"], "post/create");
        let dir = std::env::temp_dir().join(format!("jstack-contract-{}", std::process::id()));
        contract().export(&dir).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("contract.json")).unwrap(), text);
        run(&["contract", dir.join("contract.json").to_str().unwrap(), "--check"]).unwrap();
        let wrong = run(&["contract", "--stock"]).unwrap_err();
        assert!(wrong.contains("takes a path and `--check`, not `--stock`"), "{wrong}");
        std::fs::remove_dir_all(dir).unwrap();
    }
}
