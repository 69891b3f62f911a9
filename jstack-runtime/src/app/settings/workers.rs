//! Settings on Cloudflare Workers: some mean nothing there, and whoever sets one must know.

use super::broker;
use super::environment::Environment;
use super::setting::{CODE, Setting};
#[cfg(test)]
use super::variables::NON_LIMIT_VARIABLES;
use super::variables::fields;
use crate::limits::Limits;

/// Settings without a meaning there, and why.
const MEANINGLESS: [(&str, &str); 19] = [
    ("JSTACK_QUEUE_BYTES", QUEUE),
    ("JSTACK_QUEUE_FRAMES", QUEUE),
    ("JSTACK_WRITE_TIMEOUT", QUEUE),
    ("JSTACK_CONNECTIONS", "the platform limits connections"),
    ("JSTACK_CONNECTIONS_PER_IP", "the platform limits connections: use its rate limits"),
    ("JSTACK_HEADER_TIMEOUT", "the platform reads heads of requests"),
    ("JSTACK_PONG_TIMEOUT", "a Worker cannot send protocol pings"),
    ("JSTACK_DRAIN_SPREAD", DRAIN),
    ("JSTACK_DRAIN_DEADLINE", DRAIN),
    ("JSTACK_ADDRESS", "the platform has the address"),
    ("JSTACK_TRUSTED_PROXIES", "the edge reports the client's address"),
    ("JSTACK_TLS_CERT", TLS),
    ("JSTACK_TLS_KEY", TLS),
    ("REDIS_URL", REDIS),
    ("JSTACK_REDIS_PREFIX", REDIS),
    ("JSTACK_REDIS_DEADLINE", REDIS),
    ("JSTACK_REDIS_HEARTBEAT", REDIS),
    ("UPSTASH_REDIS_REST_URL", UPSTASH),
    ("UPSTASH_REDIS_REST_TOKEN", UPSTASH),
];

const QUEUE: &str = "the platform keeps the queue of each connection, and does not show it";
const DRAIN: &str = "a Worker is not asked before it ends";
const TLS: &str = "the platform does TLS";
const REDIS: &str = "rooms are in the Durable Object";
const UPSTASH: &str = "it is not needed: rooms are in the Durable Object (servers that share them \
                       need JSTACK_BROKER=upstash)";
/// What means something to Upstash's REST API.
const OF_UPSTASH: [&str; 4] = [
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "JSTACK_REDIS_PREFIX",
    "JSTACK_REDIS_DEADLINE",
];

/// A sentence for each setting that is set and means nothing.
pub(super) fn meaningless(settings: &[Setting], environment: &Environment) -> Vec<String> {
    let mut limits = Limits::default();
    let defaults =
        fields(&mut limits).map(|(name, field)| (format!("JSTACK_{name}"), field.show()));
    let is_set = |name: &str| {
        if let Some(line) = settings.iter().find(|line| line.name == name && line.source == CODE) {
            // Code sets all limits at once: those that it left alone have the default.
            let default = defaults.iter().find(|(other, _)| other == name);
            return line.value != default.map_or("none", |(_, value)| value);
        }
        environment.get(name).is_some()
    };
    let uses_upstash =
        environment.get("JSTACK_BROKER").is_some_and(|(name, _)| name.trim() == broker::UPSTASH);
    MEANINGLESS
        .iter()
        .filter(|(name, _)| is_set(name) && !(uses_upstash && OF_UPSTASH.contains(name)))
        .map(|(name, why)| format!("{name} is set, and means nothing on Cloudflare Workers: {why}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::settings::{Overrides, Settings};
    use crate::net::Proxies;

    #[test]
    fn what_means_nothing_is_named_with_the_reason_wherever_it_was_set() {
        let text = "JSTACK_QUEUE_BYTES=1MiB\nJSTACK_RATE=7\nREDIS_URL=redis://me:s3cret@h\nUPSTASH_REDIS_REST_URL=https://x.upstash.io";
        let sentences = meaningless(&[], &Environment::of(text));
        assert_eq!(sentences.len(), 3, "{sentences:?}");
        for part in ["JSTACK_QUEUE_BYTES is set", "REDIS_URL is set", "it is not needed: rooms"] {
            assert!(sentences.iter().any(|sentence| sentence.contains(part)), "{sentences:?}");
        }
        assert!(!sentences.concat().contains("s3cret"));
    }

    #[test]
    fn what_upstash_needs_means_something_where_it_is_the_broker() {
        let text = "UPSTASH_REDIS_REST_URL=https://x.upstash.io\nUPSTASH_REDIS_REST_TOKEN=t\nJSTACK_REDIS_PREFIX=p\nREDIS_URL=redis://h";
        assert_eq!(meaningless(&[], &Environment::of(text)).len(), 4);
        let text = format!("{text}\nJSTACK_BROKER=upstash");
        let sentences = meaningless(&[], &Environment::of(&text));
        assert_eq!(sentences.len(), 1, "{sentences:?}");
        assert!(sentences[0].starts_with("REDIS_URL is set"), "{sentences:?}");
    }

    #[test]
    fn limits_that_code_left_alone_are_not_named() {
        let wanted = Overrides {
            limits: Some(Limits { rate: 7, queue_frames: 9, ..Limits::default() }),
            proxies: Some(Proxies::list(["10.0.0.0/8"])),
            ..Overrides::default()
        };
        let settings = Settings::resolve(wanted, &Environment::default()).expect("settings");
        let sentences = meaningless(&settings.lines, &Environment::default());
        assert_eq!(sentences.len(), 2, "{sentences:?}");
        assert!(sentences[0].starts_with("JSTACK_QUEUE_FRAMES is set"), "{sentences:?}");
        assert!(sentences[1].starts_with("JSTACK_TRUSTED_PROXIES is set"), "{sentences:?}");
    }

    #[test]
    fn every_name_is_one_that_this_crate_reads() {
        let mut limits = Limits::default();
        let limits = fields(&mut limits).map(|(name, _)| format!("JSTACK_{name}"));
        for (name, _) in MEANINGLESS {
            let known = limits.iter().any(|limit| limit == name)
                || NON_LIMIT_VARIABLES.contains(&name)
                || matches!(
                    name,
                    "REDIS_URL" | "UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN"
                );
            assert!(known, "{name}");
        }
    }
}
