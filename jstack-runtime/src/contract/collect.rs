//! Makes the contract of a route table: runs the schema functions, then names the types.

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Value, json};

use super::contract::{
    Contract, EventContract, HistoryContract, InputContract, OutputContract, PresenceContract,
    ProcedureContract,
};
use super::type_names::{self, Mode};
use super::walk;
use crate::procedure::{EventInfo, EventsInfo, ParamsInfo, PresenceInfo, ProcedureInfo};

/// One generator for each way in which a type travels.
pub(super) struct Generators(BTreeMap<Mode, SchemaGenerator>);

impl Generators {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
        let answer = settings.clone().for_serialize();
        Self(BTreeMap::from([
            (Mode::Answer, answer.clone().into_generator()),
            (Mode::Dates, answer.into_generator()),
            (Mode::Input, settings.for_deserialize().into_generator()),
        ]))
    }

    fn schema(
        &mut self,
        mode: Mode,
        of: impl FnOnce(&mut SchemaGenerator) -> schemars::Schema,
    ) -> Value {
        self.0.get_mut(&mode).map_or(Value::Bool(true), |generator| of(generator).to_value())
    }
}

impl Contract {
    /// The contract of `routes`: paths below `base`, as `post/recent`.
    pub(crate) fn new(
        base: &str,
        routes: impl IntoIterator<Item = (String, ProcedureInfo)>,
    ) -> Self {
        contract(base, routes)
    }
}

fn contract(base: &str, routes: impl IntoIterator<Item = (String, ProcedureInfo)>) -> Contract {
    let mut generators = Generators::new();
    // Sorted first: nothing that follows may depend on the order in which routers were mounted.
    let routes: BTreeMap<_, _> = routes.into_iter().collect();
    let mut procedures: Vec<_> =
        routes.into_iter().map(|(path, info)| procedure(path, &info, &mut generators)).collect();

    let names = type_names::Names::new(generators.0);
    for procedure in &mut procedures {
        for (mode, schema) in schemas(procedure) {
            names.rewrite(mode, schema);
        }
    }
    let (types, dated) = names.into_types();
    for procedure in &mut procedures {
        for input in [&mut procedure.input, &mut procedure.params].into_iter().flatten() {
            input.optional |= admits_empty(&input.schema, &types);
        }
    }
    Contract {
        title: "API".to_owned(),
        version: "0.0.0".to_owned(),
        base: base.trim_end_matches('/').to_owned(),
        procedures,
        types,
        dated,
    }
}

/// Whether an input may be missing because none of its fields has to be there: the server reads
/// no input as one without fields.
fn admits_empty(schema: &Value, types: &BTreeMap<String, Value>) -> bool {
    let Some(object) = schema.as_object() else { return false };
    if let Some(target) = walk::target(object) {
        return types.get(target).is_some_and(|schema| admits_empty(schema, types));
    }
    if let Some(Value::Array(parts)) = object.get("allOf")
        && !object.contains_key("type")
    {
        return parts.iter().all(|part| admits_empty(part, types));
    }
    walk::text(object, "type") == Some("object")
        && !["required", "oneOf", "anyOf", "allOf", "minProperties"]
            .iter()
            .any(|key| object.contains_key(*key))
}

fn procedure(path: String, info: &ProcedureInfo, generators: &mut Generators) -> ProcedureContract {
    let mut events = |direction, infos: Vec<EventInfo>| -> Vec<EventContract> {
        infos.into_iter().map(|info| event(direction, &info, generators)).collect()
    };
    let (incoming, outgoing) = match info.events {
        Some(of) => (events(Mode::Input, (of.incoming)()), events(Mode::Answer, (of.outgoing)())),
        None => (Vec::new(), Vec::new()),
    };
    ProcedureContract {
        path,
        kind: info.kind,
        docs: info.docs.trim().to_owned(),
        input: input(info, generators),
        output: output(info, generators),
        params: params(info.params, generators),
        incoming,
        outgoing,
        presence: info
            .events
            .and_then(|events| events.presence)
            .map(|info| presence(info, generators)),
        history: info.events.as_ref().and_then(history),
        declared_at: format!("{}:{}", info.place.file(), info.place.line()),
    }
}

/// One event of a direction. A set may be used both ways: a reply counts where clients send the
/// event, a question where the server does, and the answer travels the other way.
fn event(direction: Mode, info: &EventInfo, generators: &mut Generators) -> EventContract {
    let is_incoming = direction == Mode::Input;
    let reply = info.reply.filter(|_| is_incoming);
    let ask = info.ask.filter(|_| !is_incoming);
    EventContract {
        name: info.name.to_owned(),
        docs: info.docs.trim().to_owned(),
        schema: generators.schema(direction, info.schema),
        reply: reply.map(|schema| generators.schema(Mode::Answer, schema)),
        ask: ask.map(|schema| generators.schema(Mode::Input, schema)),
        delivery: info.delivery,
        latest_by: info.latest_by(),
        forget: info.forget,
    }
}

fn presence(info: PresenceInfo, generators: &mut Generators) -> PresenceContract {
    PresenceContract {
        state: generators.schema(Mode::Input, info.status),
        info: generators.schema(Mode::Answer, info.info),
    }
}

fn history(events: &EventsInfo) -> Option<HistoryContract> {
    let (messages, millis) = events.history?;
    Some(HistoryContract { messages, millis })
}

/// The query of a socket. Several extractors may read parts of it.
fn params(all: &[ParamsInfo], generators: &mut Generators) -> Option<InputContract> {
    let optional = all.iter().all(|params| params.optional);
    let mut parts: Vec<_> =
        all.iter().map(|params| generators.schema(Mode::Input, params.schema)).collect();
    let schema = match parts.len() {
        0 => return None,
        1 => parts.swap_remove(0),
        _ => json!({ "allOf": parts }),
    };
    Some(InputContract { schema, optional })
}

/// At compile time, `()` is an input or an answer like any other; its schema distinguishes it.
fn is_unit(schema: &Value) -> bool {
    *schema == json!({ "type": "null" })
}

fn input(info: &ProcedureInfo, generators: &mut Generators) -> Option<InputContract> {
    let input = info.input?;
    let schema = generators.schema(Mode::Input, input.schema);
    (!is_unit(&schema)).then_some(InputContract { schema, optional: input.optional })
}

fn output(info: &ProcedureInfo, generators: &mut Generators) -> Option<OutputContract> {
    if info.events.is_some() {
        return None;
    }
    let Some(output) = info.output else { return Some(OutputContract::Raw) };
    let mode = if output.superjson { Mode::Dates } else { Mode::Answer };
    let schema = generators.schema(mode, output.schema);
    Some(if output.void || is_unit(&schema) {
        OutputContract::Void
    } else if output.superjson {
        OutputContract::SuperJson(schema)
    } else {
        OutputContract::Json(schema)
    })
}

/// Every schema of a procedure, with the way in which it travels.
fn schemas(procedure: &mut ProcedureContract) -> Vec<(Mode, &mut Value)> {
    let mut all = Vec::new();
    all.extend(procedure.input.as_mut().map(|input| (Mode::Input, &mut input.schema)));
    match &mut procedure.output {
        Some(OutputContract::Json(schema)) => all.push((Mode::Answer, schema)),
        Some(OutputContract::SuperJson(schema)) => all.push((Mode::Dates, schema)),
        Some(OutputContract::Void | OutputContract::Raw) | None => {}
    }
    all.extend(procedure.params.as_mut().map(|params| (Mode::Input, &mut params.schema)));
    for event in &mut procedure.incoming {
        all.push((Mode::Input, &mut event.schema));
        all.extend(event.reply.as_mut().map(|schema| (Mode::Answer, schema)));
    }
    for event in &mut procedure.outgoing {
        all.push((Mode::Answer, &mut event.schema));
        all.extend(event.ask.as_mut().map(|schema| (Mode::Input, schema)));
    }
    if let Some(presence) = &mut procedure.presence {
        all.push((Mode::Input, &mut presence.state));
        all.push((Mode::Answer, &mut presence.info));
    }
    all
}
