//! Redis Cluster: finds out which server carries which channel, and keeps the connections and the
//! route up to date.

mod dialect;
mod redirects;
mod topology;
mod watcher;

pub(super) use watcher::TopologyWatcher;
