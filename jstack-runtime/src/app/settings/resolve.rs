//! All settings of one application: code wins over the environment, and the environment over defaults.

use super::admin::AdminToken;
use super::environment::Environment;
use super::setting::{CODE, DEFAULT, DEFAULT_NAME, Setting};
use super::unknown::unknown;
use super::variables::fields;
use crate::error::BoxError;
use crate::http::Origins;
use crate::http::allowed_headers::AllowedHeaders;
use crate::http::origin::Hosts;
use crate::limits::Limits;
use crate::net::Proxies;
use crate::untrusted::Untrusted;

/// Values that code sets; `None` for the others.
#[derive(Default)]
pub(crate) struct Overrides {
    pub(crate) name: Option<String>,
    pub(crate) limits: Option<Limits>,
    pub(crate) origins: Option<Origins>,
    pub(crate) allowed_headers: Option<AllowedHeaders>,
    pub(crate) hosts: Option<Hosts>,
    pub(crate) proxies: Option<Proxies>,
    pub(crate) admin: Option<AdminToken>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::server::Identity>,
}

/// The effective settings.
pub(crate) struct Settings {
    /// The application's name and its source.
    pub(crate) name: (String, &'static str),
    pub(crate) limits: Limits,
    pub(crate) origins: Origins,
    pub(crate) allowed_headers: AllowedHeaders,
    pub(crate) hosts: Hosts,
    pub(crate) proxies: Proxies,
    pub(crate) admin: AdminToken,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::server::Identity>,
    pub(super) lines: Vec<Setting>,
    /// Warnings about the environment, each as a sentence.
    pub(super) warnings: Vec<String>,
}

impl Settings {
    /// Resolves the values of code and environment.
    ///
    /// Fails for variables with invalid values; the error names all of them.
    pub(crate) fn resolve(wanted: Overrides, environment: &Environment) -> Result<Self, BoxError> {
        let mut wrong = Vec::new();
        let mut lines = Vec::new();
        let name = name(wanted.name, environment).unwrap_or_else(|why| {
            wrong.push(why);
            (String::new(), CODE)
        });
        lines.push(Setting::new("JSTACK_NAME", name.0.clone(), name.1));
        let limits = limits(wanted.limits, environment, &mut lines, &mut wrong);
        let origins = setting(
            "JSTACK_ORIGINS",
            wanted.origins,
            environment,
            |text| text.parse::<Origins>().map_err(|error| error.to_string()),
            ToString::to_string,
            (&mut lines, &mut wrong),
        );
        let allowed_headers = setting(
            "JSTACK_ALLOW_HEADERS",
            wanted.allowed_headers,
            environment,
            str::parse::<AllowedHeaders>,
            ToString::to_string,
            (&mut lines, &mut wrong),
        );
        let hosts = setting(
            "JSTACK_HOSTS",
            wanted.hosts,
            environment,
            str::parse::<Hosts>,
            ToString::to_string,
            (&mut lines, &mut wrong),
        );
        let proxies = setting(
            "JSTACK_TRUSTED_PROXIES",
            wanted.proxies,
            environment,
            str::parse::<Proxies>,
            ToString::to_string,
            (&mut lines, &mut wrong),
        );
        let admin = setting(
            "JSTACK_ADMIN_TOKEN",
            wanted.admin,
            environment,
            AdminToken::read,
            AdminToken::shown,
            (&mut lines, &mut wrong),
        );
        if let Err(error) = origins.start() {
            wrong.push(format!("origins: {error}"));
        }
        if let Some(error) = allowed_headers.wrong() {
            wrong.push(format!("allowed headers: {error}"));
        }
        if let Some(error) = hosts.wrong() {
            wrong.push(format!("hosts: {error}"));
        }
        if let Some(error) = proxies.wrong() {
            wrong.push(format!("trusted proxies: {error}"));
        }
        if let Some(right) = admin.wrong() {
            wrong.push(format!("the token of `App::admin`: {right}"));
        }
        #[cfg(feature = "tls")]
        let tls = tls(wanted.tls, environment, &mut lines, &mut wrong);
        // On Workers the platform does TLS: a certificate has no effect, and a warning is logged.
        #[cfg(not(any(feature = "tls", target_family = "wasm")))]
        for name in ["JSTACK_TLS_CERT", "JSTACK_TLS_KEY"] {
            if environment.get(name).is_some() {
                wrong.push(format!("{name} is set, but this build has no TLS: enable the feature `tls` of jstack-runtime"));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n").into());
        }
        let mut warnings = environment.skipped().to_vec();
        warnings.extend(unknown(environment));
        #[cfg(target_family = "wasm")]
        warnings.extend(super::workers::meaningless(&lines, environment));
        Ok(Self {
            name,
            limits,
            origins,
            allowed_headers,
            hosts,
            proxies,
            admin,
            #[cfg(feature = "tls")]
            tls,
            lines,
            warnings,
        })
    }
}

/// The application's name and its source. Servers and emitters both call this, because different names
/// would separate them. Fails if code sets an empty name.
pub(crate) fn name(
    wanted: Option<String>,
    environment: &Environment,
) -> Result<(String, &'static str), String> {
    match (wanted, environment.get("JSTACK_NAME")) {
        (Some(name), _) if name.trim().is_empty() => {
            Err("the application's name is empty: give it one, or none".to_owned())
        }
        (Some(name), _) => Ok((name, CODE)),
        (None, Some((name, from))) => Ok((name.trim().to_owned(), from)),
        (None, None) => Ok((DEFAULT_NAME.to_owned(), DEFAULT)),
    }
}

fn limits(
    wanted: Option<Limits>,
    environment: &Environment,
    lines: &mut Vec<Setting>,
    wrong: &mut Vec<String>,
) -> Limits {
    let from_code = wanted.is_some();
    let mut limits = wanted.unwrap_or_default();
    for (name, mut field) in fields(&mut limits) {
        let name = format!("JSTACK_{name}");
        let mut from = if from_code { CODE } else { DEFAULT };
        if let Some((text, found)) = environment.get(&name).filter(|_| !from_code) {
            from = found;
            if let Err(right) = field.read(text) {
                wrong.push(malformed(&name, text, right));
            }
        } else if let Err(right) = field.check() {
            let field = name.trim_start_matches("JSTACK_").to_ascii_lowercase();
            wrong.push(format!("`Limits::{field}` is zero: write {right}"));
        }
        lines.push(Setting::new(name, field.show(), from));
    }
    limits
}

fn malformed(name: &str, text: &str, right: &str) -> String {
    format!("{name}=`{}`: write {right}", Untrusted(text))
}

/// One setting that is not a limit.
fn setting<T: Default>(
    name: &str,
    wanted: Option<T>,
    environment: &Environment,
    parse: impl FnOnce(&str) -> Result<T, String>,
    show: impl FnOnce(&T) -> String,
    (lines, wrong): (&mut Vec<Setting>, &mut Vec<String>),
) -> T {
    let (value, from) = match (wanted, environment.get(name)) {
        (Some(value), _) => (value, CODE),
        (None, None) => (T::default(), DEFAULT),
        (None, Some((text, from))) => match parse(text) {
            Ok(value) => (value, from),
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                return T::default();
            }
        },
    };
    lines.push(Setting::new(name.to_owned(), show(&value), from));
    value
}

#[cfg(feature = "tls")]
fn tls(
    wanted: Option<crate::server::Identity>,
    environment: &Environment,
    lines: &mut Vec<Setting>,
    wrong: &mut Vec<String>,
) -> Option<crate::server::Identity> {
    let (cert, key) = (environment.get("JSTACK_TLS_CERT"), environment.get("JSTACK_TLS_KEY"));
    let mut line = |name: &str, value: &str, from| {
        lines.push(Setting::new(name.to_owned(), value, from));
    };
    match (wanted, cert, key) {
        (Some(identity), ..) => {
            line("JSTACK_TLS_CERT", "set", CODE);
            line("JSTACK_TLS_KEY", "***", CODE);
            Some(identity)
        }
        (None, None, None) => {
            line("JSTACK_TLS_CERT", "none", DEFAULT);
            line("JSTACK_TLS_KEY", "none", DEFAULT);
            None
        }
        (None, Some((cert, from)), Some((key, from_key))) => {
            line("JSTACK_TLS_CERT", cert, from);
            line("JSTACK_TLS_KEY", key, from_key);
            let read = |name: &str, path: &str| {
                std::fs::read(path).map_err(|error| format!("{name}=`{path}`: {error}"))
            };
            match (read("JSTACK_TLS_CERT", cert), read("JSTACK_TLS_KEY", key)) {
                (Ok(cert), Ok(key)) => Some(crate::server::Identity::new(cert, key)),
                (cert, key) => {
                    wrong.extend(cert.err().into_iter().chain(key.err()));
                    None
                }
            }
        }
        (None, ..) => {
            wrong.push(
                "JSTACK_TLS_CERT and JSTACK_TLS_KEY belong together: set both to the paths of \
                 PEM files, or neither"
                    .into(),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::settings::variables::Field;

    fn environment(text: &str) -> Environment {
        Environment::of(text)
    }

    fn resolve(text: &str) -> Result<Settings, String> {
        Settings::resolve(Overrides::default(), &environment(text))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_name_is_that_of_code_then_of_the_environment_and_never_empty() {
        let named = |name: &str| Overrides { name: Some(name.to_owned()), ..Overrides::default() };
        let of = |wanted, text| Settings::resolve(wanted, &environment(text)).map(|s| s.name);
        let name = |wanted, text| of(wanted, text).expect("settings");
        assert_eq!(name(Overrides::default(), ""), ("jstack".to_owned(), DEFAULT));
        assert_eq!(name(Overrides::default(), "JSTACK_NAME=shop"), ("shop".to_owned(), ".env"));
        assert_eq!(name(named("chat"), "JSTACK_NAME=shop"), ("chat".to_owned(), CODE));
        assert!(of(named(" "), "").is_err());
    }

    #[test]
    fn every_limit_has_its_variable() {
        let mut limits = Limits::default();
        let lines = fields(&mut limits).map(|(name, _)| format!("JSTACK_{name}=7"));
        let text = lines.join("\n");
        let mut settings = resolve(&text).expect("settings");
        for (name, field) in fields(&mut settings.limits) {
            match field {
                Field::Count(n) | Field::Bytes(n) | Field::Descriptors(n) => {
                    assert_eq!(*n, 7, "{name}");
                }
                Field::Time(t) | Field::Spread(t) => {
                    assert_eq!(*t, Duration::from_secs(7), "{name}");
                }
            }
        }
        // As many as the struct has fields: a new one must not be forgotten.
        assert_eq!(format!("{:?}", Limits::default()).matches(": ").count(), 19);
    }

    #[test]
    fn what_code_says_wins_over_the_environment() {
        let wanted = Overrides {
            limits: Some(Limits { rate: 5, ..Limits::default() }),
            ..Overrides::default()
        };
        let settings = Settings::resolve(wanted, &environment("JSTACK_RATE=9\nJSTACK_BURST=9"));
        let settings = settings.expect("settings");
        assert_eq!((settings.limits.rate, settings.limits.burst), (5, 200));
    }

    #[test]
    fn wrong_values_are_all_told_with_name_value_and_what_would_be_right() {
        let text = "JSTACK_RATE=fast\nJSTACK_PING_INTERVAL=0\nJSTACK_ORIGINS=*\nJSTACK_ALLOW_HEADERS=*\nJSTACK_HOSTS=http://x\nJSTACK_TRUSTED_PROXIES=proxy\nJSTACK_ADMIN_TOKEN=hunter2";
        let error = resolve(text).err().expect("an error");
        for part in [
            "JSTACK_RATE=`fast`: write a whole number",
            "JSTACK_PING_INTERVAL=`0`: write a duration longer than zero",
            "JSTACK_ORIGINS: origin `*`",
            "Origins::any()",
            "JSTACK_ALLOW_HEADERS: `*`: write the names",
            "JSTACK_HOSTS: `http://x`: write the host alone, as `x`",
            "JSTACK_TRUSTED_PROXIES: `proxy`",
            "JSTACK_ADMIN_TOKEN: write at least 16",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
    }

    /// A limit of zero would let nothing through, and it must not be read as "no limit".
    #[test]
    fn zero_is_refused_wherever_it_has_no_meaning_in_the_environment_and_in_code() {
        let mut limits = Limits::default();
        let names = fields(&mut limits).map(|(name, _)| name);
        let meant = ["CONNECTIONS", "DRAIN_SPREAD"];
        for name in names {
            let error = resolve(&format!("JSTACK_{name}=0")).err();
            assert_eq!(error.is_none(), meant.contains(&name), "{name}: {error:?}");
            let Some(error) = error else { continue };
            assert!(error.contains(&format!("JSTACK_{name}=`0`: write ")), "{error}");
            let none = resolve(&format!("JSTACK_{name}=none"));
            assert_eq!(none.is_ok(), error.contains("`none`"), "{name}");
        }
        let zero = Limits {
            message_bytes: 0,
            json_depth: 0,
            rate: 0,
            burst: 0,
            joins_per_second: 0,
            rooms_per_socket: 0,
            queue_bytes: 0,
            queue_frames: 0,
            write_timeout: Duration::ZERO,
            connections: 0,
            connections_per_ip: 0,
            header_timeout: Duration::ZERO,
            handshake_timeout: Duration::ZERO,
            handler_timeout: Duration::ZERO,
            ping_interval: Duration::ZERO,
            pong_timeout: Duration::ZERO,
            body_bytes: 0,
            drain_spread: Duration::ZERO,
            drain_deadline: Duration::ZERO,
        };
        let by_code = |limits| Overrides { limits: Some(limits), ..Overrides::default() };
        let error = Settings::resolve(by_code(zero), &Environment::default());
        let error = error.err().expect("an error").to_string();
        assert_eq!(error.lines().count(), names.len() - meant.len(), "{error}");
        assert!(error.contains("`Limits::message_bytes` is zero: write "), "{error}");
        let none = Limits { rate: Limits::NONE, queue_bytes: Limits::NONE, ..Limits::default() };
        assert!(Settings::resolve(by_code(none), &Environment::default()).is_ok());
    }

    #[test]
    fn any_origin_is_the_explicit_word() {
        let settings = resolve("JSTACK_ORIGINS=any").expect("settings");
        assert_eq!(settings.origins, Origins::any());
    }

    #[cfg(feature = "tls")]
    #[test]
    fn certificate_and_key_belong_together() {
        assert!(resolve("JSTACK_TLS_CERT=a.pem").err().expect("error").contains("belong together"));
        let error = resolve("JSTACK_TLS_CERT=/no/a.pem\nJSTACK_TLS_KEY=/no/b.pem").err();
        assert!(error.expect("error").contains("JSTACK_TLS_KEY=`/no/b.pem`"));
    }
}
