//! Origins: the pages whose scripts may call the server, by HTTP or WebSocket.

use std::fmt::{self, Write as _};
use std::net::Ipv6Addr;
use std::str::FromStr;

use http::uri::Uri;
use http::{HeaderMap, HeaderValue, header};

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
    /// What is wrong with an entry; reported at start.
    wrong: Option<OriginError>,
}

/// Whether the server's own origin is allowed. A list starts without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Same {
    #[default]
    Allowed,
    Refused,
}

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

    /// Decides on a request by its `Origin`. `secure` says that the client came over TLS, here or
    /// at a trusted proxy.
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

    /// The same for an upgrade to WebSocket, which no CORS protects: a request without origin
    /// that carries cookies is refused as well, since no native client of ours sends them.
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

/// What [`Origins::check`] found.
#[derive(Debug)]
pub(crate) enum Decision {
    /// No page sent this.
    Absent,
    /// To be echoed.
    Allowed(HeaderValue),
    /// The answer instead of the procedure's.
    Refused(Error),
}

/// The same as [`Origins::list`]; a wrong entry is told at start.
impl<T: AsRef<str>, const N: usize> From<[T; N]> for Origins {
    fn from(entries: [T; N]) -> Self {
        Self::list_or_wrong(entries)
    }
}

/// The same as [`Origins::list`]; a wrong entry is told at start.
impl<T: AsRef<str>> From<&[T]> for Origins {
    fn from(entries: &[T]) -> Self {
        Self::list_or_wrong(entries)
    }
}

/// The same as [`Origins::list`]; a wrong entry is told at start.
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

/// A parsed origin: the host in lower case, the port written out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    /// `None` for a scheme whose default is not known, as of an app's own web view.
    port: Option<u16>,
}

impl Origin {
    /// `None` for what is no origin: a path, a user, a bad host, `null`.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::of(scheme, authority)
    }

    fn of(scheme: &str, authority: &str) -> Option<Self> {
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(parse_port(port)?)),
            _ => (authority, None),
        };
        let port = port.or(match &*scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        is_scheme.then_some(Self { scheme, host: parse_host(host)?, port })
    }

    /// The origin that a page of this server has.
    fn of_server(headers: &HeaderMap, uri: &Uri, secure: bool) -> Option<Self> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let authority = match (uri.authority(), hosts.next(), hosts.next()) {
            (Some(authority), ..) => authority.as_str(),
            (None, Some(host), None) => host.to_str().ok()?,
            _ => return None,
        };
        Self::of(if secure { "https" } else { "http" }, authority)
    }
}

/// As browsers write it, so that the default port is left out.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (&*self.scheme, self.port) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => Ok(()),
            (_, Some(port)) => write!(f, ":{port}"),
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if is_plain { text.parse().ok() } else { None }
}

/// The host of an authority, `host` or `host:port`; `None` for what is not one.
pub(super) fn authority_host(authority: &str) -> Option<String> {
    Origin::of("http", authority).map(|origin| origin.host)
}

/// A host in the one way of writing it; a trailing dot stays, since browsers tell it apart.
pub(super) fn parse_host(text: &str) -> Option<String> {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let labels = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let is_host = text.len() <= 254 && labels.split('.').all(is_label);
    is_host.then(|| text.to_ascii_lowercase())
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// Of a wildcard, the part behind `*.`.
    origin: Origin,
    below: bool,
}

impl Pattern {
    fn parse(entry: &str) -> Result<Self, OriginError> {
        let wrong =
            |what: String| Err(OriginError { message: format!("origin `{entry}`: {what}") });
        if entry == "*" {
            return wrong(
                "a list cannot hold every origin; `Origins::any()` (`JSTACK_ORIGINS=any`) \
                          allows it, and says what that means"
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
            return wrong(format!("it is that of the page; write `{scheme}://{rest}`"));
        }
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let Some(origin) = Origin::of(scheme, rest) else {
            return wrong(
                "write scheme, host and, where it is not the default, port, as \
                          `https://app.example.com:8443`; `*` stands for the first labels of a \
                          host only, as `https://*.example.com`"
                    .into(),
            );
        };
        let host = origin.host.trim_end_matches('.');
        let is_address = host.ends_with(']')
            || host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if below && (is_address || !(host.contains('.') || host == "localhost")) {
            return wrong("`*` must stand before a domain of at least two labels".into());
        }
        Ok(Self { origin, below })
    }

    fn matches(&self, origin: &Origin) -> bool {
        if !self.below {
            return self.origin == *origin;
        }
        // A label's border is a dot: `evil-example.com` is not below `example.com`.
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
