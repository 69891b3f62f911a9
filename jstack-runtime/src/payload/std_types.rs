//! Types of the standard library and of `serde_json` as payloads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::{self, Display};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::{Issues, Payload};

macro_rules! plain {
    ($($type:ty)*) => { $( impl Payload for $type {} )* };
}

plain! {
    () bool char String Value
    u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
    std::num::NonZeroU8 std::num::NonZeroU16 std::num::NonZeroU32 std::num::NonZeroU64
    std::num::NonZeroU128 std::num::NonZeroUsize
    std::num::NonZeroI8 std::num::NonZeroI16 std::num::NonZeroI32 std::num::NonZeroI64
    std::num::NonZeroI128 std::num::NonZeroIsize
    std::net::IpAddr std::net::Ipv4Addr std::net::Ipv6Addr std::net::SocketAddr
    std::time::Duration std::time::SystemTime std::path::PathBuf
    str &'static str serde_json::Number serde_json::Map<String, Value>
}

macro_rules! inside {
    ($($type:ident)*) => { $(
        impl<T: Payload + ?Sized> Payload for $type<T> {
            fn check(&self, issues: &mut Issues) {
                (**self).check(issues);
            }
        }
    )* };
}

inside! { Box Arc }

impl<T: Payload> Payload for Option<T> {
    fn check(&self, issues: &mut Issues) {
        if let Some(value) = self {
            value.check(issues);
        }
    }
}

/// Every element of a sequence, by its index.
fn each<'a, T: Payload>(items: impl IntoIterator<Item = &'a T>, issues: &mut Issues) {
    for (index, item) in items.into_iter().enumerate() {
        issues.element(index, |issues| item.check(issues));
    }
}

impl<T: Payload> Payload for Vec<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for [T] {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for VecDeque<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for LinkedList<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload + Ord> Payload for BinaryHeap<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload> Payload for Range<T> {
    fn check(&self, issues: &mut Issues) {
        issues.field("start", |issues| self.start.check(issues));
        issues.field("end", |issues| self.end.check(issues));
    }
}

impl<T: Payload> Payload for RangeInclusive<T> {
    fn check(&self, issues: &mut Issues) {
        issues.field("start", |issues| self.start().check(issues));
        issues.field("end", |issues| self.end().check(issues));
    }
}

impl<T: Payload + Ord> Payload for BTreeSet<T> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload + Eq + Hash, S: BuildHasher + Send + Sync + 'static> Payload for HashSet<T, S> {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<T: Payload, const N: usize> Payload for [T; N] {
    fn check(&self, issues: &mut Issues) {
        each(self, issues);
    }
}

impl<B> Payload for Cow<'static, B>
where
    B: Payload + ToOwned<Owned: Send + Sync> + ?Sized,
{
    fn check(&self, issues: &mut Issues) {
        (**self).check(issues);
    }
}

impl<T: Send + Sync + ?Sized + 'static> Payload for PhantomData<T> {}

/// The key of a map as it travels.
struct Key<'a, K>(&'a K);

impl<K: Serialize> Display for Key<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self.0) {
            Ok(Value::String(key)) => f.write_str(&key),
            Ok(key) => key.fmt(f),
            Err(_) => f.write_str("?"),
        }
    }
}

impl<K, T: Payload> Payload for BTreeMap<K, T>
where
    K: Serialize + Ord + Send + Sync + 'static,
{
    fn check(&self, issues: &mut Issues) {
        for (key, value) in self {
            issues.key(Key(key), |issues| value.check(issues));
        }
    }
}

impl<K, T: Payload, S: Send + Sync + 'static> Payload for HashMap<K, T, S>
where
    K: Serialize + Eq + Hash + Send + Sync + 'static,
{
    fn check(&self, issues: &mut Issues) {
        for (key, value) in self {
            issues.key(Key(key), |issues| value.check(issues));
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt)+))*) => { $(
        impl<$($name: Payload),+> Payload for ($($name,)+) {
            fn check(&self, issues: &mut Issues) {
                $( issues.element($index, |issues| self.$index.check(issues)); )+
            }
        }
    )* };
}

tuples! { (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) (A 0 B 1 C 2 D 3 F 4) (A 0 B 1 C 2 D 3 F 4 G 5) }
