//! Trusted proxies: whose headers name the client's address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;

use crate::untrusted::Untrusted;

/// The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    list: Vec<Block>,
    wrong: Option<String>,
}

/// A block of addresses, as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    address: IpAddr,
    bits: u8,
}

/// The client of a request, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// It came to the proxy over TLS.
    pub(crate) secure: bool,
}

impl Proxies {
    pub(crate) fn list<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Self {
        let mut proxies = Self::default();
        for entry in entries {
            match entry.as_ref().parse() {
                Ok(block) => proxies.list.push(block),
                Err(wrong) => proxies.wrong = Some(wrong),
            }
        }
        proxies
    }

    /// What is wrong with an entry.
    pub(crate) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.list.iter().any(|block| block.holds(address))
    }

    /// The client behind the proxy at `peer`: the rightmost address that is not a proxy's. The client
    /// may have written everything left of it.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut address = peer.to_canonical();
        let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            let Some(hop) = std::str::from_utf8(hop).ok().and_then(parse_hop) else { break };
            address = hop;
            if !self.trust(hop) {
                break;
            }
        }
        let proto = headers.get_all("x-forwarded-proto").iter().next_back();
        let last = proto.and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next());
        let secure = last.is_some_and(|proto| {
            let proto = proto.trim_ascii();
            proto.eq_ignore_ascii_case(b"https") || proto.eq_ignore_ascii_case(b"wss")
        });
        Client { address, secure }
    }
}

/// An address, with a port or not, in quotes or not.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    // Some proxies quote as in `Forwarded` (RFC 7239), where an IPv6 address needs it.
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let text = quoted.map_or(text, str::trim);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

impl Block {
    fn holds(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.bits);
        match (self.address, address) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                block.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                block.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || {
            let shown = Untrusted(text);
            format!("`{shown}`: write an address or a block of them, as `10.0.0.0/8` or `::1`")
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let proxies = Self::list(text.split(',').filter(|entry| !entry.trim().is_empty()));
        match proxies.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(proxies),
        }
    }
}

impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list.is_empty() {
            return f.write_str("none");
        }
        let list: Vec<_> = self.list.iter().map(ToString::to_string).collect();
        f.write_str(&list.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, lines: &[(&'static str, &str)]) -> Client {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a value"));
        }
        let proxies: Proxies = proxies.parse().expect("proxies");
        proxies.client(peer.parse().expect("an address"), &headers)
    }

    fn address(proxies: &str, peer: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        client(proxies, peer, &lines).address.to_string()
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
        let inside = "10.0.0.0/8,::1";
        for (lines, expected) in [
            (&["203.0.113.7"][..], "203.0.113.7"),
            (&["1.2.3.4, 203.0.113.7"], "203.0.113.7"),
            (&["203.0.113.7, 10.1.1.1, 10.2.2.2"], "203.0.113.7"),
            (&["1.1.1.1", "203.0.113.7, 10.1.1.1"], "203.0.113.7"),
            (&["203.0.113.7:4711"], "203.0.113.7"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["::ffff:203.0.113.7"], "203.0.113.7"),
            (&["\"203.0.113.7\""], "203.0.113.7"),
            (&["9.9.9.9, \"[2001:db8::1]:4711\", \"10.1.1.1:80\""], "2001:db8::1"),
            (&["\"203.0.113.7"], "10.0.0.9"),
            (&["unknown, 10.1.1.1"], "10.1.1.1"),
            (&["203.0.113.7, <script>"], "10.0.0.9"),
            (&[""], "10.0.0.9"),
            (&[], "10.0.0.9"),
        ] {
            assert_eq!(address(inside, "10.0.0.9", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn https_at_the_last_proxy_counts() {
        let secure = |value| client("::1", "::1", &[("x-forwarded-proto", value)]).secure;
        assert!(secure("https") && secure("WSS") && secure("http, https"));
        assert!(!secure("http") && !secure("https, http") && !secure(""));
    }

    #[test]
    fn blocks_hold_what_they_say() {
        let proxies: Proxies =
            "10.0.0.0/8, 192.0.2.1, 2001:db8::/32, 0.0.0.0/32".parse().expect("list");
        for (text, expected) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("::ffff:10.0.0.1", true),
        ] {
            assert_eq!(proxies.trust(text.parse().expect("address")), expected, "{text}");
        }
        assert!("0.0.0.0/0".parse::<Proxies>().expect("all").trust([8, 8, 8, 8].into()));
        for wrong in ["10.0.0.0/33", "proxy.internal", "10.0.0/8", "::/129", "10.0.0.1/-1"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
    }
}
