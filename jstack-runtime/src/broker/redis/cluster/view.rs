//! What one server of a cluster says of all of them.

use std::fmt;
use std::ops::RangeInclusive;

use ::redis::aio::MultiplexedConnection;
use ::redis::{FromRedisValue, RedisResult, Value, pipe};

use crate::broker::redis::route::SLOTS;

/// A server of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Node {
    /// Reads `host:port`, where an empty host is that of who says it.
    pub(super) fn parse(address: &str, asked: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self::new(host, port.parse().ok()?, asked)
    }

    fn new(host: &str, port: u16, asked: &str) -> Option<Self> {
        let host = match host {
            "" => asked,
            // It knows of a server, and not where it is.
            "?" => return None,
            host => host,
        };
        Some(Self { host: host.to_owned(), port })
    }
}

/// What a server holds for true.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// It grows with every failover and every slot that moves; who was cut off has an old one.
    pub(super) epoch: u64,
    /// Slots and their master.
    pub(super) masters: Vec<(RangeInclusive<usize>, Node)>,
    /// Every server that is named, masters first.
    pub(super) nodes: Vec<Node>,
}

impl View {
    /// Asks the server at `asked`.
    pub(super) async fn of(
        connection: &mut MultiplexedConnection,
        asked: &str,
    ) -> RedisResult<Self> {
        let mut ask = pipe();
        ask.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
        let (info, slots): (String, Value) = ask.query_async(connection).await?;
        Ok(Self::read(&info, &slots, asked))
    }

    /// Reads the answers to `CLUSTER INFO` and `CLUSTER SLOTS`; what is not as documented is
    /// left out.
    fn read(info: &str, slots: &Value, asked: &str) -> Self {
        let epoch = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
        let epoch = epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0);
        let mut view = Self { epoch, ..Self::default() };
        let mut replicas = Vec::new();
        let Value::Array(ranges) = slots else { return view };
        for range in ranges {
            let Value::Array(parts) = range else { continue };
            let [Value::Int(first), Value::Int(last), nodes @ ..] = parts.as_slice() else {
                continue;
            };
            let (Ok(first), Ok(last)) = (usize::try_from(*first), usize::try_from(*last)) else {
                continue;
            };
            let last = last.min(SLOTS - 1);
            if first > last {
                continue;
            }
            let mut nodes = nodes.iter().map(|node| read_node(node, asked));
            if let Some(Some(master)) = nodes.next() {
                view.masters.push((first..=last, master.clone()));
                view.nodes.push(master);
            }
            replicas.extend(nodes.flatten());
        }
        view.nodes.extend(replicas);
        view
    }
}

fn read_node(node: &Value, asked: &str) -> Option<Node> {
    let Value::Array(parts) = node else { return None };
    let [host, Value::Int(port), ..] = parts.as_slice() else { return None };
    let host = Option::<String>::from_redis_value_ref(host).ok()?.unwrap_or_default();
    Node::new(&host, u16::try_from(*port).ok()?, asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), text("an id"), Value::Array(vec![])])
    }

    fn at(host: &str, port: u16) -> Node {
        Node { host: host.to_owned(), port }
    }

    #[test]
    fn masters_come_first_and_a_server_without_a_host_is_the_one_that_was_asked() {
        let range = |first, last, nodes: Vec<Value>| {
            Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
        };
        let slots = Value::Array(vec![
            range(0, 5_460, vec![node(Value::Nil, 7_000), node(text("10.0.0.4"), 7_003)]),
            range(5_461, 99_999, vec![node(text("redis-1.example"), 7_001)]),
            range(7, 7, vec![node(text("?"), 7_002)]),
            range(70_000, 80_000, vec![node(text("10.0.0.9"), 7_009)]),
            range(9, 8, vec![node(text("10.0.0.9"), 7_009)]),
            Value::Int(3),
        ]);
        let view =
            View::read("cluster_state:ok\r\ncluster_current_epoch:6\r\n", &slots, "10.0.0.1");
        let expected = View {
            epoch: 6,
            masters: vec![
                (0..=5_460, at("10.0.0.1", 7_000)),
                (5_461..=16_383, at("redis-1.example", 7_001)),
            ],
            nodes: vec![at("10.0.0.1", 7_000), at("redis-1.example", 7_001), at("10.0.0.4", 7_003)],
        };
        assert_eq!(view, expected);
    }

    #[test]
    fn a_redirection_names_a_server() {
        assert_eq!(Node::parse("127.0.0.1:7001", "x"), Some(at("127.0.0.1", 7_001)));
        assert_eq!(Node::parse(":7001", "x"), Some(at("x", 7_001)));
        assert_eq!(Node::parse("::1:7001", "x"), Some(at("::1", 7_001)));
        assert_eq!(Node::parse("?:7001", "x"), None);
        assert_eq!(Node::parse("nonsense", "x"), None);
    }
}
