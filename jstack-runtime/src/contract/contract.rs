//! The route table as data.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::events::Delivery;
use crate::procedure::Kind;

/// The contract of an application as data: procedures, kinds, events, schemas.
///
/// [`App::describe`](crate::App::describe) returns it. It serialises (as [`json`](Self::json) does), and it
/// writes itself as TypeScript, OpenAPI and AsyncAPI.
///
/// Schemas are JSON Schema 2020-12. What a client sends follows the *deserialize* contract of its type: a
/// field with a default may be missing. What a client gets follows the *serialize* contract. If the two
/// differ for a type, [`types`](Self::types) has two entries, and the client's has `Input` after its name.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// assert_eq!(contract.procedures()[0].path, "post/chat");
/// assert!(contract.typescript().unwrap().contains("chat"));
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) base: String,
    pub(super) procedures: Vec<ProcedureContract>,
    pub(super) types: BTreeMap<String, Value>,
    /// Names of types that differ from another one only in that dates are `Date`: they mean
    /// something in TypeScript alone.
    #[serde(skip)]
    pub(super) dated: BTreeMap<String, String>,
}

/// The contract of one procedure.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// let chat = &contract.procedures()[0];
/// assert_eq!((chat.path.as_str(), chat.incoming[0].name.as_str()), ("post/chat", "message"));
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProcedureContract {
    /// Its path below the base path, as `post/recent`.
    pub path: String,
    /// GET, POST or WebSocket.
    #[serde(serialize_with = "kind")]
    pub kind: Kind,
    /// Its documentation; may be empty.
    pub docs: String,
    /// The input of `get` and `post`; `None` without one.
    pub input: Option<InputContract>,
    /// The answer of `get` and `post`; `None` for `ws`.
    pub output: Option<OutputContract>,
    /// What the handlers of a `ws` procedure read of the query, by `Query<T>`; `None` if they read
    /// nothing. If `T` has no `JsonSchema`, any field is allowed.
    pub params: Option<InputContract>,
    /// The events that clients of a `ws` procedure send.
    pub incoming: Vec<EventContract>,
    /// The events that clients of a `ws` procedure get.
    pub outgoing: Vec<EventContract>,
    /// The presence of a `ws` procedure; `None` without `presence = …`.
    pub presence: Option<PresenceContract>,
    /// The history of a `ws` procedure; `None` without `history(…)`.
    pub history: Option<HistoryContract>,
    /// Where it is declared in the source, as `src/chat.rs:12`.
    pub declared_at: String,
}

/// The input of a procedure.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// let input = contract.procedures()[1].input.as_ref().unwrap();
/// assert_eq!((input.schema["$ref"].as_str(), input.optional), (Some("#/$defs/Page"), false));
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InputContract {
    /// Its JSON Schema; `$ref`s point at [`Contract::types`] as `#/$defs/Name`.
    pub schema: Value,
    /// Whether clients may leave it out.
    pub optional: bool,
}

/// The answer of a procedure.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// use jstack_runtime::contract::OutputContract;
/// assert!(matches!(contract.procedures()[1].output, Some(OutputContract::Json(_))));
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "format", content = "schema", rename_all = "camelCase")]
#[non_exhaustive]
pub enum OutputContract {
    /// Nothing: `undefined` in the client.
    Void,
    /// JSON, with its schema.
    Json(Value),
    /// superjson, with the schema of the value: dates arrive as `Date`.
    SuperJson(Value),
    /// Any response of the handler: text, bytes, a redirect.
    Raw,
}

/// One event of a `ws` procedure.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// assert_eq!(contract.procedures()[0].outgoing[0].schema["type"], "string");
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventContract {
    /// Its name on the wire.
    pub name: String,
    /// Its documentation; may be empty.
    pub docs: String,
    /// The JSON Schema of its payload; `$ref`s point at [`Contract::types`] as `#/$defs/Name`.
    pub schema: Value,
    /// The schema of the reply to an incoming event; `None` if a request is answered with `null`.
    pub reply: Option<Value>,
    /// The schema of a client's answer to an outgoing event that is a question.
    pub ask: Option<Value>,
    /// How it is delivered: `reliable`, `volatile` or `latest`.
    #[serde(serialize_with = "delivery")]
    pub delivery: Delivery,
    /// The field of the payload, by its wire name, for each of whose values the latest event is kept;
    /// `None` if there is one for all.
    pub latest_by: Option<String>,
    /// Whether it is never kept in history.
    pub forget: bool,
}

/// The presence of a `ws` procedure.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// let presence = contract.procedures()[0].presence.as_ref().unwrap();
/// assert_eq!(presence.state["type"], "boolean");
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PresenceContract {
    /// The JSON Schema of a client's status in a room. Others read it as the server has decoded it: with
    /// its defaults.
    pub state: Value,
    /// The JSON Schema of a member's public description; that of `null` without `#[member]`.
    pub info: Value,
}

/// The history of a `ws` procedure.
///
/// ```
#[doc = include_str!("../docs/in_contract.md")]
/// let contract = App::<()>::new().mount("post", router![chat, recent]).describe();
/// let history = contract.procedures()[0].history.as_ref().unwrap();
/// assert_eq!((history.messages, history.millis), (100, 300_000));
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HistoryContract {
    /// The most messages that are kept of a room.
    pub messages: u32,
    /// The longest time that a message is kept, in milliseconds.
    pub millis: u64,
}

impl EventContract {
    /// Whether a history keeps it.
    pub(super) fn is_kept(&self) -> bool {
        self.delivery == Delivery::Reliable && !self.forget && self.ask.is_none()
    }
}

impl Contract {
    /// Sets the title of the documents; `API` unless set.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// let contract = app.describe().title("Forum");
    /// assert_eq!(contract.openapi()["info"]["title"], "Forum");
    /// ```
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the version of the application in the documents; `0.0.0` unless set.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// let contract = app.describe().version(env!("CARGO_PKG_VERSION"));
    /// assert_eq!(contract.openapi()["info"]["version"], env!("CARGO_PKG_VERSION"));
    /// ```
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Returns the whole contract as JSON: `contract.json`, for other generators and for tools.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// let contract = App::<()>::new().describe().title("Chat").json();
    /// assert_eq!(contract["title"], "Chat");
    /// ```
    pub fn json(&self) -> Value {
        // Texts, lists and maps by text always encode.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The path before all procedures, such as `/api`.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// assert_eq!(app.describe().base_path(), "/api");
    /// ```
    pub fn base_path(&self) -> &str {
        &self.base
    }

    /// The procedures, sorted by path.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// for procedure in app.describe().procedures() {
    ///     println!("{} {}", procedure.kind, procedure.path);
    /// }
    /// ```
    pub fn procedures(&self) -> &[ProcedureContract] {
        &self.procedures
    }

    /// The JSON Schemas of all named types, by name.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// for (name, schema) in app.describe().types() {
    ///     println!("{name}: {schema}");
    /// }
    /// ```
    pub fn types(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.types.iter().map(|(name, schema)| (name.as_str(), schema))
    }

    /// A table for people: kind, path and place in the source of each procedure.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// println!("{}", app.describe().routes());
    /// ```
    pub fn routes(&self) -> String {
        let paths: Vec<_> =
            self.procedures.iter().map(|p| format!("{}/{}", self.base, p.path)).collect();
        let width = paths.iter().map(|path| path.chars().count()).max().unwrap_or(0);
        let mut table = String::new();
        for (procedure, path) in self.procedures.iter().zip(&paths) {
            let ProcedureContract { kind, declared_at, .. } = procedure;
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{:<4}  {path:<width$}  {declared_at}", kind.to_string());
        }
        table
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn delivery<S: Serializer>(delivery: &Delivery, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(delivery.label())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn kind<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}
