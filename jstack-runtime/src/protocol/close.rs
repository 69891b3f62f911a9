//! A close on its way between processes.

use serde::{Deserialize, Serialize};

/// A close as it travels between processes: `["$close",{"code":…,"reason":…}]`. No event can have that
/// name.
pub(crate) const CLOSE: &[u8] = b"[\"$close\",";

/// The code and reason of a close.
#[derive(Serialize, Deserialize)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// Writes a close as it travels between processes.
pub(crate) fn write_close(code: u16, reason: &str, out: &mut Vec<u8>) {
    let body = Close { code, reason: reason.to_owned() };
    // A number and a text always encode.
    let _ = serde_json::to_writer(out, &("$close", body));
}

/// Reads a close; `None` for anything else.
pub(crate) fn read_close(json: &[u8]) -> Option<Close> {
    serde_json::from_slice::<(String, Close)>(json).ok().map(|(_, close)| close)
}
