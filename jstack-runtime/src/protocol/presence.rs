//! Presence on the wire: what clients read of a room's members, and the messages between processes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::frames;
use super::member_view::MemberView;

/// The answer to `$presence`.
pub(crate) fn listing(
    n: u64,
    me: Option<&str>,
    members: &[MemberView],
    count: usize,
    id: &str,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Listing<'a> {
        n: u64,
        me: Option<&'a str>,
        members: &'a [MemberView],
        count: usize,
    }
    // Texts, numbers and JSON always encode.
    let value = serde_json::to_vec(&Listing { n, me, members, count }).unwrap_or_default();
    frames::ok(&value, id)
}

/// `["$presence",{…}]`: the difference number `n`.
pub(crate) fn difference(
    room: &str,
    n: u64,
    set: &[MemberView],
    gone: &[Box<str>],
    count: usize,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Difference<'a> {
        r: &'a str,
        n: u64,
        set: &'a [MemberView],
        gone: &'a [Box<str>],
        count: usize,
    }
    frames::text_frame(&("$presence", Difference { r: room, n, set, gone, count }))
}

/// `["$room",{r,in}]` of a room without history.
pub(crate) fn membership(room: &str, is_in: bool) -> Vec<u8> {
    #[derive(Serialize)]
    struct Membership<'a> {
        r: &'a str,
        r#in: bool,
    }
    frames::text_frame(&("$room", Membership { r: room, r#in: is_in }))
}

/// A message of one process to others: `["$presence",{…}]`. No event can have that name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PresenceMessage {
    /// The process that sends it, as 16 hexadecimal digits.
    pub(crate) node: Node,
    /// The number of its last change.
    pub(crate) n: u64,
    pub(crate) what: What,
}

/// What is message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    /// It has begun, knows nobody, and wants to know everybody.
    Hello,
    /// It lives: its lease is renewed.
    Beat,
    /// It wants to know the connections of the process that gets this.
    Ask,
    /// Change number `n`.
    Changes(Changes),
    /// A page of all its connections at number `n`.
    All(Page),
    /// It ends, and with it its connections.
    Bye,
}

/// What has changed in one process.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Changes {
    #[serde(default)]
    pub(crate) set: Vec<Entry>,
    #[serde(default)]
    pub(crate) gone: Vec<Gone>,
}

/// One of several pages.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    /// Counts from 0.
    pub(crate) number: u32,
    pub(crate) of: u32,
    pub(crate) set: Vec<Entry>,
}

/// A connection in a room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The room.
    pub(crate) r: Arc<str>,
    /// The member's key.
    pub(crate) k: Box<str>,
    /// The connection, as the second half of its id.
    pub(crate) c: Node,
    pub(crate) info: Arc<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<Arc<RawValue>>,
    /// When it joined, and when it last said something, in milliseconds since 1970.
    pub(crate) since: u64,
    pub(crate) at: u64,
}

/// A connection that is in a room no longer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gone {
    pub(crate) r: Arc<str>,
    pub(crate) k: Box<str>,
    pub(crate) c: Node,
}

/// A number as 16 hexadecimal digits: other languages round large numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Node(pub(crate) u64);

impl From<Node> for String {
    fn from(Node(number): Node) -> Self {
        format!("{number:016x}")
    }
}

impl TryFrom<String> for Node {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Appends a message of one process to others.
pub(crate) fn write_message(message: &PresenceMessage, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &("$presence", message));
}

/// Reads it; `None` for anything else.
pub(crate) fn read_message(json: &[u8]) -> Option<PresenceMessage> {
    serde_json::from_slice::<(String, PresenceMessage)>(json).ok().map(|(_, message)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_tells_reads_as_it_was_written() {
        let json = r#"["$presence",{"node":"00000000000000ff","n":3,"what":{"changes":{"set":[{"r":"a","k":"ann","c":"0000000000000001","info":{"x":1},"since":1,"at":2}],"gone":[{"r":"b","k":"bo","c":"0000000000000002"}]}}}]"#;
        let mut written = Vec::new();
        write_message(&read_message(json.as_bytes()).unwrap(), &mut written);
        assert_eq!(String::from_utf8(written).unwrap(), json);
        let beat = br#"["$presence",{"node":"0a","n":3,"what":"beat","new":"key"}]"#;
        assert!(matches!(
            read_message(beat),
            Some(PresenceMessage { node: Node(10), what: What::Beat, .. })
        ));
        assert!(read_message(b"[\"$presence\",{}]").is_none());
    }
}
