//! Origins: the pages whose scripts may call the server, by HTTP or WebSocket.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use http::uri::Uri;
use http::{HeaderMap, HeaderValue, header};

use super::origin::Origin;
use super::pattern::{OriginError, Pattern};
use crate::error::{BoxError, Error};
use crate::observe;
use crate::untrusted::Untrusted;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

/// Marks a request that came over TLS, to this server or to a trusted proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secure;

/// The origins from which browsers may call the server; others get a 403, also for a WebSocket.
///
/// An origin is a scheme, a host and a port, and matches as a whole: `https://example.com` is
/// neither `http://example.com` nor `https://www.example.com`. Without a setting, the server's own
/// origin is allowed. A list replaces it: `App::new().origins(["https://app.example.com"])`, or the
/// variable `JSTACK_ORIGINS` with commas. The entry `same` adds the server's own origin again, and
/// `https://*.example.com` matches every host below `example.com`, but not `example.com` itself.
///
/// Programs other than browsers send no `Origin` and are not affected. An origin that is `null`
/// (a sandboxed frame, a file), malformed or sent twice is always refused.
///
/// ```
/// use jstack_runtime::Origins;
///
/// assert!(Origins::list(["https://app.example.com", "https://*.example.org", "same"]).is_ok());
/// let error = Origins::list(["app.example.com"]).unwrap_err();
/// assert!(error.to_string().contains("https://app.example.com"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    same: Same,
    any: bool,
    list: Vec<Pattern>,
    /// The error for a wrong entry, reported at start.
    wrong: Option<OriginError>,
}

/// Whether the server's own origin is allowed. A list starts without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Same {
    #[default]
    Allowed,
    Refused,
}

impl Origins {
    /// The server's own origin alone: the default.
    ///
    /// ```
    /// use jstack_runtime::{App, Origins};
    ///
    /// let app: App = App::new().origins(Origins::same());
    /// ```
    pub fn same() -> Self {
        Self::default()
    }

    /// The origins of a list, and no others.
    ///
    /// Fails for an entry that is not an origin, `*` included, and says what to write.
    ///
    /// ```
    /// use jstack_runtime::Origins;
    ///
    /// assert!(Origins::list(["https://app.example.com", "same"]).is_ok());
    /// assert!(Origins::list(["*"]).is_err());
    /// ```
    pub fn list<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, OriginError> {
        let mut origins = Self { same: Same::Refused, ..Self::default() };
        for entry in entries {
            match entry.as_ref().trim() {
                "same" => origins.same = Same::Allowed,
                entry => origins.list.push(Pattern::parse(entry)?),
            }
        }
        Ok(origins)
    }

    /// Every origin. The server logs a warning at start.
    ///
    /// Any page on the web may then act in the name of the user who opens it, with that user's cookies. Use it
    /// for servers without cookies and secrets only.
    ///
    /// ```
    /// use jstack_runtime::{App, Origins};
    ///
    /// let app: App = App::new().origins(Origins::any());
    /// ```
    pub fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    fn list_or_wrong<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Self {
        Self::list(entries).unwrap_or_else(|wrong| Self {
            same: Same::Refused,
            wrong: Some(wrong),
            ..Self::default()
        })
    }

    /// Checks the entries, once at start: fails for a wrong one, and warns of [`any`](Self::any).
    pub(crate) fn start(&self) -> Result<(), BoxError> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone().into());
        }
        if self.any {
            observe::warning!(
                "every origin is allowed (`Origins::any()`): any web page can use this server with \
                 its visitors' cookies"
            );
        }
        Ok(())
    }

    /// Checks the `Origin` of a request. `secure`: the client used TLS, to this server or to a
    /// trusted proxy.
    pub(crate) fn check(&self, headers: &HeaderMap, uri: &Uri, secure: bool) -> Decision {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else { return Decision::Absent };
        if values.next().is_some() {
            return Self::refuse("sent more than once", None);
        }
        let Some(origin) = value.to_str().ok().and_then(Origin::parse) else {
            let shown = String::from_utf8_lossy(value.as_bytes());
            return Self::refuse(&format!("`{}`", Untrusted(&shown)), None);
        };
        let here = || Origin::of_server(headers, uri, secure);
        let allowed = self.any
            || self.list.iter().any(|pattern| pattern.matches(&origin))
            || (self.same == Same::Allowed && here().is_some_and(|here| here == origin));
        if allowed {
            return Decision::Allowed(value.clone());
        }
        let here = if self.same == Same::Allowed { here() } else { None };
        Self::refuse(&format!("`{}`", Untrusted(&origin.to_string())), here.as_ref())
    }

    /// Checks the `Origin` of an upgrade to WebSocket, which CORS does not protect.
    ///
    /// A request with cookies and without an origin is refused too: only browsers send cookies, and
    /// they send an origin.
    pub(crate) fn check_upgrade(&self, headers: &HeaderMap, uri: &Uri, secure: bool) -> Decision {
        match self.check(headers, uri, secure) {
            Decision::Absent if !self.any && headers.contains_key(header::COOKIE) => {
                observe::warning!(setting = "JSTACK_ORIGINS", "cookies without an origin refused");
                Decision::Refused(Error::forbidden(
                    "a WebSocket that brings cookies and no `Origin` is not allowed here: send the header, \
                     as browsers do; the server's setting is `App::origins` or `JSTACK_ORIGINS`",
                ))
            }
            decision => decision,
        }
    }

    #[cold]
    fn refuse(origin: &str, here: Option<&Origin>) -> Decision {
        let mut message = format!(
            "the origin {origin} is not allowed here; the server's setting is `App::origins` or \
             `JSTACK_ORIGINS`"
        );
        if let Some(here) = here {
            let _ = write!(message, ", and without one its own origin, `{here}`, is");
        }
        observe::warning!(origin, setting = "JSTACK_ORIGINS", "origin refused");
        Decision::Refused(Error::forbidden(message))
    }
}

/// The result of [`Origins::check`].
#[derive(Debug)]
pub(crate) enum Decision {
    /// There is no `Origin`: no page sent the request.
    Absent,
    /// The `Origin`, which the answer repeats.
    Allowed(HeaderValue),
    /// The error that replaces the procedure's answer.
    Refused(Error),
}

/// The same as [`Origins::list`]; a wrong entry is an error at start.
impl<T: AsRef<str>, const N: usize> From<[T; N]> for Origins {
    fn from(entries: [T; N]) -> Self {
        Self::list_or_wrong(entries)
    }
}

/// The same as [`Origins::list`]; a wrong entry is an error at start.
impl<T: AsRef<str>> From<&[T]> for Origins {
    fn from(entries: &[T]) -> Self {
        Self::list_or_wrong(entries)
    }
}

/// The same as [`Origins::list`]; a wrong entry is an error at start.
impl<T: AsRef<str>> From<Vec<T>> for Origins {
    fn from(entries: Vec<T>) -> Self {
        Self::list_or_wrong(entries)
    }
}

/// As in `JSTACK_ORIGINS`: `same`, `any`, or a list with commas.
impl FromStr for Origins {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        match text.trim() {
            "any" => Ok(Self::any()),
            text => Self::list(text.split(',').filter(|entry| !entry.trim().is_empty())),
        }
    }
}

/// As in `JSTACK_ORIGINS`.
impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any {
            return f.write_str("any");
        }
        let same = (self.same == Same::Allowed).then(|| "same".to_owned());
        let list = self.list.iter().map(ToString::to_string);
        f.write_str(&same.into_iter().chain(list).collect::<Vec<_>>().join(","))
    }
}
