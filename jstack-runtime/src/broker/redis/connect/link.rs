//! One attempt to connect to Redis, and what its errors mean for operators.

use std::collections::HashMap;
use std::time::Duration;

use ::redis::aio::{AsyncPushSender, MultiplexedConnection};
use ::redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError,
    RedisResult, Value,
};
use tokio::time::timeout;

use super::address::{Address, Deployment};

/// How long one attempt may take, including TLS and the handshake.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a Sentinel may take to answer.
const SENTINEL: Duration = Duration::from_millis(500);
/// The longest time between two questions to the Sentinels.
const SENTINEL_HEARTBEAT: Duration = Duration::from_secs(1);

/// The commands that an ACL must allow.
const PERMISSIONS: &str = "`+subscribe +unsubscribe +publish +ping +hello`";
#[cfg(feature = "redis-cluster")]
const CLUSTER_PERMISSIONS: &str =
    "`+ssubscribe +sunsubscribe +spublish +ping +hello +cluster|info +cluster|slots`";
/// The error of `redis://` that leads to a cluster.
const A_CLUSTER: &str = "this server belongs to a Redis Cluster: write `redis+cluster://` into \
                         REDIS_URL (feature `redis-cluster` of jstack-runtime)";
/// The error of `redis+cluster://` that leads to a stand-alone server.
#[cfg(feature = "redis-cluster")]
const NO_CLUSTER: &str =
    "this server does not belong to a Redis Cluster: write `redis://` into REDIS_URL";

/// How to reach Redis.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) address: Address,
    /// How long an answer may take on an open connection.
    pub(crate) answer: Duration,
}

/// An open connection, and the server that it leads to.
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    to: ConnectionAddr,
}

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

    /// Whether the connection still leads to the right server.
    pub(crate) async fn is_current(&self, connected: &Connected) -> bool {
        match &self.address.deployment {
            // Sentinels that do not answer are no reason to give up a connection that works.
            Deployment::Sentinel { .. } => {
                self.server().await.is_ok_and(|now| *now.addr() == connected.to)
            }
            Deployment::Server(_) => true,
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { .. } | Deployment::Member(_) => true,
        }
    }

    /// Refuses a cluster where the address means one server, and the reverse.
    async fn check_mode(&self, connection: &mut MultiplexedConnection) -> Result<(), String> {
        let mut hello = ::redis::cmd("HELLO");
        let hello = hello.arg(3).query_async::<HashMap<String, Value>>(connection).await;
        let hello = hello.unwrap_or_default();
        // Some services do not report a mode; the address is believed then.
        let Some(Value::BulkString(mode)) = hello.get("mode") else { return Ok(()) };
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

    async fn server(&self) -> Result<ConnectionInfo, String> {
        let (sentinels, group, redis, tls) = match &self.address.deployment {
            Deployment::Server(info) => return Ok(info.clone().set_tcp_settings(tcp())),
            Deployment::Sentinel { sentinels, group, redis, tls } => {
                (sentinels, group, redis, *tls)
            }
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster { like: info, .. } | Deployment::Member(info) => {
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

    /// The error as a sentence for operators, who can fix it.
    pub(crate) fn explain(&self, error: &RedisError) -> String {
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
                match self.address.deployment {
                    Deployment::Server(_) | Deployment::Sentinel { .. } => PERMISSIONS,
                    #[cfg(feature = "redis-cluster")]
                    Deployment::Cluster { .. } | Deployment::Member(_) => CLUSTER_PERMISSIONS,
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

/// The master by the word of one Sentinel.
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

/// Settings with which the kernel, too, notices a silent peer.
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
