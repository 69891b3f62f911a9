//! Admission: the limits of connections in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::Gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::net::activity::ActiveRequest;

/// Counts connections against the limits.
#[derive(Debug)]
pub(crate) struct Admission {
    most: usize,
    most_per_address: usize,
    open: AtomicUsize,
    /// A keyed hash matters here: remote peers choose the keys.
    addresses: Mutex<HashMap<Network, u32>>,
    empty: Notify,
    gauge: Gauge,
}

/// One client: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6(u128),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            // Providers hand out at least a /64 per customer.
            IpAddr::V6(v6) => Self::V6(v6.to_bits() >> 64),
        }
    }
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitReached {
    /// Of `connections`.
    Server,
    /// Of `connections_per_ip`.
    Address,
}

impl LimitReached {
    /// The answer for the client.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Server => "the server has all the connections that it may have; try again later",
            Self::Address => "too many connections from this address; try again later",
        }
    }
}

/// A permit for one connection, returned when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    counts_in_all: bool,
    network: Option<Network>,
}

/// The permits of a request, and of the WebSocket that it becomes, for its whole life.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionPermits {
    pub(crate) _connection: Arc<Permit>,
    /// Its own permit, if it is a stream of an HTTP/2 connection.
    pub(crate) _stream: Option<Arc<Permit>>,
    pub(crate) _address: Option<Arc<Permit>>,
    pub(crate) _busy: Arc<ActiveRequest>,
}

impl Admission {
    /// `usize::MAX` means no limit.
    pub(crate) fn new(most: usize, most_per_address: usize, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_per_address,
            open: AtomicUsize::new(0),
            addresses: Mutex::default(),
            empty: Notify::new(),
            gauge,
        })
    }

    /// A permit for a connection from `address`, or for a WebSocket that is a stream of one. `None` if
    /// the address is a proxy's, which connects for many clients.
    pub(crate) fn connection(
        self: &Arc<Self>,
        address: Option<IpAddr>,
    ) -> Result<Arc<Permit>, LimitReached> {
        if self.open.fetch_add(1, Ordering::AcqRel) >= self.most {
            self.open.fetch_sub(1, Ordering::AcqRel);
            return Err(LimitReached::Server);
        }
        self.gauge.increment(1);
        // From here on, dropping the permit undoes the count.
        let mut permit = Permit { admission: self.clone(), counts_in_all: true, network: None };
        if let Some(address) = address {
            permit.network = self.enter(address)?;
        }
        Ok(Arc::new(permit))
    }

    /// A permit for a request from `address` through a proxy.
    pub(crate) fn forwarded(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Result<Arc<Permit>, LimitReached> {
        let network = self.enter(address)?;
        Ok(Arc::new(Permit { admission: self.clone(), counts_in_all: false, network }))
    }

    fn enter(&self, address: IpAddr) -> Result<Option<Network>, LimitReached> {
        if self.most_per_address == usize::MAX {
            return Ok(None);
        }
        let network = Network::of(address);
        let mut addresses = self.addresses.lock();
        let count = addresses.entry(network).or_default();
        if *count as usize >= self.most_per_address {
            return Err(LimitReached::Address);
        }
        *count += 1;
        Ok(Some(network))
    }

    fn left(&self) {
        self.gauge.decrement(1);
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.empty.notify_waiters();
        }
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Waits until no connection is open.
    pub(crate) async fn emptied(&self) {
        loop {
            let empty = self.empty.notified();
            if self.open() == 0 {
                return;
            }
            empty.await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(network) = self.network {
            let mut addresses = self.admission.addresses.lock();
            if let Some(count) = addresses.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(&network);
                }
            }
            if addresses.is_empty() {
                addresses.shrink_to_fit();
            }
        }
        if self.counts_in_all {
            self.admission.left();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_place_is_free_again_when_its_holder_is_gone() {
        let admission = Admission::new(2, usize::MAX, Gauge::noop());
        let first = admission.connection(Some(ip("10.0.0.1"))).expect("place");
        let second = admission.connection(Some(ip("10.0.0.1"))).expect("place");
        assert_eq!(admission.connection(None).err(), Some(LimitReached::Server));
        assert_eq!(admission.open(), 2);
        drop(first);
        assert!(admission.connection(None).is_ok());
        drop(second);
        assert_eq!(admission.open(), 0);
    }

    #[test]
    fn an_ipv6_client_is_its_network_and_a_mapped_address_is_its_ipv4() {
        let admission = Admission::new(usize::MAX, 1, Gauge::noop());
        let _six = admission.connection(Some(ip("2001:db8:1:2::1"))).expect("place");
        let same = admission.connection(Some(ip("2001:db8:1:2:ffff::9")));
        assert_eq!(same.err(), Some(LimitReached::Address));
        assert!(admission.connection(Some(ip("2001:db8:1:3::1"))).is_ok());
        let _four = admission.connection(Some(ip("192.0.2.1"))).expect("place");
        assert_eq!(
            admission.connection(Some(ip("::ffff:192.0.2.1"))).err(),
            Some(LimitReached::Address)
        );
    }

    #[test]
    fn a_refusal_for_the_address_gives_the_place_in_all_back() {
        let admission = Admission::new(2, 1, Gauge::noop());
        let _held = admission.connection(Some(ip("127.0.0.1"))).expect("place");
        for _ in 0..5 {
            assert_eq!(
                admission.connection(Some(ip("127.0.0.1"))).err(),
                Some(LimitReached::Address)
            );
        }
        assert_eq!(admission.open(), 1);
        assert!(admission.connection(Some(ip("127.0.0.2"))).is_ok());
    }
}
