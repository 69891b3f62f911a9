//! A stream of server-sent events, read piece by piece.

use std::collections::VecDeque;

/// The longest event: a message of the greatest length in base64, and its channel.
const LONGEST: usize = 24 * 1024 * 1024;

/// What was read of a stream.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The start of a line.
    line: Vec<u8>,
    /// The data of an event whose end did not come yet.
    data: Option<Vec<u8>>,
    ready: VecDeque<String>,
}

impl Events {
    /// Reads a piece. Fails if an event is too long: the stream cannot be read on.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            let length = self.line.len() + self.data.as_ref().map_or(0, Vec::len) + part.len();
            if length > LONGEST {
                return Err("an event is too long");
            }
            self.line.extend_from_slice(part);
            if part.last() == Some(&b'\n') {
                self.end_line();
            }
        }
        Ok(())
    }

    /// The data of the next event.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let data = self.data.take().map(|data| String::from_utf8_lossy(&data).into_owned());
            self.ready.extend(data);
        } else if let Some(value) = line.strip_prefix(b"data:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                data => *data = Some(value.to_vec()),
            }
        }
        // Other fields and comments mean nothing here.
        self.line.clear();
    }
}

/// What Upstash says in an event of the stream of `channel`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// The subscription is live.
    Subscribed,
    /// A message, in the form of text.
    Message(&'a str),
    /// About something else.
    Other,
}

impl<'a> Said<'a> {
    pub(crate) fn of(event: &'a str, channel: &str) -> Self {
        let about = |kind: &str| {
            event.strip_prefix(kind)?.strip_prefix(',')?.strip_prefix(channel)?.strip_prefix(',')
        };
        match (about("message"), about("subscribe")) {
            (Some(payload), _) => Self::Message(payload),
            (None, Some(_)) => Self::Subscribed,
            (None, None) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        for piece in pieces {
            events.push(piece).unwrap();
        }
        std::iter::from_fn(|| events.next()).collect()
    }

    #[test]
    fn events_are_read_with_every_line_end_and_without_other_fields() {
        let text =
            b": hello\n\ndata: one\n\nevent: x\ndata:two\r\n\r\ndata: a\ndata:  b\n\ndata: cut";
        assert_eq!(all(&[text]), ["one", "two", "a\n b"]);
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        let mut events = Events::default();
        let piece = vec![b'x'; 1024 * 1024];
        assert!((0..24).all(|_| events.push(&piece).is_ok()));
        assert!(events.push(b"x").is_err());
        let mut events = Events::default();
        let line = [b"data:", &piece[..], b"\n"].concat();
        assert!((0..24).any(|_| events.push(&line).is_err()));
    }

    #[test]
    fn what_is_about_another_channel_is_not_about_this_one() {
        assert_eq!(Said::of("subscribe,a:b,1", "a:b"), Said::Subscribed);
        assert_eq!(Said::of("message,a:b,x,y", "a:b"), Said::Message("x,y"));
        assert_eq!(Said::of("message,a:b,", "a:b"), Said::Message(""));
        for other in ["subscribe,a:bc,1", "message,a,x", "message,a:b", "pmessage,a:b,x", ""] {
            assert_eq!(Said::of(other, "a:b"), Said::Other, "{other}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_pieces_end(text in "(data: .{0,8}\r?\n\r?\n|[a-z:]{0,4}\n){0,6}", cut in 1..7_usize) {
            let pieces: Vec<_> = text.as_bytes().chunks(cut).collect();
            prop_assert_eq!(all(&pieces), all(&[text.as_bytes()]));
        }
    }
}
