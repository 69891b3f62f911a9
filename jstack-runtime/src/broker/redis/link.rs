//! Connecting to Redis: once asked, until it fails; who asks tries again.

use std::collections::HashMap;
use std::time::Duration;

use ::redis::aio::{AsyncPushSender, MultiplexedConnection};
use ::redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError,
    RedisResult, Value,
};
use tokio::time::timeout;

use super::address::{Address, Place};

/// How long one attempt may take, with TLS and greeting.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a Sentinel may take to answer.
const SENTINEL: Duration = Duration::from_millis(500);
/// How often Sentinels are asked at least.
const SENTINEL_HEARTBEAT: Duration = Duration::from_secs(1);
/// Waits between attempts double from the first to the second.
const WAIT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a user must be permitted.
const PERMISSIONS: &str = "`+subscribe +unsubscribe +publish +ping +hello`";
#[cfg(feature = "redis-cluster")]
const CLUSTER_PERMISSIONS: &str =
    "`+ssubscribe +sunsubscribe +spublish +ping +hello +cluster|info +cluster|slots`";
/// What to write instead of an address of one server.
const A_CLUSTER: &str = "this server belongs to a Redis Cluster: write `redis+cluster://` into \
                         REDIS_URL (feature `redis-cluster` of jstack-runtime)";
/// What to write instead of an address of a cluster.
#[cfg(feature = "redis-cluster")]
const NO_CLUSTER: &str = "this server belongs to no Redis Cluster: write `redis://` into REDIS_URL";

/// How to reach Redis.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) address: Address,
    /// How long an answer may take on an open connection.
    pub(super) answer: Duration,
}

/// An open connection, and to whom.
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    to: ConnectionAddr,
}

impl Link {
    /// How often to look after a connection, where `heartbeat` was asked for. Sentinels are asked
    /// more often: a server that is no longer the master answers as before.
    pub(super) fn heartbeat(&self, heartbeat: Duration) -> Duration {
        match self.address.place {
            Place::Sentinel { .. } => heartbeat.min(SENTINEL_HEARTBEAT),
            Place::Server(_) => heartbeat,
            #[cfg(feature = "redis-cluster")]
            Place::Cluster { .. } | Place::Member(_) => heartbeat,
        }
    }

    /// Connects, and hands what Redis says of itself to `push`. Fails with a sentence.
    pub(super) async fn connect(&self, push: impl AsyncPushSender) -> Result<Connected, String> {
        let attempt = async {
            let info = self.server().await?;
            let to = info.addr().clone();
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(Some(self.answer))
                .set_push_sender(push);
            let client = Client::open(info).map_err(|error| self.explain(&error))?;
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await
                .map_err(|error| self.explain(&error))?;
            self.check_mode(&mut connection).await?;
            Ok(Connected { connection, to })
        };
        match timeout(ATTEMPT, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", ATTEMPT.as_secs())),
        }
    }

    /// Whether the connection is still to the server that it should be to.
    pub(super) async fn is_current(&self, connected: &Connected) -> bool {
        match &self.address.place {
            // Sentinels that do not answer are no reason to give up a connection that works.
            Place::Sentinel { .. } => {
                self.server().await.is_ok_and(|now| *now.addr() == connected.to)
            }
            Place::Server(_) => true,
            #[cfg(feature = "redis-cluster")]
            Place::Cluster { .. } | Place::Member(_) => true,
        }
    }

    /// Refuses a cluster where one server is spoken of, and one server where a cluster is.
    async fn check_mode(&self, connection: &mut MultiplexedConnection) -> Result<(), String> {
        let mut hello = ::redis::cmd("HELLO");
        let hello = hello.arg(3).query_async::<HashMap<String, Value>>(connection).await;
        let hello = hello.unwrap_or_default();
        // Who does not say so, as some services, is taken for what it is said to be.
        let Some(Value::BulkString(mode)) = hello.get("mode") else { return Ok(()) };
        let is_cluster = mode == b"cluster";
        #[cfg(feature = "redis-cluster")]
        if matches!(self.address.place, Place::Member(_)) {
            return if is_cluster { Ok(()) } else { Err(NO_CLUSTER.to_owned()) };
        }
        if !is_cluster {
            return Ok(());
        }
        // Services that have the word but not the thing do not know the command either.
        let info = ::redis::cmd("CLUSTER").arg("INFO").query_async::<String>(connection).await;
        match info {
            Ok(info) if info.contains("cluster_state") => Err(A_CLUSTER.to_owned()),
            Err(error) if error.code() == Some("NOPERM") => Err(A_CLUSTER.to_owned()),
            _ => Ok(()),
        }
    }

    async fn server(&self) -> Result<ConnectionInfo, String> {
        let (sentinels, group, redis, tls) = match &self.address.place {
            Place::Server(info) => return Ok(info.clone().set_tcp_settings(tcp())),
            Place::Sentinel { sentinels, group, redis, tls } => (sentinels, group, redis, *tls),
            #[cfg(feature = "redis-cluster")]
            Place::Cluster { like: info, .. } | Place::Member(info) => {
                return Ok(info.clone().set_tcp_settings(tcp()));
            }
        };
        let mut trouble = "there are no Sentinels".to_owned();
        for sentinel in sentinels {
            match timeout(SENTINEL, ask(sentinel, group)).await {
                Ok(Ok(Some((host, port)))) => {
                    let addr = if tls {
                        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
                    } else {
                        ConnectionAddr::Tcp(host, port)
                    };
                    let info = sentinel.clone().set_addr(addr).set_redis_settings(redis.clone());
                    return Ok(info.set_tcp_settings(tcp()));
                }
                Ok(Ok(None)) => trouble = format!("the Sentinels know no group `{group}`"),
                Ok(Err(error)) => {
                    trouble = format!("Sentinel {}: {}", sentinel.addr(), self.explain(&error));
                }
                Err(_) => trouble = format!("Sentinel {} does not answer", sentinel.addr()),
            }
        }
        Err(trouble)
    }

    /// The error as a sentence for who can mend it.
    pub(super) fn explain(&self, error: &RedisError) -> String {
        match error.code() {
            Some("WRONGPASS") if self.address.rest_token => {
                "Redis does not take UPSTASH_REDIS_REST_TOKEN as a password (tokens made with \
                 `ACL RESTTOKEN` and the read-only token are none): set REDIS_URL to the \
                 `rediss://` address that the Upstash console shows"
                    .to_owned()
            }
            Some("WRONGPASS") => "Redis refuses the user name or password".to_owned(),
            Some("NOAUTH") => "Redis wants a password: write it into REDIS_URL, as \
                               `redis://:password@host`"
                .to_owned(),
            Some("NOPERM") => format!(
                "Redis does not permit it to this user ({}); it needs {} and the channels \
                 `&<prefix>:*`",
                error.detail().unwrap_or("NOPERM"),
                match self.address.place {
                    Place::Server(_) | Place::Sentinel { .. } => PERMISSIONS,
                    #[cfg(feature = "redis-cluster")]
                    Place::Cluster { .. } | Place::Member(_) => CLUSTER_PERMISSIONS,
                }
            ),
            _ if error.kind() == ErrorKind::RESP3NotSupported => {
                "it does not speak RESP3: Redis 6 or later is needed".to_owned()
            }
            _ if error.is_timeout() => "no answer in time".to_owned(),
            _ => error.to_string(),
        }
    }
}

/// The server that a Sentinel holds for the master, if that server thinks so too.
async fn ask(sentinel: &ConnectionInfo, group: &str) -> RedisResult<Option<(String, u16)>> {
    let client = Client::open(sentinel.clone().set_tcp_settings(tcp()))?;
    let config = AsyncConnectionConfig::new().set_connection_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    ::redis::cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(group)
        .query_async(&mut connection)
        .await
}

/// A peer that is gone without a word is noticed, by the kernel too.
fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(3))
        .with_retries(3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(10));
    settings
}

/// Waits between attempts: they grow, and differ from process to process.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait before the next attempt.
    pub(super) fn next(&mut self) -> Duration {
        use std::hash::{BuildHasher, RandomState};

        let (first, most) = WAIT;
        let whole = first.saturating_mul(1 << self.failures.min(10)).min(most);
        self.failures += 1;
        let random = RandomState::new().hash_one(self.failures) % 512;
        // Between half and all of it.
        whole * u32::try_from(512 + random).unwrap_or(512) / 1024
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}
