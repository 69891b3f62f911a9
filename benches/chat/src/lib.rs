//! The chat that every compared Rust server answers.
//!
//! All of them decode `["message", {roomId, message, author}]`, refuse what is not three texts, and
//! write the JSON again: a server that forwarded bytes without reading them would be compared with
//! servers that do more.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The payload of the `message` event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'a> {
    /// The room that hears it.
    #[serde(borrow)]
    pub room_id: Cow<'a, str>,
    /// The text; the load generator hides the time of sending in it.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// Who says it.
    #[serde(borrow)]
    pub author: Cow<'a, str>,
}

impl<'a> Message<'a> {
    /// Reads a `message` event; `None` for any other text.
    pub fn decode(text: &'a str) -> Option<Self> {
        let (event, message): (&str, Self) = serde_json::from_str(text).ok()?;
        (event == "message").then_some(message)
    }

    /// Appends the event's JSON.
    pub fn encode(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &("message", self))
    }
}

/// What the GET answers.
#[derive(Debug, Serialize)]
pub struct Small {
    name: &'static str,
    id: u32,
    tags: [&'static str; 3],
}

/// The one answer of the GET.
pub const SMALL: Small = Small { name: "hello", id: 7, tags: ["a", "b", "c"] };

/// The `room` of a query string, `general` where it names none.
///
/// ```
/// assert_eq!(bench_chat::room("EIO=4&room=blue"), "blue");
/// assert_eq!(bench_chat::room(""), "general");
/// ```
pub fn room(query: &str) -> &str {
    query.split('&').find_map(|pair| pair.strip_prefix("room=")).unwrap_or("general")
}

#[cfg(test)]
mod tests {
    use super::Message;

    #[test]
    fn a_message_comes_back_as_it_was() {
        let text = r#"["message",{"roomId":"r1","message":"say \"hi\"","author":"a"}]"#;
        let mut out = Vec::new();
        Message::decode(text).expect("a message").encode(&mut out).expect("plain data");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), text);
    }

    #[test]
    fn what_is_not_three_texts_is_refused() {
        for bad in [
            r#"["message",{"roomId":"r1","message":7,"author":"a"}]"#,
            r#"["message",{"roomId":"r1","message":"x"}]"#,
            r#"["typing",{"roomId":"r1","message":"x","author":"a"}]"#,
            "[]",
        ] {
            assert!(Message::decode(bad).is_none(), "{bad}");
        }
    }
}
