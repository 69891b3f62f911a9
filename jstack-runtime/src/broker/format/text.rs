//! The form of a payload: its bytes as they are, or base64 for listeners that receive text alone.
//!
//! Upstash's REST API hands messages over as lines of text. Bytes that are not UTF-8 would arrive
//! as others, and a line break would end the message. Base64 has neither.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::envelope::Malformed;

/// The first byte of every payload that is base64 behind it.
const MARK: u8 = b'B';

/// How this process writes its payloads. It reads both forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// The bytes of an envelope or of a batch.
    #[default]
    Bytes,
    /// The same as text.
    Text,
}

impl Form {
    /// An upper bound of the length of a payload of so many bytes.
    pub(crate) fn length(self, bytes: usize) -> usize {
        match self {
            Self::Bytes => bytes,
            Self::Text => bytes.div_ceil(3).saturating_mul(4).saturating_add(1),
        }
    }
}

/// An envelope or a batch as text.
pub(crate) fn write(payload: &[u8]) -> String {
    let mut text = String::with_capacity(Form::Text.length(payload.len()));
    text.push(char::from(MARK));
    STANDARD.encode_string(payload, &mut text);
    text
}

/// The payload in either form, as bytes. What is within the text is not checked.
pub(crate) fn read(payload: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    let Some((&MARK, text)) = payload.split_first() else { return Ok(payload.into()) };
    let bytes = STANDARD.decode(text).map_err(|_| Malformed("it is not base64 after its `B`"))?;
    if bytes.first() == Some(&MARK) {
        return Err(Malformed("it is base64 twice"));
    }
    Ok(bytes.into())
}

/// The first bytes of a payload, enough to see what it claims to be.
#[cfg(feature = "redis")]
pub(crate) fn head(payload: &[u8]) -> Cow<'_, [u8]> {
    match payload {
        // Four characters are three bytes: the version and the count of a batch.
        [MARK, text @ ..] => {
            let four = text.get(..4).unwrap_or_default();
            STANDARD.decode(four).unwrap_or_default().into()
        }
        _ => payload.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_laid_out_as_documented() {
        assert_eq!(write(&[1, 0, 255, 10]), "BAQD/Cg==");
        assert_eq!(read(b"BAQD/Cg==").unwrap(), &[1, 0, 255, 10][..]);
    }

    #[test]
    fn bytes_are_read_as_they_are() {
        for bytes in [&b"[\"a\",1]"[..], &[1, 2, 3], &[2, 0, 1], &[]] {
            assert!(matches!(read(bytes), Ok(Cow::Borrowed(same)) if same == bytes));
        }
    }

    #[test]
    fn what_is_not_base64_is_malformed_and_so_is_a_text_in_a_text() {
        for bad in ["Bx", "BAQ=", "B AQID", "BAQID\n", "BAQID=", "B\u{fffd}"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(read(write(write(&[1]).as_bytes()).as_bytes()).is_err());
    }

    /// A process that does not know this form must not take it for another one.
    #[test]
    fn other_versions_do_not_begin_like_a_text() {
        assert!(super::super::envelope::decode(b"BAQID").is_err());
        assert!(super::super::batch::decode(b"BAQID").is_err());
    }

    #[test]
    #[cfg(feature = "redis")]
    fn the_head_of_a_text_says_how_many_messages_it_claims_to_have() {
        use super::super::numbered::count;
        let batch = [2, 0, 7, 1, 1, 1];
        assert_eq!((count(&head(write(&batch).as_bytes())), count(&head(&batch))), (7, 7));
        assert_eq!([count(&head(b"B")), count(&head(b"Bx")), count(&head(b""))], [1; 3]);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_is_one_line_of_ascii(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            prop_assume!(bytes.first() != Some(&MARK));
            let text = write(&bytes);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
            prop_assert!(text.len() <= Form::Text.length(bytes.len()));
            prop_assert_eq!(&*read(text.as_bytes()).unwrap(), &bytes[..]);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let marked = [&[MARK], &bytes[..]].concat();
            for bytes in [bytes, marked] {
                let _ = read(&bytes);
            }
        }
    }
}
