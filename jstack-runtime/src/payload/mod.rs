//! Payloads: what travels, and its rules.

mod check;
mod decode;
mod described;
mod encode;
mod fast_path;
mod issue_path;
mod issues;
mod json;
mod json_path;
mod numbers;
#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod payload;
mod rules;
mod std_types;
#[cfg(test)]
mod tests;

pub use check::rules;
pub use decode::{InputPayload, RawPayload};
pub(crate) use described::{Described, SchemaOf};
pub(crate) use encode::outgoing;
pub(crate) use encode::unsent;
pub use encode::{EventPayload, EventPayloadAs};
pub use fast_path::{FastCheck, Undecided};
pub use issues::Issues;
#[cfg(feature = "fuzzing")]
pub(crate) use json::read as read_json;
pub(crate) use json::write as write_json;
pub(crate) use json_path::position_free;
pub use payload::Payload;
pub use rules::{
    Checked, Declared, GardeRules, NoRules, NotEnforced, NothingToEnforce, RuleFree, Ruled, Rules,
    RulesOfParts,
};
