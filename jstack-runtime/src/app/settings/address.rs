//! The address to listen on, from the command line or `JSTACK_ADDRESS`.

use super::environment::Environment;
use super::setting::DEFAULT;
use crate::untrusted::Untrusted;

/// The address of a server without a setting.
const STANDARD: &str = "127.0.0.1:8080";

/// An address and where it comes from.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) text: String,
    pub(crate) from: &'static str,
}

impl Address {
    /// The address of the command line if there is one, else that of the environment.
    ///
    /// Fails for a text that is not a host and a port, and shows one that is.
    pub(crate) fn choose(
        by_argument: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, String> {
        let (text, from, name) = match (by_argument, environment.get("JSTACK_ADDRESS")) {
            (Some(text), _) => (text, "command line", "the address"),
            (None, Some((text, from))) => (text, from, "JSTACK_ADDRESS="),
            (None, None) => (STANDARD, DEFAULT, ""),
        };
        match check_address(text.trim()) {
            Ok(()) => Ok(Self { text: text.trim().to_owned(), from }),
            Err(right) => {
                let space = if name.ends_with('=') { "" } else { " " };
                Err(format!("{name}{space}`{}`: {right}", Untrusted(text)))
            }
        }
    }

    /// The name of the address in an error.
    pub(crate) fn name(&self) -> String {
        match self.from {
            "command line" | DEFAULT => format!("`{}`", self.text),
            from => format!("JSTACK_ADDRESS=`{}` ({from})", self.text),
        }
    }
}

/// Fails for a text that is not `host:port`, with the right form.
fn check_address(text: &str) -> Result<(), String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("write one host and one port without spaces, as `127.0.0.1:8080`".into());
    }
    if let Some((_, rest)) = text.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Err(format!("write the host and the port alone, {}", example(authority)));
    }
    if let Some(at) = text.find('/') {
        return Err(format!(
            "write the host and the port without a path, {}",
            example(&text[..at])
        ));
    }
    let is_port =
        |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit());
    if is_port(text) || text.strip_prefix(':').is_some_and(is_port) {
        let port = text.trim_start_matches(':');
        return Err(format!(
            "write a host before the port: `127.0.0.1:{port}` for this machine alone, `0.0.0.0:{port}` for \
             every network"
        ));
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok()
        || text.matches(':').count() > 1 && !text.starts_with('[')
    {
        return Err(
            "write an IPv6 address in brackets, with the port behind them, as `[::1]:8080`".into(),
        );
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            if host.is_empty() || !is_port(port) {
                return Err("write a host and a port from 0 to 65535, as `127.0.0.1:8080`".into());
            }
            Ok(())
        }
        _ => Err(format!("write a port behind the host, as `{text}:8080`")),
    }
}

/// The address within a URL that was given in its place.
fn example(authority: &str) -> String {
    if check_address(authority).is_ok() {
        format!("as `{authority}`")
    } else if authority.is_empty() || authority.contains(':') {
        format!("as `{STANDARD}`")
    } else {
        format!("as `{authority}:8080`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_ports_are_addresses() {
        for text in ["127.0.0.1:8080", "[::1]:8080", "localhost:0", "0.0.0.0:80", "[::]:443"] {
            assert_eq!(check_address(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_is_named_with_its_variable_and_with_what_would_be_right() {
        for (text, right) in [
            (":8120", "`0.0.0.0:8120`"),
            ("8120", "`127.0.0.1:8120`"),
            ("http://localhost:8120", "as `localhost:8120`"),
            ("https://example.com/app", "as `example.com:8080`"),
            ("localhost:8120/", "as `localhost:8120`"),
            ("localhost", "`localhost:8080`"),
            ("::1", "`[::1]:8080`"),
            ("::1:8080", "`[::1]:8080`"),
            ("127.0.0.1:99999", "0 to 65535"),
            ("127.0.0.1:", "0 to 65535"),
        ] {
            let environment = Environment::of(&format!("JSTACK_ADDRESS={text}"));
            let error = Address::choose(None, &environment).expect_err(text);
            assert!(error.starts_with(&format!("JSTACK_ADDRESS=`{text}`: ")), "{error}");
            assert!(error.contains(right), "{error}");
        }
        let environment = Environment::of("JSTACK_ADDRESS=\"127.0.0.1:1\\n127.0.0.1:2\"");
        let error = Address::choose(None, &environment).expect_err("two");
        assert!(
            error.contains("JSTACK_ADDRESS=`127.0.0.1:1") && error.contains("one host"),
            "{error}"
        );
        let error = Address::choose(Some(":1"), &environment).expect_err("the argument");
        assert!(error.starts_with("the address `:1`: "), "{error}");
    }

    #[test]
    fn the_command_line_comes_before_the_environment_and_the_environment_before_the_default() {
        let environment = Environment::of("JSTACK_ADDRESS=' 127.0.0.1:1 '");
        let of = |argument, environment: &Environment| {
            let address = Address::choose(argument, environment).expect("an address");
            (address.text, address.from)
        };
        assert_eq!(of(Some("127.0.0.1:2"), &environment), ("127.0.0.1:2".into(), "command line"));
        assert_eq!(of(None, &environment), ("127.0.0.1:1".into(), ".env"));
        assert_eq!(of(None, &Environment::default()), (STANDARD.into(), DEFAULT));
    }
}
