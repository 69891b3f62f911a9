//! Hosts: the names under which the server may be called.
//!
//! DNS rebinding: a page of `http://evil.example` makes its own name lead to `127.0.0.1`, and the
//! browser takes the server there for the page's own. No origin gives that away, only the name. For
//! strangers, this is the only way to reach a server on a loopback or private address. So it
//! answers to names that no stranger can register, and to those of its settings.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::{HeaderMap, Uri, header};

use super::origin::{authority_host, parse_host};
use crate::error::Error;
use crate::observe;
use crate::untrusted::Untrusted;

/// Ends of names that nobody can register: RFC 6761, 6762, 8375, and ICANN's `internal`.
const RESERVED: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];

/// The hosts that a server answers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hosts {
    any: bool,
    list: Vec<Host>,
    /// The error for a wrong entry, reported at start.
    wrong: Option<String>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    /// With a wildcard, the part after `*`, with its dot.
    name: String,
    below: bool,
}

impl Hosts {
    pub(crate) fn list<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Self {
        let mut hosts = Self::default();
        for entry in entries {
            match entry.as_ref().trim() {
                "any" => hosts.any = true,
                entry => match entry.parse() {
                    Ok(host) => hosts.list.push(host),
                    Err(wrong) => hosts.wrong = Some(wrong),
                },
            }
        }
        hosts
    }

    /// The error for a wrong entry.
    pub(crate) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// Fails for a request to a host that the server does not answer to. `is_private` says that
    /// it came to a loopback or private address, from somebody who is not a trusted proxy.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        is_private: bool,
    ) -> Result<(), Error> {
        if self.any || (self.list.is_empty() && !is_private) {
            return Ok(());
        }
        let accepts = |host: &str| {
            self.list.iter().any(|entry| entry.matches(host)) || (is_private && is_local(host))
        };
        let refused = |shown: &str| {
            observe::warning!(host = %Untrusted(shown), setting = "JSTACK_HOSTS", "host refused");
            Error::with_code(
                http::StatusCode::FORBIDDEN,
                "host",
                format!(
                    "the host `{}` is not known here; the server's setting is `App::hosts` or \
                     `JSTACK_HOSTS`, or `JSTACK_TRUSTED_PROXIES` behind a proxy",
                    Untrusted(shown)
                ),
            )
        };
        let lines = headers.get_all(header::HOST).iter();
        let lines = lines.map(|host| std::str::from_utf8(host.as_bytes()).unwrap_or("\u{fffd}"));
        // A request without any is not a browser's.
        for authority in uri.authority().map(http::uri::Authority::as_str).into_iter().chain(lines)
        {
            if !authority_host(authority).is_some_and(|host| accepts(&host)) {
                return Err(refused(authority));
            }
        }
        Ok(())
    }
}

/// Whether a server on this address is out of reach for strangers, but not for their pages.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // 100.64.0.0/10 is the network of a provider, or of a VPN.
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether no page of a stranger can have this host: addresses, and names that nobody can
/// register. A name without a dot is one of the own network.
fn is_local(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    name.parse::<IpAddr>().is_ok()
        || name.starts_with('[')
        || !name.contains('.')
        || RESERVED.iter().any(|end| name.ends_with(end))
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        if self.below {
            host.len() > self.name.len() && host.ends_with(&self.name)
        } else {
            host == self.name
        }
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |right: String| Err(format!("`{}`: {right}", Untrusted(text)));
        if let Some((_, rest)) = text.split_once("://") {
            return wrong(format!("write the host alone, as `{rest}`"));
        }
        if text == "*" {
            return wrong("a list cannot hold every host; `any` alone allows it".into());
        }
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let address = text.parse::<Ipv6Addr>().is_ok();
        let bracketed = format!("[{text}]");
        let Some(host) = parse_host(if address { &bracketed } else { name }) else {
            return wrong(
                "write a host without its port, as `app.example.com` or `*.example.com`".into(),
            );
        };
        let host = host.strip_suffix('.').unwrap_or(&host).to_owned();
        Ok(Self { name: if below { format!(".{host}") } else { host }, below })
    }
}

/// As in `JSTACK_HOSTS`: a list with commas, or `any`.
impl FromStr for Hosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hosts = Self::list(text.split(',').filter(|entry| !entry.trim().is_empty()));
        match hosts.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(hosts),
        }
    }
}

/// As in `JSTACK_HOSTS`; `none` for an empty list.
impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any {
            return f.write_str("any");
        }
        if self.list.is_empty() {
            return f.write_str("none");
        }
        let list: Vec<_> = self
            .list
            .iter()
            .map(|host| format!("{}{}", if host.below { "*" } else { "" }, host.name))
            .collect();
        f.write_str(&list.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(hosts: &str, host: &str, is_private: bool) -> bool {
        let hosts: Hosts = hosts.parse().expect("hosts");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a value"));
        hosts.check(&headers, &Uri::from_static("/"), is_private).is_ok()
    }

    #[test]
    fn a_private_server_answers_to_names_that_no_stranger_can_have() {
        for host in [
            "localhost",
            "localhost:8080",
            "LocalHost",
            "app.localhost:3000",
            "127.0.0.1:8080",
            "10.1.2.3",
            "[::1]:8080",
            "printer.local",
            "api",
            "api.shop.svc.cluster.local",
            "web.internal",
            "router.home.arpa",
        ] {
            assert!(accepts("", host, true), "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:8080",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "local.evil.com",
            "evil.com.",
            "notlocalhost.com",
            "a b",
            "",
            "[::1",
            "user@localhost",
        ] {
            assert!(!accepts("", host, true), "{host}");
        }
    }

    #[test]
    fn a_public_server_answers_to_all_names_until_it_is_given_some() {
        assert!(accepts("", "evil.com", false));
        let hosts = "app.example.com, *.example.org";
        for host in
            ["app.example.com", "APP.example.com:443", "app.example.com.", "a.b.example.org"]
        {
            assert!(accepts(hosts, host, false) && accepts(hosts, host, true), "{host}");
        }
        for host in
            ["evil.com", "example.com", "example.org", "xapp.example.com", "a.example.org.evil.com"]
        {
            assert!(!accepts(hosts, host, false) && !accepts(hosts, host, true), "{host}");
        }
        assert!(!accepts(hosts, "localhost", false) && accepts(hosts, "localhost", true));
        assert!(accepts("any", "evil.com", true));
    }

    #[test]
    fn each_of_several_hosts_counts_and_the_authority_of_the_address_as_well() {
        let hosts = Hosts::default();
        let mut headers = HeaderMap::new();
        assert!(hosts.check(&headers, &Uri::from_static("http://evil.com/"), true).is_err());
        assert!(hosts.check(&headers, &Uri::from_static("/"), true).is_ok());
        headers.append(header::HOST, "localhost".parse().expect("a value"));
        headers.append(header::HOST, "evil.com".parse().expect("a value"));
        let error = hosts.check(&headers, &Uri::from_static("/"), true).expect_err("refused");
        assert_eq!((error.status().as_u16(), error.code()), (403, "host"));
        assert!(error.message().contains("`evil.com`"), "{error:?}");
    }

    #[test]
    fn private_addresses_are_those_of_machines_and_networks() {
        for (text, expected) in [
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("172.16.0.1", true),
            ("192.168.1.1", true),
            ("169.254.0.1", true),
            ("100.64.0.1", true),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::ffff:10.0.0.1", true),
            ("8.8.8.8", false),
            ("172.32.0.1", false),
            ("100.128.0.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(text.parse().expect("an address")), expected, "{text}");
        }
    }

    #[test]
    fn entries_are_hosts_and_nothing_else() {
        for (text, shown) in [
            ("", "none"),
            ("any", "any"),
            ("App.Example.com,*.example.org", "app.example.com,*.example.org"),
            ("::1,[fd00::1],10.0.0.1", "[::1],[fd00::1],10.0.0.1"),
        ] {
            assert_eq!(text.parse::<Hosts>().expect(text).to_string(), shown);
        }
        for (text, right) in [
            ("*", "`any`"),
            ("http://a.example.com", "`a.example.com`"),
            ("a.example.com:80", "without its port"),
            ("a b", "without its port"),
        ] {
            let error = text.parse::<Hosts>().expect_err(text);
            assert!(error.contains(right), "{error}");
        }
    }
}
