//! The Rust type behind each name that schemars gave.
//!
//! schemars calls the second type named `Page` `Page2`, so its names depend on the order of
//! registration. It knows types apart by `JsonSchema::schema_id`, a path with the arguments of
//! generics, but shows it nowhere but in the generator's `Debug` output: that is read here. If it
//! should ever look different, the names of schemars are used as they are; a test watches over it.

use std::collections::BTreeMap;

use schemars::generate::SchemaGenerator;

use crate::http::percent;

/// A type: its schemars id and its name without the number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    /// As `chat::model::Page<chat::model::Message>`.
    pub(super) text: String,
    /// As `Page`.
    pub(super) base: String,
}

/// The ids of the types with these names.
pub(super) fn by_name<'a>(
    generator: &SchemaGenerator,
    names: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, Id> {
    let shown = shown(&format!("{generator:?}"));
    names
        .map(|name| {
            let id = match shown.get(name) {
                Some(text) => Id { text: text.clone(), base: base(name, text, &shown) },
                None => Id { text: name.clone(), base: name.clone() },
            };
            (name.clone(), id)
        })
        .collect()
}

/// Reads `schema_id_to_name: {SchemaUid("a::B", Serialize): "B", …}`.
fn shown(debug: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some((_, list)) = debug.split_once("schema_id_to_name: {") else { return found };
    for entry in list.split("SchemaUid(").skip(1) {
        let parts: Vec<_> = entry.split('"').collect();
        let [_, id, _, name, after, ..] = parts[..] else { break };
        found.entry(name.to_owned()).or_insert_with(|| id.to_owned());
        if after.starts_with('}') {
            break;
        }
    }
    found
}

/// The name without the number that distinguished it.
fn base(name: &str, id: &str, shown: &BTreeMap<String, String>) -> String {
    let own = segment(id);
    let is_number = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit());
    if name.strip_prefix(own).is_some_and(is_number) {
        return own.to_owned();
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match shown.get(stem) {
        Some(other) if segment(other) == own => stem.to_owned(),
        _ => name.to_owned(),
    }
}

/// `Page` of `chat::model::Page<…>`.
fn segment(id: &str) -> &str {
    let path = id.split('<').next().unwrap_or(id);
    path.rsplit("::").next().unwrap_or(path)
}

impl Id {
    /// Whether its name needs those of its arguments; one that is renamed by a pattern has them.
    pub(super) fn is_generic(&self) -> bool {
        self.text.contains('<') && (segment(&self.text) == self.base || !self.text.contains("::"))
    }

    /// The modules it is in, outermost first.
    pub(super) fn modules(&self) -> Vec<&str> {
        let path = self.text.split('<').next().unwrap_or(&self.text);
        let mut parts: Vec<_> = path.split("::").collect();
        parts.pop();
        parts
    }

    /// With the names of its arguments, `names` being those of the types named so far.
    pub(super) fn readable(&self, names: &BTreeMap<String, String>) -> String {
        let (_, arguments) = self.text.split_once('<').unwrap_or_default();
        let mut parts = vec![segment(&self.text).to_owned()];
        Arguments { rest: arguments, names }.list(&mut parts);
        parts.join("_")
    }
}

/// Reads the arguments in an id. schemars writes those of derived types without a separator, so
/// the types that are known, and the primitives, say where one ends.
struct Arguments<'a> {
    rest: &'a str,
    names: &'a BTreeMap<String, String>,
}

const PRIMITIVES: &[&str] = &[
    "string", "boolean", "char", "null", "int8", "int16", "int32", "int64", "int128", "int",
    "uint8", "uint16", "uint32", "uint64", "uint128", "uint", "float", "double", "AnyValue",
];

impl Arguments<'_> {
    fn list(&mut self, parts: &mut Vec<String>) {
        while let Some(first) = self.rest.chars().next() {
            match first {
                '>' | ']' | ')' => {
                    self.rest = &self.rest[1..];
                    return;
                }
                '[' | '(' => {
                    self.rest = &self.rest[1..];
                    parts.push(if first == '[' { "Array" } else { "Tuple" }.to_owned());
                    self.list(parts);
                }
                c if c.is_alphanumeric() || c == '_' => self.argument(parts),
                c => self.rest = &self.rest[c.len_utf8()..],
            }
        }
    }

    fn argument(&mut self, parts: &mut Vec<String>) {
        let known = self.names.iter().filter(|(id, _)| self.rest.starts_with(id.as_str()));
        if let Some((id, name)) = known.max_by_key(|(id, _)| id.len()) {
            parts.push(name.clone());
            self.rest = &self.rest[id.len()..];
            return;
        }
        let primitive =
            PRIMITIVES.iter().filter(|p| self.rest.starts_with(**p)).max_by_key(|p| p.len());
        if let Some(primitive) = primitive {
            parts.push((*primitive).to_owned());
            self.rest = &self.rest[primitive.len()..];
            return;
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || "_:{}".contains(c)))
            .unwrap_or(self.rest.len());
        let (path, rest) = self.rest.split_at(end);
        parts.push(path.rsplit("::").next().unwrap_or(path).to_owned());
        self.rest = rest;
        if let Some(inside) = rest.strip_prefix('<') {
            self.rest = inside;
            self.list(parts);
        }
    }
}

/// A name from a `$ref`, without its escapes.
pub(super) fn decode(name: &str) -> String {
    let plain = String::from_utf8(percent::decoded(name, false));
    plain.map_or_else(|_| name.to_owned(), |name| name.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, SchemaGenerator};

    use super::*;

    #[derive(JsonSchema)]
    struct Pair<A, B> {
        _a: A,
        _b: B,
    }

    #[derive(JsonSchema)]
    struct User {
        _name: String,
    }

    #[derive(JsonSchema)]
    #[schemars(rename = "{T}List")]
    struct Listed<T> {
        _all: Vec<T>,
    }

    /// If this fails, schemars shows its ids no longer, or otherwise: names then depend on the
    /// order of registration until `shown` is mended.
    #[test]
    fn the_generator_shows_the_ids_of_its_types() {
        let mut generator = SchemaGenerator::default();
        let _ = generator.subschema_for::<Pair<User, u8>>();
        let _ = generator.subschema_for::<Pair<u8, Vec<User>>>();
        let _ = generator.subschema_for::<Listed<User>>();
        let given: Vec<_> = generator.take_definitions(false).keys().cloned().collect();
        let ids = by_name(&generator, given.iter());
        let this = module_path!();
        assert_eq!(ids["Pair"].text, format!("{this}::Pair<{this}::Useruint8>"));
        assert_eq!(ids["Pair2"].text, format!("{this}::Pair<uint8[{this}::User]>"));
        assert_eq!(ids["Pair2"].base, "Pair");
        assert_eq!(ids["UserList"].base, "UserList");
        assert!(!ids["UserList"].is_generic());
        let known = BTreeMap::from([(ids["User"].text.clone(), "User".to_owned())]);
        assert_eq!(ids["Pair"].readable(&known), "Pair_User_uint8");
        assert_eq!(ids["Pair2"].readable(&known), "Pair_uint8_Array_User");
    }

    #[test]
    fn names_lose_their_escapes() {
        assert_eq!(decode("a~1b~0c%20d%"), "a/b~c d%");
    }
}
