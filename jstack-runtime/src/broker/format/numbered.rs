//! The head of what a room with history publishes: where its first message is in the history. It is
//! version 3 of the format. After it comes an envelope, a batch or a bare text.

use super::batch::{self, Messages};
use super::envelope::Malformed;
use crate::history::{Epoch, Position};

/// The first byte of every payload with a position.
const VERSION: u8 = 3;
/// The digits of an epoch, and of an offset.
const DIGITS: usize = 16;

/// A payload: its messages, and the position of the first one in a room with history.
#[derive(Debug)]
pub(crate) struct Numbered<'a> {
    pub(crate) first: Option<Position>,
    pub(crate) messages: Messages<'a>,
}

/// Reads a payload of any version.
pub(crate) fn decode(bytes: &[u8]) -> Result<Numbered<'_>, Malformed> {
    let Some((&VERSION, rest)) = bytes.split_first() else {
        return batch::decode(bytes).map(|messages| Numbered { first: None, messages });
    };
    let (epoch, rest) = digits(rest)?;
    let (offset, rest) = digits(rest)?;
    let messages = batch::decode(rest)?;
    Ok(Numbered { first: Some(Position::new(Epoch::new(epoch), offset)), messages })
}

fn digits(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    const SHORT: Malformed = Malformed("its position is not two numbers of 16 digits");

    let (digits, rest) = bytes.split_at_checked(DIGITS).ok_or(SHORT)?;
    let digits = std::str::from_utf8(digits).map_err(|_| SHORT)?;
    let number = digits.parse::<Epoch>().map_err(|_| SHORT)?;
    Ok((number.number(), rest))
}

/// How many messages a payload claims to be, without reading them.
pub(crate) fn count(bytes: &[u8]) -> u64 {
    match bytes {
        [VERSION, rest @ ..] => batch::count(rest.get(2 * DIGITS..).unwrap_or_default()),
        _ => batch::count(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "\u{3}000000000000001f0000000000000039[\"a\",1]";

    #[test]
    fn a_position_is_laid_out_as_documented() {
        let read = decode(BARE.as_bytes()).unwrap();
        assert_eq!(read.first, Some(Position::new(Epoch::new(0x1f), 0x39)));
        let texts: Vec<_> = read.messages.map(|message| message.json.to_vec()).collect();
        assert_eq!(texts, [b"[\"a\",1]"]);
        assert_eq!(count(BARE.as_bytes()), 1);
    }

    #[test]
    fn a_payload_without_a_position_is_read_as_before() {
        assert_eq!(decode(b"[\"a\",1]").unwrap().first, None);
        let batch = [&[3][..], &[b'0'; 32], &[2, 0, 7]].concat();
        assert_eq!((count(b"[\"a\",1]"), count(&batch)), (1, 7));
    }

    #[test]
    fn a_position_that_is_cut_short_or_not_hexadecimal_is_malformed() {
        for length in 1..BARE.len() {
            assert!(decode(&BARE.as_bytes()[..length]).is_err(), "{length}");
        }
        for bad in ["+", "g", " ", "\u{3}"] {
            assert!(decode(BARE.replacen('0', bad, 1).as_bytes()).is_err(), "{bad}");
        }
        let twice = [&BARE.as_bytes()[..33], BARE.as_bytes()].concat();
        assert!(decode(&twice).is_err());
        assert_eq!([count(&[3]), count(&[3, 1])], [1, 1]);
    }
}
