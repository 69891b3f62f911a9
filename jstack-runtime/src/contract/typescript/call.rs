//! A procedure that answers: `Get<In, Out>`, `Post<In, Out>`.

use super::types::type_of;
use crate::contract::contract::{InputContract, OutputContract, ProcedureContract};

/// The arguments of `Get` and `Post`: what a call takes and answers.
pub(super) fn arguments(this: &ProcedureContract) -> Vec<String> {
    vec![input(this.input.as_ref()), output(this.output.as_ref())]
}

/// The type of an input, which is `void` where there is none or where it may be missing.
pub(super) fn input(input: Option<&InputContract>) -> String {
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
