//! The contract as one TypeScript file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::{block, doc, key};
use super::types::{self, type_of};
use super::{call, socket};
use crate::contract::contract::{Contract, ProcedureContract};
use crate::contract::safe_integers::{ContractError, unsafe_integers};
use crate::contract::stock_client;
use crate::procedure::Kind;

impl Contract {
    /// The contract as one TypeScript file, which imports nothing: for the npm package `jstack-rs`
    /// and for tools.
    ///
    /// Fails when a field is an integer that JavaScript would round: see [`ContractError`].
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// let file = App::<()>::new().describe().typescript()?;
    /// assert!(file.contains("export type AppRouter") && !file.contains("import"));
    /// # Ok::<(), jstack_runtime::contract::ContractError>(())
    /// ```
    pub fn typescript(&self) -> Result<String, ContractError> {
        self.checked(|| file(self, "", stock_client::PLAIN_FOOT))
    }

    /// The same file for the original client, npm `jstack` 1.1.1: it imports types from `jstack`
    /// and `zod`, and its `Stock` is what that client's `createClient` takes.
    ///
    /// Fails as [`typescript`](Self::typescript) does.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// let file = App::<()>::new().describe().stock_typescript()?;
    /// assert!(file.contains(r#"from "jstack""#));
    /// # Ok::<(), jstack_runtime::contract::ContractError>(())
    /// ```
    pub fn stock_typescript(&self) -> Result<String, ContractError> {
        self.checked(|| file(self, stock_client::IMPORTS, stock_client::FOOT))
    }

    fn checked(&self, write: impl FnOnce() -> String) -> Result<String, ContractError> {
        let found = unsafe_integers(self);
        if found.is_empty() { Ok(write()) } else { Err(ContractError::new(found)) }
    }
}

/// The whole file.
fn file(contract: &Contract, imports: &str, foot: &str) -> String {
    let mut file =
        "// Written from the Rust types: do not edit, run the `types` command of the application.\n\n"
            .to_owned();
    file += imports;
    file += &fixed(contract, stock_client::HEAD);
    for (name, schema) in contract.types() {
        file += "\n";
        file += &named(name, schema);
    }
    file += "\n/** The procedures by router and name: what each takes and answers, sends and gets. */\n";
    file += "export type AppRouter = ";
    file += &routes(contract);
    file += "\n\n";
    file + &fixed(contract, foot)
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
    let (name, arguments) = match this.kind {
        Kind::Ws => ("Ws", socket::arguments(this)),
        Kind::Get => ("Get", call::arguments(this)),
        Kind::Post => ("Post", call::arguments(this)),
    };
    format!("{}<{}>", procedure_type(contract, name), arguments.join(", "))
}
