//! Where a server is: the parts of a base URL.

use http::Uri;

use crate::error::{Error, Result};

/// A base URL, read.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// `host`, or `host:port` where the port is not the scheme's own.
    pub(super) authority: String,
    /// Without a slash at its end.
    pub(super) path: String,
}

impl Address {
    /// Reads `http://host:port/base`, or `https`, `ws` and `wss`.
    pub(super) fn read(url: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let message = format!(
                "`{url}` is not the base URL of a server: {why}; write `http://127.0.0.1:8080/api`"
            );
            Error::bad_request(message)
        };
        let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
        let secure = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            Some(_) => return Err(wrong("its scheme is neither `http` nor `https`")),
            None => return Err(wrong("it has no scheme")),
        };
        if uri.query().is_some() {
            return Err(wrong("it has a query"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it has a user in it; pass a token to `bearer`"));
        }
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        // An IPv6 address is in brackets in a URL, and without them for the resolver.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { secure, host, port, authority: authority.to_string(), path })
    }

    /// The path of a procedure.
    pub(super) fn path_of(&self, procedure: &str) -> String {
        format!("{}/{}", self.path, procedure.trim_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_a_host_a_port_and_a_path() {
        let address = Address::read("http://127.0.0.1:8080/api/").unwrap();
        assert_eq!((&*address.host, address.port, address.secure), ("127.0.0.1", 8080, false));
        assert_eq!(address.path_of("/post/chat"), "/api/post/chat");
        let address = Address::read("wss://[::1]").unwrap();
        assert_eq!((&*address.host, address.port, address.secure), ("::1", 443, true));
        assert_eq!((&*address.authority, &*address.path_of("a/b")), ("[::1]", "/a/b"));
    }

    #[test]
    fn what_is_not_a_base_url_says_what_would_be() {
        for url in
            ["", "/api", "127.0.0.1:8080", "ftp://a", "http://", "http://a/?b=1", "http://u:p@a"]
        {
            let error = Address::read(url).unwrap_err();
            assert!(error.message().contains("http://127.0.0.1:8080/api"), "{error}");
        }
    }
}
