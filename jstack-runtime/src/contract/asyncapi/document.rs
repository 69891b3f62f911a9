//! The whole document: channels, operations, components.

use serde_json::{Map, Value, json};

use super::messages::{draft07, error, messages, schema};
use super::operations::operation;
use super::profile_v1;
use crate::contract::contract::{Contract, InputContract, ProcedureContract};
use crate::contract::document::{components, describe, id, info};
use crate::contract::walk;
use crate::procedure::Kind;

impl Contract {
    /// Returns the WebSocket procedures as an AsyncAPI 3.0 document.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// assert_eq!(app.describe().asyncapi()["asyncapi"], "3.0.0");
    /// ```
    pub fn asyncapi(&self) -> Value {
        document(self)
    }
}

/// The whole document. It describes the server: what it *receives* is what clients send.
fn document(contract: &Contract) -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    for procedure in contract.procedures().iter().filter(|p| p.kind == Kind::Ws) {
        let channel = id(&procedure.path);
        for (action, direction) in [("receive", "incoming"), ("send", "outgoing")] {
            let names = messages(contract, procedure, direction).into_iter().map(|(name, _)| name);
            let operation = operation(action, &channel, names);
            operations.insert(format!("{channel}.{direction}"), operation);
        }
        operations.extend(profile_v1::operations(procedure, &channel));
        channels.insert(channel, self::channel(contract, procedure));
    }
    let mut schemas: Map<_, _> =
        components(contract).into_iter().map(|(name, schema)| (name, draft07(schema))).collect();
    schemas.insert("EventError".to_owned(), error());
    let mut components = Map::from_iter([("schemas".to_owned(), schemas.into())]);
    if !channels.is_empty() {
        components.insert("messages".to_owned(), profile_v1::shared().into());
    }
    json!({
        "asyncapi": "3.0.0",
        "info": info(contract),
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": components,
    })
}

fn channel(contract: &Contract, procedure: &ProcedureContract) -> Value {
    let mut messages = self::messages(contract, procedure, "incoming");
    messages.extend(self::messages(contract, procedure, "outgoing"));
    messages.extend(profile_v1::messages(contract, procedure));
    let mut binding =
        json!({ "method": "GET", "headers": profile_v1::headers(), "bindingVersion": "0.1.0" });
    if let Some(params) = &procedure.params {
        binding["query"] = query(contract, params);
    }
    let mut channel = Map::from_iter([
        ("address".to_owned(), json!(format!("{}/{}", contract.base, procedure.path))),
        ("messages".to_owned(), messages.into()),
        ("bindings".to_owned(), json!({ "ws": binding })),
    ]);
    describe(&mut channel, &procedure.docs);
    channel.into()
}

/// The query of a connection. The binding wants its properties here, not behind a reference.
fn query(contract: &Contract, params: &InputContract) -> Value {
    let mut found = &params.schema;
    while let Some(target) = found.as_object().and_then(walk::target)
        && let Some(named) = contract.types.get(target)
    {
        found = named;
    }
    let mut query = schema(contract, found);
    if let Some(object) = query.as_object_mut() {
        object.entry("type").or_insert_with(|| json!("object"));
        object.entry("properties").or_insert_with(|| json!({}));
    }
    query
}
