//! Which request headers pages of other origins may send.

use std::fmt;
use std::str::FromStr;

use http::{HeaderName, HeaderValue};

use crate::untrusted::Untrusted;

/// What the stock client sends, and what signs in.
const ALWAYS: &str = "content-type, x-is-superjson, authorization";

/// The request headers that a page of another origin may send: some that always may, and a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedHeaders {
    list: Vec<HeaderName>,
    /// The first entry that is not a header's name.
    wrong: Option<String>,
}

impl AllowedHeaders {
    pub(crate) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let mut allowed = Self::default();
        for name in names {
            let name = name.as_ref().trim();
            match HeaderName::try_from(name) {
                // To a browser that sends cookies along, `*` is a header of that name and no other.
                Ok(header) if name != "*" => allowed.list.push(header),
                _ => {
                    let wrong = format!(
                        "`{}`: write the names of request headers, as `traceparent,x-csrf-token`",
                        Untrusted(name)
                    );
                    allowed.wrong.get_or_insert(wrong);
                }
            }
        }
        allowed
    }

    /// What is wrong with the list.
    pub(crate) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// All of them, as a preflight request's answer has them.
    pub(super) fn value(&self) -> HeaderValue {
        let mut names = ALWAYS.to_owned();
        for name in &self.list {
            names.push_str(", ");
            names.push_str(name.as_str());
        }
        HeaderValue::from_str(&names).unwrap_or(HeaderValue::from_static(ALWAYS))
    }
}

impl FromStr for AllowedHeaders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let allowed = Self::list(text.split(',').filter(|name| !name.trim().is_empty()));
        match allowed.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(allowed),
        }
    }
}

/// As in `JSTACK_ALLOW_HEADERS`.
impl fmt::Display for AllowedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list.is_empty() {
            return f.write_str("none");
        }
        let names: Vec<_> = self.list.iter().map(HeaderName::as_str).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_comes_behind_what_is_always_allowed() {
        let allowed: AllowedHeaders = "traceparent, X-CSRF-Token,".parse().unwrap();
        assert_eq!(
            allowed.value(),
            "content-type, x-is-superjson, authorization, traceparent, x-csrf-token"
        );
        assert_eq!(allowed.to_string(), "traceparent,x-csrf-token");
        let none = AllowedHeaders::default();
        assert_eq!((none.value(), &*none.to_string()), (HeaderValue::from_static(ALWAYS), "none"));
        assert_eq!("none".parse(), Ok(none));
    }

    #[test]
    fn what_is_not_a_header_is_named_with_what_would_be_right() {
        for text in ["*", "x-a, b c", "x:y"] {
            let wrong = text.parse::<AllowedHeaders>().unwrap_err();
            assert!(wrong.contains("write the names of request headers"), "{wrong}");
        }
        assert!(
            AllowedHeaders::list(["x-a", "*"])
                .wrong()
                .is_some_and(|wrong| wrong.starts_with("`*`"))
        );
    }
}
