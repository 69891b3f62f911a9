//! `Origin`: scheme, host and port, parsed from a header or a setting.

use std::fmt;
use std::net::Ipv6Addr;

use http::uri::Uri;
use http::{HeaderMap, header};

/// A parsed origin: the host in lower case, the port written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) scheme: String,
    pub(super) host: String,
    /// `None` for a scheme without a known default, as web views of apps have.
    pub(super) port: Option<u16>,
}

impl Origin {
    /// `None` for a text that is not an origin: with a path or a user, a bad host, `null`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::of(scheme, authority)
    }

    pub(super) fn of(scheme: &str, authority: &str) -> Option<Self> {
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

    /// The origin of a page that this server itself serves.
    pub(super) fn of_server(headers: &HeaderMap, uri: &Uri, secure: bool) -> Option<Self> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let authority = match (uri.authority(), hosts.next(), hosts.next()) {
            (Some(authority), ..) => authority.as_str(),
            (None, Some(host), None) => host.to_str().ok()?,
            _ => return None,
        };
        Self::of(if secure { "https" } else { "http" }, authority)
    }
}

/// As browsers write it: without a default port.
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

/// A host in canonical form. A trailing dot stays, because to browsers it is another host.
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
