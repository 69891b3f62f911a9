//! An open connection to a server, and which server that is.

use std::fmt;

use ::redis::RedisResult;
use ::redis::aio::MultiplexedConnection;
use tokio::sync::OnceCell;

use crate::broker::redis::connect::is_reply;
use crate::observe;

/// An open connection that scripts may be sent on.
pub(crate) struct ServerLink {
    connection: MultiplexedConnection,
    replication_id: OnceCell<String>,
}

impl ServerLink {
    pub(crate) fn new(connection: MultiplexedConnection) -> Self {
        Self { connection, replication_id: OnceCell::new() }
    }

    pub(crate) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Names the line of data that the server has as its master. It changes when the server is
    /// restarted, and when a replica is promoted: both may lack the latest messages, and their logs
    /// begin another epoch. Empty if the server does not say.
    pub(crate) async fn replication_id(&self) -> RedisResult<&str> {
        let ask = || async {
            let mut info = ::redis::cmd("INFO");
            info.arg("replication");
            match info.query_async::<String>(&mut self.connection()).await {
                Ok(info) => Ok(replication_id(&info).unwrap_or_default().to_owned()),
                Err(error) if is_reply(&error) => {
                    observe::warning!(
                        why = %error,
                        "Redis does not say which server it is (it needs `+info`): a failover that \
                         loses messages of rooms with history is not noticed"
                    );
                    Ok(String::new())
                }
                Err(error) => Err(error),
            }
        };
        self.replication_id.get_or_try_init(ask).await.map(String::as_str)
    }
}

fn replication_id(info: &str) -> Option<&str> {
    info.lines().find_map(|line| line.strip_prefix("master_replid:")).map(str::trim)
}

impl fmt::Debug for ServerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLink").field("id", &self.replication_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replication_id_is_found_among_what_a_server_says() {
        let info = "# Replication\r\nrole:master\r\nmaster_replid:ab12\r\nmaster_replid2:00\r\n";
        assert_eq!(replication_id(info), Some("ab12"));
        assert_eq!(replication_id("role:master\r\n"), None);
    }
}
