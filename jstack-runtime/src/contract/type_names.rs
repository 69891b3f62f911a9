//! Names for types: the same ones in every document, whatever the order of registration.
//!
//! 1. A type has the name of its Rust type (or its `rename`). An instance of a generic type has
//!    the names of its arguments after it: `Page<Message>` is `Page_Message`, even while it is the
//!    only one. `#[schemars(rename = "{T}Page")]` says it otherwise.
//! 2. Types of one name from two modules get as much of their module path in front as distinguishes them
//!    apart: `admin_Config`, `chat_Config`.
//! 3. A type that travels in more than one way, and whose schemas differ, has the plain name as
//!    an answer, `…Dates` where it is answered by superjson, and `…Input` where clients send it.
//! 4. What TypeScript or these files already call something else gets a `_` after it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaGenerator;
use serde_json::Value;

use super::type_ids::{self, Id};
use super::walk::{DEFS, references, text, walk};

/// How a type travels, in the order in which the plain name is given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// To the client, as JSON.
    Answer,
    /// To the client, as superjson.
    Dates,
    /// From the client.
    Input,
}

impl Mode {
    fn suffix(self) -> &'static str {
        match self {
            Self::Answer => "",
            Self::Dates => "Dates",
            Self::Input => "Input",
        }
    }
}

/// Marks a string that is a `Date` in the client.
pub(super) const DATE: &str = "x-jstack-date";

/// Names that a type cannot have: TypeScript's own, and those that the files use.
const TAKEN: &[&str] = &[
    "any",
    "bigint",
    "boolean",
    "never",
    "null",
    "number",
    "object",
    "string",
    "symbol",
    "undefined",
    "unknown",
    "void",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "new",
    "return",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "while",
    "with",
    "yield",
    "let",
    "static",
    "implements",
    "interface",
    "package",
    "private",
    "protected",
    "public",
    "await",
    "type",
    "Date",
    "Exclude",
    "ReturnType",
    "AppRouter",
    "Stock",
    "StockInput",
    "StockRouter",
    "StockOperation",
    "EventError",
    "Problem",
    "GetProcedure",
    "PostProcedure",
    "WsProcedure",
    "StockGet",
    "StockPost",
    "StockWs",
    "StockRoutes",
    "StockOutput",
    "StockSchema",
];

/// All named types, and what they are called.
pub(super) struct Names {
    /// By the name that the generator gave.
    given: BTreeMap<(Mode, String), String>,
    types: BTreeMap<String, Value>,
    dated: BTreeMap<String, String>,
}

/// A type's schemas by the way it travels, its references being ids.
type Schemas = BTreeMap<Id, BTreeMap<Mode, Value>>;

impl Names {
    pub(super) fn new(generators: BTreeMap<Mode, SchemaGenerator>) -> Self {
        let mut ids = BTreeMap::new();
        let mut schemas = Schemas::new();
        for (mode, mut generator) in generators {
            let definitions = generator.take_definitions(false);
            let of = type_ids::by_name(&generator, definitions.keys());
            for (name, mut schema) in definitions {
                let Some(id) = of.get(&name) else { continue };
                references(&mut schema, &mut |name| {
                    let name = type_ids::decode(name);
                    format!("{DEFS}{}", of.get(&name).map_or(&name, |id| &id.text))
                });
                mark_dates(mode, &mut schema);
                schemas.entry(id.clone()).or_default().insert(mode, schema);
                ids.insert((mode, name), id.clone());
            }
        }
        let plain = plain_names(schemas.keys());
        let called = by_mode(&schemas, &plain);
        let mut names =
            Self { given: BTreeMap::new(), types: BTreeMap::new(), dated: BTreeMap::new() };
        for (id, modes) in schemas {
            for (mode, mut schema) in modes {
                references(&mut schema, &mut |id| {
                    let name = called.get(&(mode, id.to_owned())).map_or(id, String::as_str);
                    format!("{DEFS}{name}")
                });
                let name = called.get(&(mode, id.text.clone())).cloned().unwrap_or_default();
                if let (Mode::Dates, Some(twin)) =
                    (mode, called.get(&(Mode::Answer, id.text.clone())))
                    && *twin != name
                {
                    names.dated.insert(name.clone(), twin.clone());
                }
                names.types.entry(name).or_insert(schema);
            }
        }
        for ((mode, given), id) in ids {
            if let Some(name) = called.get(&(mode, id.text)) {
                names.given.insert((mode, given), name.clone());
            }
        }
        names
    }

    /// Replaces the generator's names in `schema`, which is not a named type itself.
    pub(super) fn rewrite(&self, mode: Mode, schema: &mut Value) {
        references(schema, &mut |name| {
            let name = type_ids::decode(name);
            format!("{DEFS}{}", self.given.get(&(mode, name.clone())).unwrap_or(&name))
        });
        mark_dates(mode, schema);
    }

    pub(super) fn into_types(self) -> (BTreeMap<String, Value>, BTreeMap<String, String>) {
        (self.types, self.dated)
    }
}

/// Marks what is a `Date` in the client.
fn mark_dates(mode: Mode, schema: &mut Value) {
    if mode == Mode::Dates {
        walk(schema, &mut |object| {
            if text(object, "format") == Some("date-time") {
                object.insert(DATE.to_owned(), true.into());
            }
        });
    }
}

/// One name for each type, by id: rules 1, 2 and 4.
fn plain_names<'a>(ids: impl Iterator<Item = &'a Id>) -> BTreeMap<String, String> {
    let ids: Vec<_> = ids.collect();
    let mut names = BTreeMap::new();
    let (generic, simple): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| id.is_generic());
    name_apart(simple.into_iter().map(|id| (id, id.base.clone())).collect(), &mut names);
    // What is nested in an id is shorter than it, so arguments are named before they are used.
    let mut by_length: BTreeMap<usize, Vec<&Id>> = BTreeMap::new();
    for id in generic {
        by_length.entry(id.text.len()).or_default().push(id);
    }
    for ids in by_length.into_values() {
        let wanted = ids.into_iter().map(|id| (id, id.readable(&names))).collect();
        name_apart(wanted, &mut names);
    }
    names
}

/// Gives each id its wanted name, and more of its module path where two want the same.
fn name_apart(wanted: Vec<(&Id, String)>, names: &mut BTreeMap<String, String>) {
    let mut groups: BTreeMap<String, Vec<&Id>> = BTreeMap::new();
    for (id, name) in wanted {
        groups.entry(identifier(&name)).or_default().push(id);
    }
    let mut used: BTreeSet<String> = names.values().cloned().collect();
    for (name, ids) in groups {
        let depth = ids.iter().map(|id| id.modules().len()).max().unwrap_or(0);
        let qualified = |levels: usize| -> Vec<String> {
            ids.iter()
                .map(|id| {
                    let modules = id.modules();
                    let near = &modules[modules.len().saturating_sub(levels)..];
                    near.iter().map(|module| identifier(module) + "_").collect::<String>() + &name
                })
                .collect()
        };
        let distinct =
            |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == ids.len();
        let chosen = (0..=depth).map(qualified).find(distinct).unwrap_or_else(|| qualified(0));
        for (id, name) in ids.iter().zip(chosen) {
            names.insert(id.text.clone(), free(name, &mut used));
        }
    }
}

/// `name`, or with a `_` or a number after it where that is in use.
fn free(name: String, used: &mut BTreeSet<String>) -> String {
    let name = if TAKEN.contains(&name.as_str()) { name + "_" } else { name };
    let mut candidate = name.clone();
    let mut number = 2;
    while !used.insert(candidate.clone()) {
        candidate = format!("{name}{number}");
        number += 1;
    }
    candidate
}

/// As an identifier of TypeScript which is a component's name in OpenAPI as well.
fn identifier(name: &str) -> String {
    let mut text: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text
}

/// The name of each type for each way in which it travels: rule 3.
fn by_mode(
    schemas: &Schemas,
    plain: &BTreeMap<String, String>,
) -> BTreeMap<(Mode, String), String> {
    let mut used: BTreeSet<String> = plain.values().cloned().collect();
    let differing = differing(schemas);
    let mut called = BTreeMap::new();
    for (id, modes) in schemas {
        let plain = plain.get(&id.text).cloned().unwrap_or_else(|| identifier(&id.base));
        let mut before: Vec<Mode> = Vec::new();
        for &mode in modes.keys() {
            let same = before.iter().find(|&&other| !differing.contains(&(other, mode, &id.text)));
            let name = match same {
                Some(&other) => called.get(&(other, id.text.clone())).cloned().unwrap_or_default(),
                None if before.is_empty() => plain.clone(),
                None => free(format!("{plain}{}", mode.suffix()), &mut used),
            };
            called.insert((mode, id.text.clone()), name);
            before.push(mode);
        }
    }
    called
}

/// The types whose schemas differ between two modes, in themselves or in what they refer to.
fn differing(schemas: &Schemas) -> BTreeSet<(Mode, Mode, &str)> {
    let mut found = BTreeSet::new();
    for (a, b) in
        [(Mode::Answer, Mode::Dates), (Mode::Answer, Mode::Input), (Mode::Dates, Mode::Input)]
    {
        let both: BTreeMap<&str, BTreeSet<String>> = schemas
            .iter()
            .filter_map(|(id, modes)| {
                let (x, y) = (modes.get(&a)?, modes.get(&b)?);
                if x != y {
                    found.insert((a, b, id.text.as_str()));
                }
                let mut targets = BTreeSet::new();
                references(&mut x.clone(), &mut |target| {
                    targets.insert(target.to_owned());
                    String::new()
                });
                Some((id.text.as_str(), targets))
            })
            .collect();
        loop {
            let more: Vec<_> = both
                .iter()
                .filter(|(id, targets)| {
                    !found.contains(&(a, b, **id))
                        && targets.iter().any(|target| {
                            found.iter().any(|&(x, y, t)| (x, y, t) == (a, b, target))
                        })
                })
                .map(|(&id, _)| (a, b, id))
                .collect();
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
    }
    found
}
