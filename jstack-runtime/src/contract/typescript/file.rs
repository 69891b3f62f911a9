//! The contract as one TypeScript file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::{block, doc, key};
use super::types::{self, type_of};
use crate::contract::contract::{
    Contract, EventContract, InputContract, OutputContract, ProcedureContract,
};
use crate::contract::safe_integers::{ContractError, unsafe_integers};
use crate::contract::stock_client;
use crate::procedure::Kind;

impl Contract {
    /// The contract as one TypeScript file, which imports nothing but types.
    ///
    /// Fails when a field is an integer that JavaScript would round: see [`ContractError`].
    pub fn typescript(&self) -> Result<String, ContractError> {
        let found = unsafe_integers(self);
        if found.is_empty() { Ok(file(self)) } else { Err(ContractError::new(found)) }
    }
}

/// The whole file.
fn file(contract: &Contract) -> String {
    let mut file =
        "// Written from the Rust types: do not edit, run the `types` command of the application.\n\n"
            .to_owned();
    file += &fixed(contract, stock_client::HEAD);
    for (name, schema) in contract.types() {
        file += "\n";
        file += &named(name, schema);
    }
    file += "\n/** The procedures by router and name: what each takes and answers, sends and gets. */\n";
    file += "export type AppRouter = ";
    file += &routes(contract);
    file += "\n\n";
    file + &fixed(contract, stock_client::FOOT)
}

/// One of the parts that are always the same but for the names of procedures' types.
fn fixed(contract: &Contract, text: &str) -> String {
    ["Get", "Post", "Ws"].iter().fold(text.to_owned(), |text, &name| {
        text.replace(&format!("{{{name}}}"), &procedure_type(contract, name))
    })
}

/// `Post`, or `PostProcedure` where the application has a `Post` of its own.
fn procedure_type(contract: &Contract, name: &str) -> String {
    if contract.types.contains_key(name) { format!("{name}Procedure") } else { name.to_owned() }
}

/// One named type.
fn named(name: &str, schema: &Value) -> String {
    let doc = schema.as_object().map(types::comment).unwrap_or_default();
    match types::interface(schema) {
        Some(members) if members.is_empty() => {
            format!("{doc}export interface {name} {{ [key: string]: unknown }}\n")
        }
        Some(members) => format!("{doc}export interface {name} {}\n", block(&members)),
        None => {
            let text = type_of(schema).text;
            let space = if text.starts_with('\n') { "" } else { " " };
            format!("{doc}export type {name} ={space}{text}\n")
        }
    }
}

/// Routers in routers.
enum Node<'a> {
    Procedure(&'a ProcedureContract),
    Router(BTreeMap<&'a str, Node<'a>>),
}

fn routes(contract: &Contract) -> String {
    let mut root = BTreeMap::new();
    for procedure in contract.procedures() {
        let mut router = &mut root;
        let mut segments: Vec<_> = procedure.path.split('/').filter(|s| !s.is_empty()).collect();
        let Some(last) = segments.pop() else { continue };
        for segment in segments {
            let node = router.entry(segment).or_insert_with(|| Node::Router(BTreeMap::new()));
            if let Node::Procedure(_) = node {
                *node = Node::Router(BTreeMap::new());
            }
            let Node::Router(inner) = node else { return String::new() };
            router = inner;
        }
        router.entry(last).or_insert(Node::Procedure(procedure));
    }
    router(contract, &root)
}

fn router(contract: &Contract, nodes: &BTreeMap<&str, Node<'_>>) -> String {
    let members: Vec<_> = nodes
        .iter()
        .map(|(name, node)| match node {
            Node::Router(inner) => format!("{}: {}", key(name), router(contract, inner)),
            Node::Procedure(this) => {
                format!("{}{}: {}", doc(&this.docs), key(name), procedure(contract, this))
            }
        })
        .collect();
    if members.is_empty() { "{}".to_owned() } else { block(&members) }
}

fn procedure(contract: &Contract, this: &ProcedureContract) -> String {
    let (name, first, second) = match this.kind {
        Kind::Ws => ("Ws", events(&this.incoming), events(&this.outgoing)),
        Kind::Get => ("Get", input(this.input.as_ref()), output(this.output.as_ref())),
        Kind::Post => ("Post", input(this.input.as_ref()), output(this.output.as_ref())),
    };
    format!("{}<{first}, {second}>", procedure_type(contract, name))
}

fn input(input: Option<&InputContract>) -> String {
    match input {
        None => "void".to_owned(),
        Some(input) if input.optional => format!("{} | void", type_of(&input.schema).text),
        Some(input) => type_of(&input.schema).text,
    }
}

fn output(output: Option<&OutputContract>) -> String {
    match output {
        Some(OutputContract::Json(schema) | OutputContract::SuperJson(schema)) => {
            type_of(schema).text
        }
        Some(OutputContract::Void) => "void".to_owned(),
        // Not JSON: the client's `text()` or `blob()` reads it.
        Some(OutputContract::Raw) | None => "unknown".to_owned(),
    }
}

fn events(events: &[EventContract]) -> String {
    let members: Vec<_> = events
        .iter()
        .map(|event| {
            format!("{}{}: {}", doc(&event.docs), key(&event.name), type_of(&event.schema).text)
        })
        .collect();
    match members.as_slice() {
        [] => "{}".to_owned(),
        [one] if !one.contains('\n') => format!("{{ {one} }}"),
        _ => block(&members),
    }
}
