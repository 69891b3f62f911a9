//! Which part of a JSON text an error of `serde_json` is about.

mod position;

pub(crate) use position::position_free;
pub(super) use position::{error_path, probe_text};
