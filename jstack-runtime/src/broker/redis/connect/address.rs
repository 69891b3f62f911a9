//! Where Redis is: reads the address in `REDIS_URL`.

use ::redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
};

use crate::broker::redis::route::Route;
use crate::error::BoxError;

/// The port of a server without one in the address.
#[cfg(feature = "redis-cluster")]
const PORT: u16 = 6_379;
/// The port of a Sentinel without one in the address.
const SENTINEL_PORT: u16 = 26_379;

/// Where Redis is, and how to authenticate.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) deployment: Deployment,
    /// The address without secrets.
    pub(crate) shown: String,
    /// The credentials are Upstash's REST token, which is not always a password.
    pub(crate) rest_token: bool,
}

/// How Redis is deployed.
#[derive(Clone, Debug)]
pub(crate) enum Deployment {
    /// One server.
    Server(ConnectionInfo),
    /// The master that the Sentinels name.
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        /// The name of the group of servers.
        group: String,
        /// Credentials on the server.
        redis: RedisConnectionInfo,
        tls: bool,
    },
    /// The servers of a cluster.
    #[cfg(feature = "redis-cluster")]
    Cluster {
        /// Hosts and ports of some of them, which name the others.
        seeds: Vec<(String, u16)>,
        /// Credentials and TLS settings for each of them.
        like: ConnectionInfo,
    },
    /// One server of a cluster.
    #[cfg(feature = "redis-cluster")]
    Member(ConnectionInfo),
}

impl Address {
    /// Reads `redis://`, `rediss://`, `unix://`, `redis+sentinel://` and `redis+cluster://`
    /// addresses.
    pub(crate) fn parse(url: &str) -> Result<Self, BoxError> {
        let url = url.trim();
        let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
        if scheme.starts_with("rediss") && !cfg!(feature = "redis-tls") {
            return Err("the Redis address starts with `rediss://`, which needs the feature \
                        `redis-tls` of jstack-runtime"
                .into());
        }
        match scheme.as_str() {
            "redis+sentinel" | "rediss+sentinel" => sentinel(url, scheme.starts_with("rediss")),
            #[cfg(feature = "redis-cluster")]
            "redis+cluster" | "rediss+cluster" => cluster(url, scheme.starts_with("rediss")),
            #[cfg(not(feature = "redis-cluster"))]
            "redis+cluster" | "rediss+cluster" => Err("the Redis address starts with \
                        `redis+cluster://`, which needs the feature `redis-cluster` of \
                        jstack-runtime"
                .into()),
            "redis" | "rediss" | "unix" | "redis+unix" => {
                let info = server(url)?;
                let shown = shown(&info);
                let info = without_database(info);
                Ok(Self { deployment: Deployment::Server(info), shown, rest_token: false })
            }
            _ => {
                Err("the Redis address must start with `redis://`, `rediss://` (TLS), `unix://`, \
                      `redis+sentinel://` or `redis+cluster://`"
                    .into())
            }
        }
    }

    /// The route that the address implies.
    pub(crate) fn route(&self) -> Route {
        match self.deployment {
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { .. } => Route::nowhere(),
            _ => Route::One,
        }
    }

    /// Upstash's TLS endpoint, from the REST URL and token of its console.
    pub(crate) fn upstash(rest_url: &str, token: &str, port: u16) -> Result<Self, BoxError> {
        let host = rest_url.trim().strip_prefix("https://").unwrap_or(rest_url.trim());
        let host = host.split(['/', ':', '?']).next().unwrap_or_default();
        if host.is_empty() || host.contains('@') {
            return Err("UPSTASH_REDIS_REST_URL must read as `https://<name>.upstash.io`".into());
        }
        if token.is_empty() {
            return Err(
                "UPSTASH_REDIS_REST_TOKEN is not set, which UPSTASH_REDIS_REST_URL needs".into()
            );
        }
        // Parsed without the token, which may contain any character.
        let mut address = Self::parse(&format!("rediss://{host}:{port}"))?;
        if let Deployment::Server(info) = address.deployment {
            let redis =
                info.redis_settings().clone().set_username("default").set_password(token.trim());
            address.deployment = Deployment::Server(info.set_redis_settings(redis));
        }
        address.rest_token = true;
        Ok(address)
    }
}

fn server(url: &str) -> Result<ConnectionInfo, BoxError> {
    let info = url.into_connection_info().map_err(|error| {
        // Without the URL itself, which may contain a password.
        format!(
            "the Redis address cannot be read ({}); it should look like \
             `redis://user:password@host:6379/0`, with special characters written `%XX`",
            error.detail().map_or_else(|| error.category().to_owned(), str::to_owned)
        )
    })?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(redis))
}

/// Pub/Sub has no databases, and a restricted user need not be allowed to `SELECT` one.
fn without_database(info: ConnectionInfo) -> ConnectionInfo {
    let redis = info.redis_settings().clone().set_db(0);
    info.set_redis_settings(redis)
}

/// `redis+sentinel://[user:password@]host[:port][,host[:port]…]/group[/database]`, and after a `?`
/// `sentinel_user=` and `sentinel_password=` for the Sentinels themselves.
fn sentinel(url: &str, tls: bool) -> Result<Address, BoxError> {
    let form = || -> BoxError {
        "the Redis address should look like \
         `redis+sentinel://user:password@host:26379,host2:26379/mymaster/0`"
            .into()
    };
    let rest = url.split_once("://").map(|(_, rest)| rest).ok_or_else(form)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').ok_or_else(form)?;
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let (group, database) = path.trim_end_matches('/').split_once('/').unwrap_or((path, "0"));
    let group = group.trim_end_matches('/');
    if group.is_empty() || hosts.is_empty() {
        return Err(form());
    }
    let mut sentinel_user = ("", "");
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sentinel_user", user)) => sentinel_user.0 = user,
            Some(("sentinel_password", password)) => sentinel_user.1 = password,
            _ => {
                return Err(
                    "a Sentinel address takes only `sentinel_user=` and `sentinel_password=` \
                             after the `?`"
                        .into(),
                );
            }
        }
    }
    let sentinel_user = match sentinel_user {
        ("", "") => String::new(),
        (user, password) => format!("{user}:{password}@"),
    };
    let scheme = if tls { "rediss" } else { "redis" };
    let redis = without_database(server(&format!("{scheme}://{user}localhost/{database}"))?);
    let redis = redis.redis_settings().clone();
    let sentinels = hosts
        .split(',')
        .map(|host| {
            server(&format!("{scheme}://{sentinel_user}{}", with_port(host, SENTINEL_PORT)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let shown = format!("{scheme}+sentinel://{hosts}/{group}");
    let group = group.to_owned();
    Ok(Address {
        deployment: Deployment::Sentinel { sentinels, group, redis, tls },
        shown,
        rest_token: false,
    })
}

/// `redis+cluster://[user:password@]host[:port][,host[:port]…]`: any servers of the cluster, which
/// name the others.
#[cfg(feature = "redis-cluster")]
fn cluster(url: &str, tls: bool) -> Result<Address, BoxError> {
    let form = || -> BoxError {
        "the Redis address should look like \
         `redis+cluster://user:password@host:6379,host2:6379`; a cluster has no databases"
            .into()
    };
    let rest = url.split_once("://").map(|(_, rest)| rest).ok_or_else(form)?;
    let (user, hosts) = match rest.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), rest),
    };
    let hosts = hosts.trim_end_matches('/');
    if hosts.is_empty() || hosts.contains(['/', '?']) {
        return Err(form());
    }
    let scheme = if tls { "rediss" } else { "redis" };
    let like = server(&format!("{scheme}://{user}localhost"))?;
    let mut seeds = Vec::new();
    for host in hosts.split(',') {
        match server(&format!("{scheme}://{}", with_port(host, PORT)))?.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                seeds.push((host.clone(), *port));
            }
            _ => return Err(form()),
        }
    }
    let shown = format!("{scheme}+cluster://{hosts}");
    Ok(Address { deployment: Deployment::Cluster { seeds, like }, shown, rest_token: false })
}

fn with_port(host: &str, port: u16) -> String {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

/// As it is written in an address: an IPv6 address in brackets.
pub(crate) fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn shown(info: &ConnectionInfo) -> String {
    let scheme = match info.addr() {
        ConnectionAddr::TcpTls { .. } => "rediss",
        ConnectionAddr::Unix(_) => "unix",
        _ => "redis",
    };
    let redis = info.redis_settings();
    let user = match (redis.username(), redis.password()) {
        (Some(user), Some(_)) => format!("{user}:***@"),
        (Some(user), None) => format!("{user}@"),
        (None, Some(_)) => ":***@".to_owned(),
        (None, None) => String::new(),
    };
    let database = if redis.db() == 0 { String::new() } else { format!("/{}", redis.db()) };
    let host = match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            host_and_port(host, *port)
        }
        addr => addr.to_string(),
    };
    format!("{scheme}://{user}{host}{database}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_address_has_no_secrets() {
        let of = |url: &str| Address::parse(url).unwrap().shown;
        assert_eq!(of("redis://127.0.0.1"), "redis://127.0.0.1:6379");
        assert_eq!(of("redis://me:s3cret@host:1/2"), "redis://me:***@host:1/2");
        assert_eq!(of("redis://[::1]:6392"), "redis://[::1]:6392");
        assert_eq!(of("redis://:s3cret@host:1"), "redis://:***@host:1");
        assert_eq!(of("unix:///tmp/redis.sock"), "unix:///tmp/redis.sock");
        assert_eq!(
            of("redis+sentinel://me:s3cret@a:1,b/mymaster/2"),
            "redis+sentinel://a:1,b/mymaster"
        );
    }

    #[test]
    fn a_database_is_shown_and_not_selected() {
        let address = Address::parse("redis://host/2").unwrap();
        let Deployment::Server(info) = address.deployment else { panic!("it is one") };
        assert_eq!(
            (address.shown.as_str(), info.redis_settings().db()),
            ("redis://host:6379/2", 0)
        );
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_repeated_in_the_error() {
        for url in [
            "http://me:s3cret@x",
            "redis://me:s3cret@h:port",
            "s3cret",
            "redis+sentinel://me:s3cret@a",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_sentinel_address_names_servers_group_and_credentials() {
        let url = "redis+sentinel://me:p%40ss@a:1,b/mymaster/2?sentinel_password=x";
        let Deployment::Sentinel { sentinels, group, redis, tls } =
            Address::parse(url).unwrap().deployment
        else {
            panic!("it is one");
        };
        assert_eq!((group.as_str(), tls, redis.db()), ("mymaster", false, 0));
        assert_eq!((redis.username(), redis.password()), (Some("me"), Some("p@ss")));
        let shown: Vec<_> = sentinels.iter().map(|s| s.addr().to_string()).collect();
        assert_eq!(shown, ["a:1", "b:26379"]);
        assert_eq!(sentinels[0].redis_settings().password(), Some("x"));
    }

    #[test]
    #[cfg(feature = "redis-cluster")]
    fn a_cluster_address_names_servers_and_credentials() {
        let address = Address::parse("redis+cluster://me:p%40ss@a:1,b").unwrap();
        assert_eq!(address.shown, "redis+cluster://a:1,b");
        let Deployment::Cluster { seeds, like } = address.deployment else { panic!("it is one") };
        assert_eq!(seeds, [("a".to_owned(), 1), ("b".to_owned(), 6379)]);
        let redis = like.redis_settings();
        assert_eq!((redis.username(), redis.password()), (Some("me"), Some("p@ss")));
        for url in ["redis+cluster://", "redis+cluster://me:s3cret@a/2", "redis+cluster://a,,b"] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    #[cfg(not(feature = "redis-cluster"))]
    fn a_cluster_without_the_feature_says_which_one() {
        let error = Address::parse("redis+cluster://host").unwrap_err().to_string();
        assert!(error.contains("`redis-cluster`"), "{error}");
    }

    #[test]
    #[cfg(not(feature = "redis-tls"))]
    fn tls_without_the_feature_says_which_one() {
        let error = Address::parse("rediss://host").unwrap_err().to_string();
        assert!(error.contains("`redis-tls`"), "{error}");
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn upstash_is_reached_by_tls_with_the_token_as_password() {
        let address = Address::upstash("https://eu1-x.upstash.io", "to/ken==", 6379).unwrap();
        assert_eq!(address.shown, "rediss://eu1-x.upstash.io:6379");
        let Deployment::Server(info) = address.deployment else { panic!("it is one") };
        assert_eq!(info.redis_settings().password(), Some("to/ken=="));
        assert!(Address::upstash("https://", "t", 6379).is_err());
        assert!(Address::upstash("https://x", "", 6379).is_err());
    }
}
