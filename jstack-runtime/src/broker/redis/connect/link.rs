//! One attempt to connect to Redis, the supervision of an open connection, and what errors mean for
//! operators.

use std::collections::HashMap;
use std::time::Duration;

use ::redis::aio::{AsyncPushSender, MultiplexedConnection};
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::address::{Address, Deployment};
use super::sentinel;
use super::tcp::with_keepalive;
use crate::broker::format::text::Form;

/// How long one attempt may take, including TLS and the handshake.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a server that closes connections at once may take to say why, and in how many bytes.
const FAREWELL: Duration = Duration::from_millis(200);
const MAX_FAREWELL: u64 = 4_096;
/// The longest time between two questions to the Sentinels.
const SENTINEL_HEARTBEAT: Duration = Duration::from_secs(1);

/// The commands that an ACL must allow.
const PERMISSIONS: &str = "`+subscribe +unsubscribe +publish +hello`";
#[cfg(feature = "redis-cluster")]
const CLUSTER_PERMISSIONS: &str =
    "`+ssubscribe +sunsubscribe +spublish +hello +cluster|info +cluster|slots`";
/// The commands that rooms with history need as well.
const HISTORY_PERMISSIONS: &str = "`+info +eval +evalsha +del +hmget +hset +llen +lrange +ltrim \
                                   +pexpire +rpush +time`";
/// The error of `redis://` that leads to a cluster.
const A_CLUSTER: &str = "this server belongs to a Redis Cluster: write `redis+cluster://` into \
                         REDIS_URL (feature `redis-cluster` of jstack-runtime)";
/// The error of `redis+cluster://` that leads to a stand-alone server.
#[cfg(feature = "redis-cluster")]
const NO_CLUSTER: &str =
    "this server does not belong to a Redis Cluster: write `redis://` into REDIS_URL";
/// The error of an address that leads to a replica.
const A_REPLICA: &str = "this server is a replica, which does not pass messages on to its master: \
                         REDIS_URL must name the master, or the Sentinels that know it";
const NO_RESP3: &str = "it does not speak RESP3: Redis 6 or later is needed";

/// How to reach Redis.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) address: Address,
    /// How long an answer may take on an open connection.
    pub(crate) answer: Duration,
    /// How payloads are published there.
    pub(crate) form: Form,
}

/// An open connection, and the server that it leads to.
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    to: ConnectionAddr,
}

/// A server's reply to `HELLO`.
type Hello = HashMap<String, Value>;

impl Link {
    /// The heartbeat of connections, where `heartbeat` is configured. With Sentinels it is shorter: a
    /// server that is not the master any more answers as before.
    pub(crate) fn heartbeat(&self, heartbeat: Duration) -> Duration {
        match self.address.deployment {
            Deployment::Sentinel { .. } => heartbeat.min(SENTINEL_HEARTBEAT),
            Deployment::Server(_) => heartbeat,
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { .. } | Deployment::Member(_) => heartbeat,
        }
    }

    /// Connects; `push` receives push messages. Fails with a sentence for operators.
    pub(crate) async fn connect(&self, push: impl AsyncPushSender) -> Result<Connected, String> {
        let attempt = async {
            let info = self.server().await?;
            let to = info.addr().clone();
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(Some(self.answer))
                .set_push_sender(push);
            let client = Client::open(info).map_err(|error| self.explain(&error))?;
            let connection = client.get_multiplexed_async_connection_with_config(&config).await;
            let mut connection = match connection {
                Ok(connection) => connection,
                Err(error) => return Err(self.explain_unconnected(&error, &to).await),
            };
            let hello = self.hello(&mut connection).await?;
            self.check_role(&hello)?;
            self.check_mode(&hello, &mut connection).await?;
            Ok(Connected { connection, to })
        };
        match timeout(ATTEMPT, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", ATTEMPT.as_secs())),
        }
    }

    /// Supervises an open connection: every heartbeat it asks the server whether it is there and
    /// still the master, and the Sentinels whether they name another one. Returns why the
    /// connection must be given up. It runs beside the work, which it never delays.
    pub(crate) async fn supervise(&self, connected: &Connected, heartbeat: Duration) -> String {
        let mut connection = connected.connection.clone();
        let mut ticks = interval(heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is now, and the server was just asked.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let role = async { self.check_role(&self.hello(&mut connection).await?) };
            let (role, moved) = tokio::join!(role, self.has_moved(connected));
            if let Err(why) = role {
                return why;
            }
            if moved {
                return "the Sentinels name another server".to_owned();
            }
        }
    }

    /// Asks the server who it is. An error reply is an answer that says nothing, not a failure: the
    /// server is there.
    async fn hello(&self, connection: &mut MultiplexedConnection) -> Result<Hello, String> {
        let mut hello = ::redis::cmd("HELLO");
        match hello.arg(3).query_async::<Hello>(connection).await {
            Ok(hello) => Ok(hello),
            Err(error) if is_reply(&error) => Ok(Hello::new()),
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// Refuses a replica. Members of a cluster may be asked for its state whatever their role.
    fn check_role(&self, hello: &Hello) -> Result<(), String> {
        let must_be_master = match self.address.deployment {
            Deployment::Server(_) | Deployment::Sentinel { .. } => true,
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { .. } | Deployment::Member(_) => false,
        };
        match hello.get("role").and_then(text) {
            Some(b"replica" | b"slave") if must_be_master => Err(A_REPLICA.to_owned()),
            // Some services do not report a role.
            _ => Ok(()),
        }
    }

    /// Refuses a cluster where the address means one server, and the reverse.
    async fn check_mode(
        &self,
        hello: &Hello,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), String> {
        // Some services do not report a mode; the address is believed then.
        let Some(mode) = hello.get("mode").and_then(text) else { return Ok(()) };
        let is_cluster = mode == b"cluster";
        #[cfg(feature = "redis-cluster")]
        if matches!(self.address.deployment, Deployment::Member(_)) {
            return if is_cluster { Ok(()) } else { Err(NO_CLUSTER.to_owned()) };
        }
        if !is_cluster {
            return Ok(());
        }
        // Services that report the mode without being a cluster do not know the command.
        let info = ::redis::cmd("CLUSTER").arg("INFO").query_async::<String>(connection).await;
        match info {
            Ok(info) if info.contains("cluster_state") => Err(A_CLUSTER.to_owned()),
            Err(error) if error.code() == Some("NOPERM") => Err(A_CLUSTER.to_owned()),
            _ => Ok(()),
        }
    }

    /// The server to connect to.
    async fn server(&self) -> Result<ConnectionInfo, String> {
        let (sentinels, group, redis, tls) = match &self.address.deployment {
            Deployment::Server(info) => return Ok(with_keepalive(info.clone())),
            Deployment::Sentinel { sentinels, group, redis, tls } => {
                (sentinels, group, redis, *tls)
            }
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { like: info, .. } | Deployment::Member(info) => {
                return Ok(with_keepalive(info.clone()));
            }
        };
        let (sentinel, host, port) =
            sentinel::master(sentinels, group, |error| self.explain(error)).await?;
        let addr = if tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info = sentinel.clone().set_addr(addr).set_redis_settings(redis.clone());
        Ok(with_keepalive(info))
    }

    /// Whether the Sentinels name another server. If none of them answers, nothing is known, and
    /// a connection that works is kept.
    async fn has_moved(&self, connected: &Connected) -> bool {
        match &self.address.deployment {
            Deployment::Sentinel { .. } => {
                self.server().await.is_ok_and(|now| *now.addr() != connected.to)
            }
            Deployment::Server(_) => false,
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { .. } | Deployment::Member(_) => false,
        }
    }

    /// The error as a sentence for operators, who can fix it.
    pub(crate) fn explain(&self, error: &RedisError) -> String {
        let detail = error.detail().unwrap_or_default();
        match error.code() {
            Some("WRONGPASS") if self.address.rest_token => {
                "Redis does not take UPSTASH_REDIS_REST_TOKEN as a password (tokens made with \
                 `ACL RESTTOKEN` and the read-only token are not passwords): set REDIS_URL to the \
                 `rediss://` address that the Upstash console shows"
                    .to_owned()
            }
            Some("WRONGPASS") => "Redis refuses the user name or password".to_owned(),
            Some("NOAUTH") => "Redis wants a password: write it into REDIS_URL, as \
                               `redis://:password@host`"
                .to_owned(),
            code if is_refused_history(code, detail) => format!(
                "Redis does not permit to this user what rooms with history need ({detail}): it \
                 needs {} and {HISTORY_PERMISSIONS}, the channels `&<prefix>:*` and the keys \
                 `~{{<prefix>:*`",
                self.permissions(),
            ),
            Some("NOPERM") => format!(
                "Redis does not permit it to this user ({}); it needs {} and the channels \
                 `&<prefix>:*`",
                error.detail().unwrap_or("NOPERM"),
                self.permissions(),
            ),
            Some("NOPROTO") => NO_RESP3.to_owned(),
            _ if error.kind() == ErrorKind::RESP3NotSupported || is_unknown_hello(detail) => {
                NO_RESP3.to_owned()
            }
            _ if detail.contains("max number of clients") => {
                "Redis has as many connections as it allows: raise its setting `maxclients`"
                    .to_owned()
            }
            _ if error.is_timeout() => "no answer in time".to_owned(),
            Some(code) if !error.is_io_error() => format!("Redis answers `{code} {detail}`"),
            _ => error.to_string(),
        }
    }

    /// As [`explain`](Self::explain), for a connection that was closed at once. Redis then says why
    /// before it is asked anything, and a client that writes first may never read it.
    async fn explain_unconnected(&self, error: &RedisError, to: &ConnectionAddr) -> String {
        let ConnectionAddr::Tcp(host, port) = to else { return self.explain(error) };
        let was_closed = error.is_io_error() && !error.is_connection_refusal();
        if !was_closed || error.is_timeout() {
            return self.explain(error);
        }
        match timeout(FAREWELL, farewell(host, *port)).await {
            Ok(Some(why)) => self.explain(&why),
            _ => self.explain(error),
        }
    }

    fn permissions(&self) -> &'static str {
        match self.address.deployment {
            Deployment::Server(_) | Deployment::Sentinel { .. } => PERMISSIONS,
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { .. } | Deployment::Member(_) => CLUSTER_PERMISSIONS,
        }
    }
}

/// Whether the server answered, with an error. It is alive then, and the connection works. A
/// missing authentication is an exception: it is made up for with a new connection.
pub(crate) fn is_reply(error: &RedisError) -> bool {
    error.code().is_some_and(|code| code != "NOAUTH") && !error.is_io_error()
}

/// The error of a server that closes connections as soon as it accepts them.
async fn farewell(host: &str, port: u16) -> Option<RedisError> {
    let mut stream = TcpStream::connect((host, port)).await.ok()?;
    let mut said = Vec::new();
    // It ends with the connection, or with an error that is of no interest.
    let _ = (&mut stream).take(MAX_FAREWELL).read_to_end(&mut said).await;
    ::redis::parse_redis_value(&said).ok()?.extract_error().err()
}

/// Whether a script was refused, or a command in it. The wording differs between servers.
fn is_refused_history(code: Option<&str>, detail: &str) -> bool {
    let is_script = |said: &str| said.contains("eval") || said.contains(" key");
    code == Some("NOPERM") && is_script(detail)
        || detail.contains("ACL failure in script")
        || detail.contains("The user executing the script")
}

/// Servers differ in how they quote and spell an unknown command.
fn is_unknown_hello(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    detail.contains("unknown command") && detail.contains("hello")
}

fn text(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(text) => Some(text),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(reply: &str) -> String {
        let link = Link {
            address: Address::parse("redis://host").unwrap(),
            answer: Duration::from_secs(1),
            form: Form::Bytes,
        };
        let value = ::redis::parse_redis_value(format!("{reply}\r\n").as_bytes()).unwrap();
        link.explain(&value.extract_error().unwrap_err())
    }

    #[test]
    fn a_server_without_resp3_is_said_to_be_one_however_it_says_so() {
        for reply in [
            "-ERR unknown command `HELLO`, with args beginning with: `3`, ",
            "-ERR unknown command 'HELLO', with args beginning with: '3'",
            "-ERR unknown command 'hello'",
            "-NOPROTO unsupported protocol version",
        ] {
            assert_eq!(explained(reply), NO_RESP3, "{reply}");
        }
        assert_ne!(explained("-ERR unknown command 'SPUBLISH'"), NO_RESP3);
    }

    #[test]
    fn a_script_that_is_not_permitted_names_the_rights_however_the_server_says_so() {
        for reply in [
            "-NOPERM User chat has no permissions to run the 'evalsha' command",
            "-NOPERM this user has no permissions to run the 'eval' command or its subcommand",
            "-NOPERM No permissions to access a key",
            "-ERR ACL failure in script: User chat has no permissions to run the 'rpush' command",
            "-ERR The user executing the script can't run this command or subcommand",
        ] {
            let why = explained(reply);
            for named in ["+publish", "+evalsha", "+rpush", "`~{<prefix>:*`"] {
                assert!(why.contains(named), "{reply}: {why}");
            }
        }
        let why = explained("-NOPERM User chat has no permissions to run the 'publish' command");
        assert!(!why.contains("history"), "{why}");
    }

    #[test]
    fn a_full_server_says_which_setting_limits_it() {
        let why = explained("-ERR max number of clients reached");
        assert!(why.contains("`maxclients`"), "{why}");
    }
}
