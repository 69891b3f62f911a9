//! `Pattern`: an entry of a list of origins, and what is wrong with one.

use std::fmt;

use super::origin::Origin;

/// The error for an entry that is not an origin. It says what to write instead.
///
/// ```
/// use jstack_runtime::Origins;
///
/// let error = Origins::list(["app.example.com"]).unwrap_err();
/// assert!(error.to_string().contains("https://app.example.com"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginError {
    message: String,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for OriginError {}

/// An entry of a list of origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// With a wildcard, the part after `*.`.
    origin: Origin,
    /// Whether the entry has `*.`: it matches the hosts below `origin`, and not `origin` itself.
    below: bool,
}

impl Pattern {
    pub(super) fn parse(entry: &str) -> Result<Self, OriginError> {
        let wrong =
            |what: String| Err(OriginError { message: format!("origin `{entry}`: {what}") });
        if entry == "*" {
            return wrong(
                "a list cannot contain every origin; `Origins::any()` (`JSTACK_ORIGINS=any`) \
                 allows it, and documents the risk"
                    .into(),
            );
        }
        if entry == "null" {
            return wrong("it is sent by every sandboxed frame, and cannot be allowed".into());
        }
        if !entry.is_ascii() {
            return wrong("write the host in its ASCII form, `xn--…`, as browsers send it".into());
        }
        let Some((scheme, rest)) = entry.split_once("://") else {
            return wrong(format!("begin it with a scheme, as `https://{entry}`"));
        };
        if let Some(at) = rest.find(['/', '?', '#']) {
            return wrong(format!("an origin has no path; write `{scheme}://{}`", &rest[..at]));
        }
        if matches!(scheme, "ws" | "wss") {
            let scheme = if scheme == "ws" { "http" } else { "https" };
            return wrong(format!(
                "the origin is that of the page, not of the socket; write `{scheme}://{rest}`"
            ));
        }
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let Some(origin) = Origin::of(scheme, rest) else {
            return wrong(
                "write scheme, host and, where it is not the default, port, as \
                          `https://app.example.com:8443`; `*` replaces the first labels of a \
                 host only, as `https://*.example.com`"
                    .into(),
            );
        };
        let host = origin.host.trim_end_matches('.');
        let is_address = host.ends_with(']')
            || host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if below && (is_address || !(host.contains('.') || host == "localhost")) {
            return wrong("`*` must precede a domain of at least two labels".into());
        }
        Ok(Self { origin, below })
    }

    pub(super) fn matches(&self, origin: &Origin) -> bool {
        if !self.below {
            return self.origin == *origin;
        }
        // A dot separates labels: `evil-example.com` is not below `example.com`.
        let above = origin.host.strip_suffix(&*self.origin.host).and_then(|s| s.strip_suffix('.'));
        above.is_some_and(|above| !above.is_empty())
            && self.origin.scheme == origin.scheme
            && self.origin.port == origin.port
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.to_string();
        match (self.below, origin.split_once("://")) {
            (true, Some((scheme, rest))) => write!(f, "{scheme}://*.{rest}"),
            _ => f.write_str(&origin),
        }
    }
}
