//! The topology of a cluster, as one of its servers reports it.

use std::fmt;
use std::ops::RangeInclusive;

use ::redis::aio::MultiplexedConnection;
use ::redis::{FromRedisValue, RedisResult, Value, pipe};

use crate::broker::redis::connect::host_and_port;
use crate::broker::redis::route::SLOTS;

/// A server of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClusterNode {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Display for ClusterNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&host_and_port(&self.host, self.port))
    }
}

impl ClusterNode {
    /// Reads `host:port`. An empty host is that of the server that was asked.
    pub(crate) fn parse(address: &str, asked: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self::new(host, port.parse().ok()?, asked)
    }

    fn new(host: &str, port: u16, asked: &str) -> Option<Self> {
        let host = match host {
            "" => asked,
            // The server knows of another one, and not its address.
            "?" => return None,
            host => host,
        };
        Some(Self { host: host.to_owned(), port })
    }
}

/// The topology of the cluster, as one server reports it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterTopology {
    /// Grows with every failover and every slot that moves. A server that was cut off has an old one.
    pub(crate) epoch: u64,
    /// Ranges of slots and the master of each.
    pub(crate) masters: Vec<(RangeInclusive<usize>, ClusterNode)>,
    /// Every server that it names, masters first.
    pub(crate) nodes: Vec<ClusterNode>,
}

impl ClusterTopology {
    /// Asks the server at the host `asked`.
    pub(crate) async fn of(
        connection: &mut MultiplexedConnection,
        asked: &str,
    ) -> RedisResult<Self> {
        let mut ask = pipe();
        ask.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
        let (info, slots): (String, Value) = ask.query_async(connection).await?;
        Ok(Self::read(&info, &slots, asked))
    }

    /// Reads the answers to `CLUSTER INFO` and `CLUSTER SLOTS`. Leaves out what is not as
    /// documented.
    fn read(info: &str, slots: &Value, asked: &str) -> Self {
        let epoch = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
        let epoch = epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0);
        let mut topology = Self { epoch, ..Self::default() };
        let mut replicas = Vec::new();
        let Value::Array(ranges) = slots else { return topology };
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
                topology.masters.push((first..=last, master.clone()));
                topology.nodes.push(master);
            }
            replicas.extend(nodes.flatten());
        }
        topology.nodes.extend(replicas);
        topology
    }
}

fn read_node(node: &Value, asked: &str) -> Option<ClusterNode> {
    let Value::Array(parts) = node else { return None };
    let [host, Value::Int(port), ..] = parts.as_slice() else { return None };
    let host = Option::<String>::from_redis_value_ref(host).ok()?.unwrap_or_default();
    ClusterNode::new(&host, u16::try_from(*port).ok()?, asked)
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

    fn at(host: &str, port: u16) -> ClusterNode {
        ClusterNode { host: host.to_owned(), port }
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
        let topology = ClusterTopology::read(
            "cluster_state:ok\r\ncluster_current_epoch:6\r\n",
            &slots,
            "10.0.0.1",
        );
        let expected = ClusterTopology {
            epoch: 6,
            masters: vec![
                (0..=5_460, at("10.0.0.1", 7_000)),
                (5_461..=16_383, at("redis-1.example", 7_001)),
            ],
            nodes: vec![at("10.0.0.1", 7_000), at("redis-1.example", 7_001), at("10.0.0.4", 7_003)],
        };
        assert_eq!(topology, expected);
    }

    #[test]
    fn a_redirection_names_a_server() {
        assert_eq!(ClusterNode::parse("127.0.0.1:7001", "x"), Some(at("127.0.0.1", 7_001)));
        assert_eq!(ClusterNode::parse(":7001", "x"), Some(at("x", 7_001)));
        assert_eq!(ClusterNode::parse("::1:7001", "x"), Some(at("::1", 7_001)));
        assert_eq!(at("::1", 7_001).to_string(), "[::1]:7001");
        assert_eq!(ClusterNode::parse("?:7001", "x"), None);
        assert_eq!(ClusterNode::parse("nonsense", "x"), None);
    }
}
