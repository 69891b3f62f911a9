//! Payloads: what travels, and the rules that hold for it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::{self, Display, Write as _};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Issue, Result};
use crate::http::input::Sent;
use crate::http::shape::Schematic;
use crate::json_path::{self, position_free};

/// A type that may travel: in an event, as the input of a procedure, or as its answer.
///
/// Derive it beside `Serialize`, `Deserialize` and `JsonSchema`. If the type carries
/// `#[garde(…)]` rules, derive `Validate` too: every value is then checked on its way in,
/// before the handler sees it, and on its way out, before the wire does. A field whose type has
/// rules of its own is checked as well, so that no declared rule is ever skipped.
///
/// ```
/// use jstack_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
/// struct Message {
///     #[garde(length(chars, min = 1, max = 2000))]
///     message: String,
/// }
///
/// let mut issues = jstack_runtime::Issues::default();
/// Message { message: String::new() }.check(&mut issues);
/// assert_eq!(issues.as_slice()[0].path, "message");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a payload",
    label = "not a payload",
    note = "add `Payload` to its derives"
)]
pub trait Payload: Send + Sync + 'static {
    /// Adds an issue for each rule that this value breaks.
    fn check(&self, issues: &mut Issues) {
        let _ = issues;
    }
}

/// What the payload of an event must be: it travels in both directions.
///
/// It is implemented for every type with the four derives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the payload of an event",
    label = "not a payload",
    note = "payload types derive `Serialize`, `Deserialize`, `JsonSchema` and `Payload`"
)]
pub trait EventPayload: Payload + Serialize + DeserializeOwned + JsonSchema {
    /// Writes `value` as JSON after checking its rules.
    #[doc(hidden)]
    fn encode(value: &Self, out: &mut Vec<u8>) -> Result {
        let mut issues = Issues::default();
        value.check(&mut issues);
        if !issues.found.is_empty() {
            // By the serialiser that is compiled anyway.
            let mut sent = Vec::new();
            let _ = value.serialize(&mut serde_json::Serializer::new(&mut sent));
            return Err(unsendable(&sent, issues));
        }
        match value.serialize(&mut serde_json::Serializer::new(out)) {
            Ok(()) => Ok(()),
            Err(error) => Err(unencodable(&error)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload + Serialize + DeserializeOwned + JsonSchema> EventPayload for T {}

/// What the input of a `get` or `post` procedure must be.
///
/// It is implemented for every type with the three derives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the input of a procedure",
    label = "not an input",
    note = "input types derive `Deserialize`, `JsonSchema` and `Payload`"
)]
pub trait InputPayload: Payload + DeserializeOwned + JsonSchema {
    /// Decodes a value and checks its rules.
    #[doc(hidden)]
    fn decode(data: &Data<'_>) -> Result<Self> {
        let mut parser = data.parser();
        match Self::deserialize(&mut parser) {
            Ok(value) => {
                let mut issues = Issues::default();
                value.check(&mut issues);
                match data.refusal(parser, issues) {
                    None => Ok(value),
                    Some(error) => Err(error),
                }
            }
            Err(error) => {
                let changed = json_path::changed(data.json, &error);
                let mut parser = Data::new(&changed).parser();
                let again = Self::deserialize(&mut parser).err();
                Err(undecodable(data.json, &error, &changed, again.as_ref()))
            }
        }
    }

    /// The input of a request.
    #[doc(hidden)]
    fn read(sent: Sent<'_>) -> Result<Self, Response> {
        let mut texts = match sent.texts(Schematic::of::<Self>()) {
            Ok(texts) => texts,
            Err(error) => return Err(error.into_response()),
        };
        while let Some(text) = texts.next() {
            match Self::decode(&Data::new(text)) {
                Ok(value) => return Ok(value),
                Err(error) => texts.refused(error),
            }
        }
        Err(texts.refusal().into_response())
    }

    /// The input of a request, if there is one.
    #[doc(hidden)]
    fn read_optional(sent: Sent<'_>) -> Result<Option<Self>, Response> {
        match sent.text(Schematic::of::<Self>()) {
            Err(error) => Err(error.into_response()),
            Ok(None) => Ok(None),
            Ok(Some(text)) => match Self::decode(&Data::new(&text)) {
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(error.into_response()),
            },
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload + DeserializeOwned + JsonSchema> InputPayload for T {}

/// The issues found so far, each with the path of its field.
#[derive(Debug, Default)]
pub struct Issues {
    found: Vec<Issue>,
}

impl Issues {
    /// Adds one for the value that is being checked.
    pub fn add(&mut self, message: impl Into<String>) {
        self.found.push(Issue::new("", message));
    }

    /// Checks a part of the value; what it finds gets `name` before its path.
    pub fn field(&mut self, name: impl Display, check: impl FnOnce(&mut Self)) {
        let before = self.found.len();
        check(self);
        if self.found.len() > before {
            self.name(before, &name);
        }
    }

    #[cold]
    fn name(&mut self, from: usize, name: &dyn Display) {
        for issue in &mut self.found[from..] {
            issue.path = join(&name.to_string(), &issue.path);
        }
    }

    /// Checks an element of the value; what it finds gets `[index]` before its path.
    pub fn element(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        self.field(format_args!("[{index}]"), check);
    }

    /// Gives what `check` finds the names that travel: `names` has those that do not follow from
    /// the fields' names in Rust.
    #[doc(hidden)]
    pub fn renamed(&mut self, names: &[(&str, &str)], check: impl FnOnce(&mut Self)) {
        let before = self.found.len();
        check(self);
        for issue in &mut self.found[before..] {
            let end = issue.path.match_indices(['.', '[']).map(|(at, _)| at).find(|at| *at > 0);
            let (first, rest) = issue.path.split_at(end.unwrap_or(issue.path.len()));
            if let Some((_, wire)) = names.iter().find(|(rust, _)| *rust == first) {
                issue.path = join(wire, rest.strip_prefix('.').unwrap_or(rest));
            }
        }
    }

    /// What was found, in the order in which it was.
    pub fn as_slice(&self) -> &[Issue] {
        &self.found
    }

    pub(crate) fn into_vec(self) -> Vec<Issue> {
        self.found
    }

    /// Runs the rules of a type that derives `garde::Validate`.
    #[doc(hidden)]
    pub fn garde<T: garde::Validate<Context = ()> + ?Sized>(&mut self, value: &T) {
        if let Err(report) = value.validate() {
            self.report(&report);
        }
    }

    #[cold]
    pub(crate) fn report(&mut self, report: &garde::Report) {
        let found = report.iter();
        self.found
            .extend(found.map(|(path, error)| Issue::new(path.to_string(), error.to_string())));
    }
}

/// `a` and `b` as one path: `author.name`, `tags[2]`, `[0].name`.
fn join(a: &str, b: &str) -> String {
    match (a, b) {
        ("", path) | (path, "") => path.to_owned(),
        _ if b.starts_with('[') => format!("{a}{b}"),
        _ => format!("{a}.{b}"),
    }
}

/// Checks a value whose own way of declaring rules is not known to the macro: a payload by
/// [`Payload::check`], a `garde` type by its rules, anything else not at all.
///
/// It is named by expansions only.
#[doc(hidden)]
#[derive(Debug)]
pub struct Rules<'a, T: ?Sized>(pub &'a T);

impl<T: Checked + ?Sized> Rules<'_, T> {
    /// A payload, by its own rules.
    pub fn check(&self, issues: &mut Issues) {
        self.0.checked(issues);
    }
}

/// The second choice: rules of `garde` on a type that is no payload.
#[doc(hidden)]
pub trait GardeRules {
    /// Runs them.
    fn check(&self, issues: &mut Issues);
}

impl<T: garde::Validate<Context = ()> + ?Sized> GardeRules for Rules<'_, T> {
    fn check(&self, issues: &mut Issues) {
        issues.garde(self.0);
    }
}

/// The last choice: a type without rules.
#[doc(hidden)]
pub trait NoRules {
    /// Finds nothing.
    fn check(&self, issues: &mut Issues);
}

impl<T: ?Sized> NoRules for &Rules<'_, T> {
    fn check(&self, _: &mut Issues) {}
}

/// A payload, or what wraps one as a handler's answer.
#[doc(hidden)]
pub trait Checked {
    /// Adds an issue for each rule that is broken.
    fn checked(&self, issues: &mut Issues);
}

impl<T: Payload> Checked for T {
    fn checked(&self, issues: &mut Issues) {
        self.check(issues);
    }
}

impl<T: Payload, E> Checked for Result<T, E> {
    fn checked(&self, issues: &mut Issues) {
        if let Ok(value) = self {
            value.check(issues);
        }
    }
}

/// The JSON text of one payload.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    json: &'a str,
}

impl<'a> Data<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        Self { json }
    }

    /// The text as it came.
    pub fn as_str(&self) -> &'a str {
        self.json
    }

    #[inline]
    fn parser(&self) -> Parser<'a> {
        serde_json::Deserializer::from_str(self.json)
    }

    /// What is wrong with a text of which a value was read: what follows it, and broken rules.
    #[inline]
    fn refusal(&self, mut parser: Parser<'a>, issues: Issues) -> Option<Error> {
        match parser.end() {
            Err(error) => Some(unfinished(&error)),
            Ok(()) if issues.found.is_empty() => None,
            Ok(()) => Some(broken(issues, self.json)),
        }
    }

    /// Decodes the payload and checks its rules.
    ///
    /// Fails with a 422 that names each field and what is wrong with it.
    pub fn parse<T: InputPayload>(&self) -> Result<T> {
        T::decode(self)
    }
}

type Parser<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

#[cold]
fn undecodable(
    json: &str,
    error: &serde_json::Error,
    changed: &str,
    again: Option<&serde_json::Error>,
) -> Error {
    let path = json_path::of(json, error, changed, again);
    Error::invalid(vec![issue_at(&path, &position_free(&error.to_string()))])
}

/// The error for what follows the value.
#[cold]
fn unfinished(error: &serde_json::Error) -> Error {
    Error::invalid(vec![Issue::new("", position_free(&error.to_string()))])
}

/// What serde says of a decoded value, as an issue that names the field even where serde names
/// its parent.
pub(crate) fn issue_at(path: &str, message: &str) -> Issue {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match missing {
        Some(field) => Issue::new(join(path, field), "is missing"),
        None => Issue::new(path, message),
    }
}

#[cold]
fn broken(issues: Issues, json: &str) -> Error {
    let sent: Value = serde_json::from_str(json).unwrap_or_default();
    Error::invalid(as_sent(issues.into_vec(), &sent))
}

/// Gives the paths the names that travel: rules know the Rust field (`room_id`), clients the
/// one they sent (`roomId`).
pub(crate) fn as_sent(mut issues: Vec<Issue>, sent: &Value) -> Vec<Issue> {
    for issue in &mut issues {
        let mut at = Some(sent);
        let mut path = String::with_capacity(issue.path.len());
        for part in issue.path.split_inclusive(['.', '[', ']']) {
            let (name, end) = match part.char_indices().next_back() {
                Some((i, end @ ('.' | '[' | ']'))) => (&part[..i], Some(end)),
                _ => (part, None),
            };
            let here = match at {
                Some(Value::Object(fields)) => fields.get_key_value(name).or_else(|| {
                    fields.iter().find(|(key, _)| !name.is_empty() && same_words(key, name))
                }),
                _ => None,
            };
            at = match (here, at) {
                (Some((_, value)), _) => Some(value),
                (None, at) if name.is_empty() => at,
                (None, Some(Value::Array(items))) => {
                    name.parse::<usize>().ok().and_then(|i| items.get(i))
                }
                _ => None,
            };
            path.push_str(here.map_or(name, |(key, _)| key));
            path.extend(end);
        }
        issue.path = path;
    }
    issues
}

/// Whether two names differ in case and separators only.
fn same_words(a: &str, b: &str) -> bool {
    let plain = |s: &str| {
        s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    plain(a) == plain(b)
}

#[cold]
fn unencodable(error: &serde_json::Error) -> Error {
    Error::internal(format!("payload does not encode: {error}"))
}

/// A value of ours that breaks its own rules is a fault of the server, so the client reads
/// nothing of it, while the caller of `emit` finds the issues in the error.
#[cold]
fn unsendable(sent: &[u8], issues: Issues) -> Error {
    let sent: Value = serde_json::from_slice(sent).unwrap_or_default();
    outgoing(as_sent(issues.into_vec(), &sent))
}

/// The error for an outgoing value that breaks its rules.
pub(crate) fn outgoing(issues: Vec<Issue>) -> Error {
    let mut cause = "an outgoing value breaks its rules".to_owned();
    for issue in &issues {
        let _ = write!(cause, "; {issue}");
    }
    Error::internal(cause).with_issues(issues)
}

macro_rules! plain {
    ($($type:ty)*) => { $( impl Payload for $type {} )* };
}

plain! {
    () bool char String Value
    u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
    std::num::NonZeroU8 std::num::NonZeroU16 std::num::NonZeroU32 std::num::NonZeroU64
    std::num::NonZeroU128 std::num::NonZeroUsize
    std::num::NonZeroI8 std::num::NonZeroI16 std::num::NonZeroI32 std::num::NonZeroI64
    std::num::NonZeroI128 std::num::NonZeroIsize
    std::net::IpAddr std::net::Ipv4Addr std::net::Ipv6Addr std::net::SocketAddr
    std::time::Duration std::time::SystemTime std::path::PathBuf
    str &'static str serde_json::Number serde_json::Map<String, Value>
}

macro_rules! inside {
    ($($type:ident)*) => { $(
        impl<T: Payload + ?Sized> Payload for $type<T> {
            fn check(&self, issues: &mut Issues) {
                (**self).check(issues);
            }
        }
    )* };
}

inside! { Box Arc }

impl<T: Payload> Payload for Option<T> {
    fn check(&self, issues: &mut Issues) {
        if let Some(value) = self {
            value.check(issues);
        }
    }
}

/// Every element of a sequence, by its index.
fn each<'a, T: Payload>(items: impl IntoIterator<Item = &'a T>, issues: &mut Issues) {
    for (index, item) in items.into_iter().enumerate() {
        issues.element(index, |issues| item.check(issues));
    }
}

impl<T: Payload> Payload for Vec<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for [T] {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for VecDeque<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for LinkedList<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload + Ord> Payload for BinaryHeap<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for Range<T> {
    fn check(&self, issues: &mut Issues) {
        issues.field("start", |issues| self.start.check(issues));
        issues.field("end", |issues| self.end.check(issues));
    }
}

impl<T: Payload> Payload for RangeInclusive<T> {
    fn check(&self, issues: &mut Issues) {
        issues.field("start", |issues| self.start().check(issues));
        issues.field("end", |issues| self.end().check(issues));
    }
}

impl<T: Payload + Ord> Payload for BTreeSet<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload + Eq + Hash, S: BuildHasher + Send + Sync + 'static> Payload for HashSet<T, S> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload, const N: usize> Payload for [T; N] {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<B> Payload for Cow<'static, B>
where
    B: Payload + ToOwned<Owned: Send + Sync> + ?Sized,
{
    fn check(&self, issues: &mut Issues) {
        (**self).check(issues);
    }
}

impl<T: Send + Sync + ?Sized + 'static> Payload for PhantomData<T> {}

/// The key of a map as it travels.
struct Key<'a, K>(&'a K);

impl<K: Serialize> Display for Key<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self.0) {
            Ok(Value::String(key)) => f.write_str(&key),
            Ok(key) => key.fmt(f),
            Err(_) => f.write_str("?"),
        }
    }
}

impl<K, T: Payload> Payload for BTreeMap<K, T>
where
    K: Serialize + Ord + Send + Sync + 'static,
{
    fn check(&self, issues: &mut Issues) {
        for (key, value) in self {
            issues.field(Key(key), |issues| value.check(issues));
        }
    }
}

impl<K, T: Payload, S: Send + Sync + 'static> Payload for HashMap<K, T, S>
where
    K: Serialize + Eq + Hash + Send + Sync + 'static,
{
    fn check(&self, issues: &mut Issues) {
        for (key, value) in self {
            issues.field(Key(key), |issues| value.check(issues));
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt)+))*) => { $(
        impl<$($name: Payload),+> Payload for ($($name,)+) {
            fn check(&self, issues: &mut Issues) {
                $( issues.element($index, |issues| self.$index.check(issues)); )+
            }
        }
    )* };
}

tuples! { (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) (A 0 B 1 C 2 D 3 F 4) (A 0 B 1 C 2 D 3 F 4 G 5) }

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Serialize, Deserialize, JsonSchema, garde::Validate)]
    #[serde(rename_all = "camelCase")]
    struct Message {
        #[garde(length(chars, min = 1))]
        room_id: String,
    }

    impl Payload for Message {
        fn check(&self, issues: &mut Issues) {
            issues.garde(self);
        }
    }

    fn issues<T: InputPayload + std::fmt::Debug>(json: &str) -> Vec<(String, String)> {
        let error = Data::new(json).parse::<T>().expect_err(json);
        error.issues().iter().map(|i| (i.path.clone(), i.message.clone())).collect()
    }

    #[test]
    fn a_broken_rule_names_the_field_as_the_client_sent_it() {
        assert_eq!(issues::<Message>(r#"{"roomId":""}"#)[0].0, "roomId");
        assert_eq!(issues::<Vec<Message>>(r#"[{"roomId":"a"},{"roomId":""}]"#)[0].0, "[1].roomId");
    }

    #[test]
    fn a_missing_field_is_named_itself_not_its_parent() {
        assert_eq!(issues::<Message>("{}"), [("roomId".into(), "is missing".into())]);
        assert_eq!(issues::<Vec<Message>>("[{}]")[0].0, "[0].roomId");
    }

    #[test]
    fn a_wrong_type_names_the_field_and_what_was_expected() {
        let found = issues::<Message>(r#"{"roomId":5}"#);
        assert_eq!(found[0].0, "roomId");
        assert!(found[0].1.contains("expected a string"), "{found:?}");
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        assert!(!issues::<u32>("1,2").is_empty());
        assert!(!issues::<u32>("1]").is_empty());
    }

    #[test]
    fn an_outgoing_value_that_breaks_its_rules_is_not_encoded() {
        let mut out = Vec::new();
        let error =
            Message::encode(&Message { room_id: String::new() }, &mut out).expect_err("too short");
        assert!(out.is_empty());
        assert_eq!(error.issues()[0].path, "roomId");
        assert_eq!(error.message(), "Internal Server Error");
    }

    #[test]
    fn rules_are_found_on_payloads_on_garde_types_and_nowhere_else() {
        #[derive(garde::Validate)]
        struct Only {
            #[garde(range(max = 3))]
            n: u32,
        }
        struct Free;
        let mut issues = Issues::default();
        Rules(&Message { room_id: String::new() }).check(&mut issues);
        Rules(&Only { n: 9 }).check(&mut issues);
        (&Rules(&Free)).check(&mut issues);
        let ok: Result<Vec<Message>> = Ok(vec![Message { room_id: String::new() }]);
        Rules(&ok).check(&mut issues);
        assert_eq!(issues.as_slice().len(), 3);
    }

    #[test]
    fn names_are_found_through_arrays_and_renames() {
        let sent = json!({"outerList": [{"innerName": 1}]});
        let found = as_sent(vec![Issue::new("outer_list[0].inner_name", "x")], &sent);
        assert_eq!(found[0].path, "outerList[0].innerName");
    }
}
