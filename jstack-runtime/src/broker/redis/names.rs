//! Names of channels in Redis: `<prefix>:<procedure>:<scope>`.
//!
//! Each part is written so that it can hold no `:`, and nothing else that means something to
//! Redis: a room's name is data, whatever it says.

use std::fmt::Write as _;

use crate::broker::{Channel, Scope};

/// The name of `channel` in Redis.
pub(super) fn channel_name(prefix: &str, channel: Channel<'_>) -> String {
    let mut name = String::with_capacity(prefix.len() + channel.procedure.len() + 32);
    encode(&mut name, prefix, false);
    name.push(':');
    encode(&mut name, channel.procedure, true);
    match channel.scope {
        Scope::All => name.push_str(":all"),
        Scope::Room(room) => {
            name.push_str(":room:");
            encode(&mut name, room, false);
        }
        Scope::Node(node) => {
            let _ = write!(name, ":node:{node:016x}");
        }
    }
    name
}

/// The channel on which a process listens for its own signs of life. No procedure is without a
/// name, so it is nobody else's.
pub(super) fn probe_name(prefix: &str, origin: u64) -> String {
    let mut name = String::new();
    encode(&mut name, prefix, false);
    let _ = write!(name, "::probe:{origin:016x}");
    name
}

/// Letters, digits and `-._~` stay; every other byte is written `%XX`.
fn encode(to: &mut String, text: &str, slash: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (slash && byte == b'/') {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(char::from(HEX[usize::from(byte >> 4)]));
            to.push(char::from(HEX[usize::from(byte & 15)]));
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
        fn names_hold_nothing_that_redis_could_read_as_more_than_a_name(a in ".{1,60}") {
            let name = room(&a);
            let rest = name.strip_prefix("jstack:post/chat:room:").unwrap();
            prop_assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        }
    }
}
