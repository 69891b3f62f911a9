//! Chooses the broker from the environment.

use std::sync::Arc;

use super::setting::{CODE, DEFAULT, Setting};
#[cfg(any(feature = "redis", all(feature = "upstash", target_family = "wasm")))]
use super::values::positive_duration;
use crate::broker::{Broker, Memory};
use crate::error::BoxError;
use crate::untrusted::Untrusted;

/// The port of Redis at Upstash, unless `UPSTASH_REDIS_PORT` is set.
#[cfg(feature = "redis")]
const UPSTASH_PORT: u16 = 6379;

/// The variables that ask for Redis. On Workers they have no effect, and a warning is logged.
#[cfg(not(target_family = "wasm"))]
const ASKING: [&str; 2] = ["REDIS_URL", "UPSTASH_REDIS_REST_URL"];
#[cfg(target_family = "wasm")]
const ASKING: [&str; 0] = [];

/// A variable's value and where it was found, if it is set.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<(&'a str, &'static str)>;

/// The broker, and the settings that chose it.
pub(crate) struct Chosen {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) settings: Vec<Setting>,
}

/// The broker of the code, or that of the environment: `REDIS_URL`, or the pair of variables that
/// `JStack` and Upstash use, `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`; otherwise the
/// embedded one. `name` is the application's name and its source.
///
/// Fails if the environment asks for a broker that is not available: serving without it would silently
/// split the application.
pub(crate) fn choose(
    by_code: Option<Box<dyn Broker>>,
    name: (&str, &'static str),
    get: Lookup<'_>,
) -> Result<Chosen, BoxError> {
    let (prefix, prefix_from) = prefix(name, get);
    if let Some(mut broker) = by_code {
        broker.set_name(&prefix);
        let settings = vec![Setting::new("REDIS_URL", "not used", CODE)];
        return Ok(Chosen { broker: Arc::from(broker), settings });
    }
    let upstash = upstash(get)?;
    let asked = ASKING.into_iter().find(|name| get(name).is_some());
    let (mut broker, mut settings) = match (asked, upstash) {
        (Some(variable), _) => redis(variable, upstash.is_some(), get)?,
        (None, Some(_)) => rest(get)?,
        (None, None) => (Box::new(Memory::new()) as Box<dyn Broker>, defaults()),
    };
    broker.set_name(&prefix);
    if cfg!(feature = "redis") || upstash.is_some() {
        settings.push(Setting::new("JSTACK_REDIS_PREFIX", prefix, prefix_from));
    }
    Ok(Chosen { broker: Arc::from(broker), settings })
}

/// The value of `JSTACK_BROKER` for rooms that Workers and servers share through Upstash.
pub(super) const UPSTASH: &str = "upstash";

/// Where `JSTACK_BROKER` asks for Upstash, if it does.
fn upstash(get: Lookup<'_>) -> Result<Option<&'static str>, BoxError> {
    match get("JSTACK_BROKER") {
        None => Ok(None),
        Some((text, from)) if text.trim() == UPSTASH => Ok(Some(from)),
        Some((text, _)) => {
            let text = Untrusted(text);
            Err(format!("JSTACK_BROKER=`{text}`: write `{UPSTASH}`, or unset it").into())
        }
    }
}

/// The prefix of channel names, unless code sets it on the broker: its own variable, or else the
/// application's name.
pub(crate) fn prefix(name: (&str, &'static str), get: Lookup<'_>) -> (String, &'static str) {
    match get("JSTACK_REDIS_PREFIX") {
        Some((prefix, from)) => (prefix.trim().to_owned(), from),
        None => (name.0.to_owned(), if name.1 == DEFAULT { DEFAULT } else { "JSTACK_NAME" }),
    }
}

/// Default values of the Redis settings, for the log at start.
fn defaults() -> Vec<Setting> {
    #[cfg_attr(not(feature = "redis"), allow(unused_mut, reason = "there is nothing to report"))]
    let mut settings = Vec::new();
    #[cfg(feature = "redis")]
    {
        use crate::broker::redis::{DEADLINE, HEARTBEAT};
        settings.push(Setting::new("JSTACK_BROKER", "none", DEFAULT));
        settings.push(Setting::new("REDIS_URL", "none", DEFAULT));
        settings.push(Setting::new("JSTACK_REDIS_DEADLINE", format!("{DEADLINE:?}"), DEFAULT));
        settings.push(Setting::new("JSTACK_REDIS_HEARTBEAT", format!("{HEARTBEAT:?}"), DEFAULT));
    }
    #[cfg(feature = "redis-tls")]
    {
        settings.push(Setting::new("UPSTASH_REDIS_REST_URL", "none", DEFAULT));
        settings.push(Setting::new("UPSTASH_REDIS_REST_TOKEN", "none", DEFAULT));
        settings.push(Setting::new("UPSTASH_REDIS_PORT", UPSTASH_PORT.to_string(), DEFAULT));
    }
    settings
}

/// Redis at the address in `variable`, with the settings beside it.
#[cfg(feature = "redis")]
fn redis(
    variable: &'static str,
    as_text: bool,
    get: Lookup<'_>,
) -> Result<(Box<dyn Broker>, Vec<Setting>), BoxError> {
    use crate::broker::Redis;
    use crate::broker::redis::LOW_TRAFFIC;

    let value = |name: &str| get(name).map(|(value, _)| value.trim());
    let upstash = variable != "REDIS_URL";
    let mut redis = if upstash {
        let port = match value("UPSTASH_REDIS_PORT") {
            None => UPSTASH_PORT,
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                format!("UPSTASH_REDIS_PORT=`{}`: write a port from 1 to 65535", Untrusted(port))
            })?,
        };
        let token = value("UPSTASH_REDIS_REST_TOKEN").unwrap_or_default();
        Redis::upstash(value(variable).unwrap_or_default(), token, port)?
    } else {
        Redis::new(value(variable).unwrap_or_default())
            .map_err(|error| format!("REDIS_URL: {error}"))?
    };
    if as_text {
        if redis.is_cluster() {
            return Err("JSTACK_BROKER=upstash: REDIS_URL names a cluster, and Workers cannot \
                        listen to one"
                .into());
        }
        redis = redis.as_text();
    }
    let mut settings = defaults();
    for setting in &mut settings {
        let name = setting.name.clone();
        let Some((text, from)) = get(&name) else {
            if upstash && name == "JSTACK_REDIS_HEARTBEAT" {
                *setting = Setting::new(name, format!("{LOW_TRAFFIC:?}"), "Upstash");
            }
            continue;
        };
        let time = || {
            positive_duration(text)
                .map_err(|right| format!("{name}=`{}`: write {right}", Untrusted(text)))
        };
        let value = match &*name {
            "REDIS_URL" => redis.shown().to_owned(),
            "UPSTASH_REDIS_REST_TOKEN" => "***".to_owned(),
            "JSTACK_REDIS_DEADLINE" => {
                let time = time()?;
                redis = redis.deadline(time);
                format!("{time:?}")
            }
            "JSTACK_REDIS_HEARTBEAT" => {
                let time = time()?;
                redis = redis.heartbeat(time);
                format!("{time:?}")
            }
            _ => text.trim().to_owned(),
        };
        *setting = Setting::new(name, value, from);
    }
    Ok((Box::new(redis), settings))
}

#[cfg(not(feature = "redis"))]
fn redis(
    variable: &'static str,
    _: bool,
    get: Lookup<'_>,
) -> Result<(Box<dyn Broker>, Vec<Setting>), BoxError> {
    let url = get(variable).map(|(url, _)| url).unwrap_or_default();
    let features = match url.trim_start().split("://").next().unwrap_or_default() {
        "redis+cluster" => "\"redis-cluster\"",
        "rediss+cluster" => "\"redis-cluster\", \"redis-tls\"",
        "https" => "\"redis-tls\"",
        scheme if scheme.starts_with("rediss") => "\"redis-tls\"",
        _ => "\"redis\"",
    };
    Err(format!(
        "{variable} is set, but this program was built without Redis: write \
         `jstack-runtime = {{ version = \"…\", features = [{features}] }}` in Cargo.toml, or unset it"
    )
    .into())
}

/// Upstash's REST API, which a server does not need.
#[cfg(not(target_family = "wasm"))]
fn rest(_: Lookup<'_>) -> Result<(Box<dyn Broker>, Vec<Setting>), BoxError> {
    Err("JSTACK_BROKER=upstash needs UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or the \
         REDIS_URL of the same database"
        .into())
}

/// Upstash's REST API, without which this Worker was built.
#[cfg(all(not(feature = "upstash"), target_family = "wasm"))]
fn rest(_: Lookup<'_>) -> Result<(Box<dyn Broker>, Vec<Setting>), BoxError> {
    Err("JSTACK_BROKER=upstash is set, but this program was built without it: write `jstack-runtime \
         = { version = \"…\", features = [\"upstash\"] }` in Cargo.toml, or unset it"
        .into())
}

/// Upstash's REST API, with the settings beside it.
#[cfg(all(feature = "upstash", target_family = "wasm"))]
fn rest(get: Lookup<'_>) -> Result<(Box<dyn Broker>, Vec<Setting>), BoxError> {
    use crate::broker::rest::{DEADLINE, Rest};

    let value = |name: &str| get(name).map(|(value, _)| value.trim());
    let (deadline, from) = match get("JSTACK_REDIS_DEADLINE") {
        None => (DEADLINE, DEFAULT),
        Some((text, from)) => {
            let wrong =
                |right| format!("JSTACK_REDIS_DEADLINE=`{}`: write {right}", Untrusted(text));
            (positive_duration(text).map_err(wrong)?, from)
        }
    };
    let (url, token) = (value("UPSTASH_REDIS_REST_URL"), value("UPSTASH_REDIS_REST_TOKEN"));
    let rest = Rest::new(url.unwrap_or_default(), token.unwrap_or_default(), deadline)?;
    let deadline = Setting::new("JSTACK_REDIS_DEADLINE", format!("{deadline:?}"), from);
    let asked = get("JSTACK_BROKER").map_or(DEFAULT, |(_, from)| from);
    Ok((Box::new(rest), vec![Setting::new("JSTACK_BROKER", UPSTASH, asked), deadline]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::settings::setting::DEFAULT_NAME;

    fn of(pairs: &[(&str, &str)]) -> Result<String, String> {
        named((DEFAULT_NAME, DEFAULT), pairs)
    }

    fn named(name: (&str, &'static str), pairs: &[(&str, &str)]) -> Result<String, String> {
        let get =
            |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| (pair.1, ".env"));
        match choose(None, name, &get) {
            Ok(chosen) => Ok(chosen.broker.describe()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn no_variable_asks_for_no_broker() {
        assert_eq!(of(&[]), Ok(Memory::new().describe()));
    }

    #[test]
    #[cfg(feature = "redis")]
    fn channels_are_named_by_code_then_by_their_variable_then_by_the_application() {
        let by_code = |redis: crate::broker::Redis, get: Lookup<'_>| {
            let chosen = choose(Some(Box::new(redis)), ("chat", CODE), get).unwrap();
            chosen.broker.describe()
        };
        let redis = || crate::broker::Redis::new("redis://h").unwrap();
        let variable = |name: &str| (name == "JSTACK_REDIS_PREFIX").then_some(("shop", ".env"));
        assert!(by_code(redis(), &|_| None).ends_with("`chat:*`"));
        assert!(by_code(redis(), &variable).ends_with("`shop:*`"));
        assert!(by_code(redis().prefix("own"), &variable).ends_with("`own:*`"));
        let url = ("REDIS_URL", "redis://h");
        assert!(named(("chat", ".env"), &[url]).unwrap().ends_with("`chat:*`"));
        assert!(of(&[url]).unwrap().ends_with("`jstack:*`"));
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
    fn a_broker_that_nobody_knows_is_an_error_that_says_what_to_write() {
        let error = of(&[("JSTACK_BROKER", "kafka")]).unwrap_err();
        assert_eq!(error, "JSTACK_BROKER=`kafka`: write `upstash`, or unset it");
        let error = of(&[("JSTACK_BROKER", "upstash")]).unwrap_err();
        assert!(error.contains("UPSTASH_REDIS_REST_URL") && error.contains("REDIS_URL"), "{error}");
    }

    #[test]
    #[cfg(feature = "redis")]
    fn upstash_takes_any_redis_but_a_cluster() {
        let broker = ("JSTACK_BROKER", "upstash");
        assert!(of(&[broker, ("REDIS_URL", "redis://h")]).is_ok());
        #[cfg(feature = "redis-cluster")]
        assert!(of(&[broker, ("REDIS_URL", "redis+cluster://h")]).unwrap_err().contains("cluster"));
    }

    #[test]
    #[cfg(feature = "redis")]
    fn the_variables_choose_redis_and_its_prefix() {
        let described =
            of(&[("REDIS_URL", "redis://me:s3cret@h"), ("JSTACK_REDIS_PREFIX", "shop")]);
        assert_eq!(described, Ok("redis://me:***@h:6379, channels `shop:*`".to_owned()));
    }

    #[test]
    #[cfg(feature = "redis")]
    fn what_cannot_be_read_is_an_error_that_names_the_variable() {
        for (name, value) in [
            ("REDIS_URL", "localhost"),
            ("JSTACK_REDIS_DEADLINE", "soon"),
            ("JSTACK_REDIS_HEARTBEAT", "0"),
            ("JSTACK_REDIS_HEARTBEAT", "1e9"),
        ] {
            let error = of(&[(name, value), ("REDIS_URL", "redis://h")]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }

    /// All durations have one grammar.
    #[test]
    #[cfg(feature = "redis")]
    fn durations_are_read_as_those_of_limits() {
        for text in ["1.5", "1500ms", "2m", "0.5min"] {
            let url = ("REDIS_URL", "redis://h");
            assert!(of(&[("JSTACK_REDIS_DEADLINE", text), url]).is_ok(), "{text}");
        }
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn a_port_of_zero_is_not_a_port() {
        let error = of(&[
            ("UPSTASH_REDIS_REST_URL", "https://eu1-x.upstash.io"),
            ("UPSTASH_REDIS_REST_TOKEN", "s3cret"),
            ("UPSTASH_REDIS_PORT", "0"),
        ]);
        assert!(error.unwrap_err().contains("UPSTASH_REDIS_PORT=`0`: write a port"));
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn upstash_variables_are_mapped_to_its_tls_endpoint() {
        let pair = [
            ("UPSTASH_REDIS_REST_URL", "https://eu1-x.upstash.io"),
            ("UPSTASH_REDIS_REST_TOKEN", "s3cret"),
            ("UPSTASH_REDIS_PORT", "6380"),
        ];
        let described = of(&pair).unwrap();
        assert!(described.starts_with("rediss://eu1-x.upstash.io:6380"), "{described}");
        assert!(of(&pair[..1]).unwrap_err().contains("UPSTASH_REDIS_REST_TOKEN"));
    }
}
