//! Names of channels in Redis: `<prefix>:<procedure>:<scope>`.
//!
//! Each part is encoded so that it cannot contain `:`, or anything else that has a meaning for
//! Redis. A room's name is always data.

use std::io::Write as _;

use crate::broker::{Channel, Scope};

/// The name of `channel` in Redis, with the prefix as [`prefix`] writes it.
pub(crate) fn channel_name(prefix: &str, channel: Channel<'_>) -> String {
    let mut name = Vec::with_capacity(prefix.len() + channel.procedure.len() + 32);
    write_channel_name(&mut name, prefix, channel);
    // It is ASCII by construction.
    String::from_utf8(name).unwrap_or_default()
}

/// Appends the name of `channel` in Redis, with the prefix as [`prefix`] writes it.
pub(crate) fn write_channel_name(to: &mut Vec<u8>, prefix: &str, channel: Channel<'_>) {
    to.extend_from_slice(prefix.as_bytes());
    to.push(b':');
    encode(to, channel.procedure, true);
    match channel.scope {
        Scope::All => to.extend_from_slice(b":all"),
        Scope::Room(room) => {
            to.extend_from_slice(b":room:");
            encode(to, room, false);
        }
        Scope::Node(node) => {
            let _ = write!(to, ":node:{node:016x}");
        }
    }
}

#[cfg(feature = "redis")]
/// The part between the prefix and the number of a process, in the name of its probe channel.
pub(crate) const PROBE: &str = "::probe:";

/// Encodes a prefix as it is written in names.
pub(crate) fn prefix(prefix: &str) -> String {
    let mut name = Vec::new();
    encode(&mut name, prefix, false);
    String::from_utf8(name).unwrap_or_default()
}

#[cfg(feature = "redis")]
/// The channel of a process' probes: it publishes to it and listens to it. Procedures have names,
/// so no procedure has this channel.
pub(crate) fn probe_name(prefix: &str, origin: u64) -> String {
    let mut name = Vec::new();
    encode(&mut name, prefix, false);
    let _ = write!(name, "{PROBE}{origin:016x}");
    String::from_utf8(name).unwrap_or_default()
}

/// A byte that is written as it is in every part of a name.
const PLAIN: u8 = 1;
/// A byte that is written as it is where slashes are.
const PLAIN_WITH_SLASHES: u8 = 2;

/// The class of each byte. A table, because every publish writes a name.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            kinds[byte as usize] = PLAIN | PLAIN_WITH_SLASHES;
        }
        byte += 1;
    }
    kinds[b'/' as usize] = PLAIN_WITH_SLASHES;
    kinds
};

/// Letters, digits and `-._~` stay; every other byte is written `%XX`.
fn encode(to: &mut Vec<u8>, text: &str, slash: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let plain = if slash { PLAIN_WITH_SLASHES } else { PLAIN };
    let kind = |byte: u8| KINDS[usize::from(byte)];
    // Nearly always all bytes are plain, and checking all without a branch is fastest.
    if text.bytes().fold(plain, |all, byte| all & kind(byte)) != 0 {
        to.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        if kind(byte) & plain != 0 {
            to.push(byte);
        } else {
            to.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(name: &str) -> String {
        channel_name("jstack", Channel { procedure: "post/chat", scope: Scope::Room(name) })
    }

    #[test]
    fn names_are_as_documented() {
        let of = |scope| channel_name("jstack", Channel { procedure: "post/chat", scope });
        assert_eq!(of(Scope::All), "jstack:post/chat:all");
        assert_eq!(of(Scope::Room("general")), "jstack:post/chat:room:general");
        assert_eq!(of(Scope::Node(0xab)), "jstack:post/chat:node:00000000000000ab");
        assert_eq!(probe_name("jstack", 1), "jstack::probe:0000000000000001");
    }

    #[test]
    fn no_room_escapes_its_channel() {
        assert_eq!(room("../flushall"), "jstack:post/chat:room:..%2Fflushall");
        assert_eq!(room("a,b"), "jstack:post/chat:room:a%2Cb");
        assert_eq!(room("{x}"), "jstack:post/chat:room:%7Bx%7D");
        assert_eq!(room("*"), "jstack:post/chat:room:%2A");
        assert_eq!(room("ä 100%"), "jstack:post/chat:room:%C3%A4%20100%25");
        assert_eq!(room("a:all"), "jstack:post/chat:room:a%3Aall");
    }

    proptest! {
        #[test]
        fn two_rooms_never_share_a_channel(a in ".{1,60}", b in ".{1,60}") {
            prop_assert_eq!(room(&a) == room(&b), a == b);
        }

        #[test]
        fn names_contain_nothing_with_a_meaning_for_redis(a in ".{1,60}") {
            let name = room(&a);
            let rest = name.strip_prefix("jstack:post/chat:room:").unwrap();
            prop_assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        }
    }
}
