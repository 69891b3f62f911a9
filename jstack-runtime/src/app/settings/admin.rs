//! The token of programs that emit over HTTP.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// The fewest characters: a shorter token could be guessed.
const SHORTEST: usize = 16;

/// The rule for a token.
const RIGHT: &str =
    "write at least 16 visible ASCII characters without spaces, as `openssl rand -hex 32` prints";

/// The token for `POST <base>/_emit`; without one, the route does not exist.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct AdminToken(Option<String>);

impl AdminToken {
    pub(crate) fn new(token: String) -> Self {
        Self(Some(token))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Whether `sent` is the token. The time that this takes depends on the length of the token alone.
    pub(crate) fn admits(&self, sent: &str) -> bool {
        self.0.as_ref().is_some_and(|token| token.as_bytes().ct_eq(sent.as_bytes()).into())
    }

    /// What is wrong with the token. The error does not show it.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let token = self.0.as_deref()?;
        let is_right = token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic());
        (!is_right).then_some(RIGHT)
    }

    /// As it is logged.
    pub(super) fn shown(&self) -> String {
        if self.is_set() { "***" } else { "none" }.to_owned()
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let token = Self::new(text.trim().to_owned());
        token.wrong().map_or(Ok(token), |right| Err(right.to_owned()))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdminToken").field(&self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_admitted_and_none_without_one() {
        let token = AdminToken::new("0123456789abcdef".to_owned());
        assert!(token.admits("0123456789abcdef"));
        for wrong in ["", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            assert!(!token.admits(wrong), "{wrong}");
        }
        assert!(!AdminToken::default().admits(""));
    }

    #[test]
    fn a_token_that_could_be_guessed_or_not_be_sent_is_refused_and_never_shown() {
        for wrong in ["", "short", "fifteen-letters", "sixteen letters.", "ümlaute-ümlaute-"] {
            let error = AdminToken::read(wrong).expect_err(wrong);
            assert!(error.contains("at least 16"), "{error}");
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
        let token = AdminToken::read(" 0123456789abcdef\n").expect("a token");
        assert!(token.admits("0123456789abcdef"));
        assert_eq!(format!("{token:?}"), "AdminToken(\"***\")");
    }
}
