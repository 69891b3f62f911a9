//! Room names: chosen by the application, and often by a client.

use crate::error::{Error, Issue, Result};

/// The longest name, in bytes.
const LONGEST: usize = 200;

/// The room that everyone on a procedure is in. No client can name it.
pub(super) const EVERYONE: &str = "";

/// A room's name for clients; the room of everybody has none.
pub(super) fn wire_name(room: &str) -> Option<&str> {
    (room != EVERYONE).then_some(room)
}

/// Refuses invalid names. A name is a UTF-8 text of 1 to 200 bytes without control characters.
#[inline]
pub(crate) fn check(name: &str) -> Result {
    // Nearly all names are plain ASCII, which is checked byte by byte.
    if matches!(name.len(), 1..=LONGEST) && name.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Ok(());
    }
    check_slowly(name)
}

#[cold]
fn check_slowly(name: &str) -> Result {
    let wrong = if name.is_empty() {
        "a room's name must not be empty".to_owned()
    } else if name.len() > LONGEST {
        format!("a room's name may be {LONGEST} bytes long, this one has {}", name.len())
    } else if name.chars().any(char::is_control) {
        "a room's name must not contain control characters".to_owned()
    } else {
        return Ok(());
    };
    let error = Error::with_code(http::StatusCode::UNPROCESSABLE_ENTITY, "room", wrong.clone());
    Err(error.with_issues(vec![Issue::new("room", wrong)]))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn any_text_of_1_to_200_bytes_is_a_name() {
        for name in ["a", "../flushall", "a,b", "{x}", "*", "räume/größe 🎉", &"x".repeat(200)]
        {
            assert!(check(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn empty_long_and_control_characters_are_refused_with_what_would_be_right() {
        for name in ["", &"x".repeat(201), "a\nb", "a\0", "\u{85}"] {
            let error = check(name).expect_err(name);
            assert_eq!((error.status().as_u16(), error.code()), (422, "room"));
        }
    }
}
