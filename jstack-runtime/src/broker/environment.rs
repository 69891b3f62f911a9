//! Choosing the broker is one variable.

use std::sync::Arc;

use super::Broker;
use crate::error::BoxError;

/// The broker that the environment asks for: `REDIS_URL`, or the pair that `JStack` and Upstash
/// know, `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`. `None` if it asks for none.
///
/// Fails if what it asks for cannot be had: serving alone would split the application silently.
pub(crate) fn from_environment(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Arc<dyn Broker>>, BoxError> {
    let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let url = set("REDIS_URL");
    let upstash = set("UPSTASH_REDIS_REST_URL");
    match (url, upstash) {
        (None, None) => Ok(None),
        (url, upstash) => redis(url, upstash, &set).map(Some),
    }
}

#[cfg(feature = "redis")]
fn redis(
    url: Option<String>,
    upstash: Option<String>,
    set: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<dyn Broker>, BoxError> {
    use super::Redis;

    let mut redis = match (url, upstash) {
        (Some(url), _) => Redis::new(&url).map_err(|error| format!("REDIS_URL: {error}"))?,
        (None, rest) => {
            let port = match set("UPSTASH_REDIS_PORT") {
                None => 6379,
                Some(port) => port.trim().parse().map_err(|_| {
                    format!("UPSTASH_REDIS_PORT must be a port from 1 to 65535, not `{port}`")
                })?,
            };
            let token = set("UPSTASH_REDIS_REST_TOKEN").unwrap_or_default();
            Redis::upstash(&rest.unwrap_or_default(), &token, port)?
        }
    };
    if let Some(prefix) = set("JSTACK_REDIS_PREFIX") {
        redis = redis.prefix(prefix.trim());
    }
    let millis = |name: &str| match set(name) {
        None => Ok(None),
        Some(value) => match duration(&value) {
            Some(duration) => Ok(Some(duration)),
            None => Err(format!("{name} must be a time such as `500ms` or `3s`, not `{value}`")),
        },
    };
    if let Some(deadline) = millis("JSTACK_REDIS_DEADLINE")? {
        redis = redis.deadline(deadline);
    }
    if let Some(heartbeat) = millis("JSTACK_REDIS_HEARTBEAT")? {
        redis = redis.heartbeat(heartbeat);
    }
    Ok(Arc::new(redis))
}

/// `500ms`, `3s`, or a bare number of seconds; never nothing.
#[cfg(feature = "redis")]
fn duration(text: &str) -> Option<std::time::Duration> {
    use std::time::Duration;

    let text = text.trim();
    let duration = match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.trim().parse().ok()?),
        None => Duration::from_secs(text.strip_suffix('s').unwrap_or(text).trim().parse().ok()?),
    };
    (!duration.is_zero()).then_some(duration)
}

#[cfg(not(feature = "redis"))]
fn redis(
    url: Option<String>,
    _: Option<String>,
    _: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<dyn Broker>, BoxError> {
    let features = |url: &str| match url.split("://").next() {
        Some("redis+cluster") => "\"redis-cluster\"",
        Some("rediss+cluster") => "\"redis-cluster\", \"redis-tls\"",
        Some(scheme) if scheme.starts_with("rediss") => "\"redis-tls\"",
        _ => "\"redis\"",
    };
    let (name, features) = match url {
        Some(url) => ("REDIS_URL", features(url.trim_start())),
        None => ("UPSTASH_REDIS_REST_URL", "\"redis-tls\""),
    };
    Err(format!(
        "{name} is set, but this program was built without Redis: write \
         `jstack-runtime = {{ version = \"…\", features = [{features}] }}` in Cargo.toml, or unset it"
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Option<String>, String> {
        let lookup =
            |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned());
        match from_environment(&lookup) {
            Ok(broker) => Ok(broker.map(|broker| broker.describe())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn no_variable_and_empty_variables_ask_for_no_broker() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("REDIS_URL", ""), ("UPSTASH_REDIS_REST_URL", " ")]), Ok(None));
    }

    #[test]
    #[cfg(not(feature = "redis"))]
    fn redis_without_the_feature_is_an_error_that_names_it() {
        let error = of(&[("REDIS_URL", "redis://:s3cret@h")]).unwrap_err();
        assert!(error.contains("[\"redis\"]") && !error.contains("s3cret"), "{error}");
        let error = of(&[("UPSTASH_REDIS_REST_URL", "https://x.upstash.io")]).unwrap_err();
        assert!(error.contains("[\"redis-tls\"]"), "{error}");
        let error = of(&[("REDIS_URL", "rediss+cluster://h")]).unwrap_err();
        assert!(error.contains("[\"redis-cluster\", \"redis-tls\"]"), "{error}");
    }

    #[test]
    #[cfg(feature = "redis")]
    fn the_variables_choose_redis_and_its_prefix() {
        let described =
            of(&[("REDIS_URL", "redis://me:s3cret@h"), ("JSTACK_REDIS_PREFIX", "shop")]);
        assert_eq!(described, Ok(Some("redis://me:***@h:6379, channels `shop:*`".to_owned())));
    }

    #[test]
    #[cfg(feature = "redis")]
    fn what_cannot_be_read_is_an_error_that_names_the_variable() {
        for (name, value) in [
            ("REDIS_URL", "localhost"),
            ("JSTACK_REDIS_DEADLINE", "soon"),
            ("JSTACK_REDIS_HEARTBEAT", "0"),
        ] {
            let error = of(&[(name, value), ("REDIS_URL", "redis://h")]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn upstash_variables_are_mapped_to_its_tls_endpoint() {
        let pair = [
            ("UPSTASH_REDIS_REST_URL", "https://eu1-x.upstash.io"),
            ("UPSTASH_REDIS_REST_TOKEN", "s3cret"),
            ("UPSTASH_REDIS_PORT", "6380"),
        ];
        let described = of(&pair).unwrap().unwrap();
        assert!(described.starts_with("rediss://eu1-x.upstash.io:6380"), "{described}");
        assert!(of(&pair[..1]).unwrap_err().contains("UPSTASH_REDIS_REST_TOKEN"));
    }
}
