//! Logs the effective settings at start.

use std::fmt::Write as _;

use super::resolve::Settings;
use super::setting::Setting;
use crate::observe;

impl Settings {
    /// Adds settings that were resolved elsewhere, with secrets masked.
    pub(crate) fn add(&mut self, settings: Vec<Setting>) {
        self.lines.extend(settings);
    }

    /// Logs the settings and their sources. Without a log, only the address is written, to stderr.
    pub(crate) fn print(&self, address: &str, broker: &str, runtime: &str) {
        tracing::info!("{}", self.text(address, broker, runtime));
        if observe::is_stderr_the_log() {
            observe::to_stderr(&format_args!("listening on {address}"));
        }
        self.warn();
    }

    #[cfg(target_family = "wasm")]
    /// Logs what a program starts with on Workers, and what it set without an effect.
    pub(crate) fn print_for_workers(&self, broker: &str) {
        tracing::info!("serving on Cloudflare Workers, messages go through: {broker}");
        for Setting { name, value, source } in &self.lines {
            tracing::debug!("{name}={value} ({source})");
        }
        self.warn();
    }

    fn text(&self, address: &str, broker: &str, runtime: &str) -> String {
        let mut text = format!("listening on {address}\n  broker: {broker}\n  runtime: {runtime}");
        for Setting { name, value, source } in &self.lines {
            let _ = write!(text, "\n  {name}={value} ({source})");
        }
        text
    }

    /// Logs the warnings about the environment.
    pub(crate) fn warn(&self) {
        for warning in &self.warnings {
            observe::warning!("{warning}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::settings::broker;
    use crate::app::settings::variables::{NON_LIMIT_VARIABLES, fields};
    use crate::app::settings::{CODE, Environment, Overrides};
    use crate::limits::Limits;

    fn printed(text: &str) -> String {
        let environment = Environment::of(text);
        let mut settings = Settings::resolve(Overrides::default(), &environment).expect("settings");
        let name = (&*settings.name.0, settings.name.1);
        let chosen = broker::choose(None, name, &|name| environment.get(name)).expect("a broker");
        settings.add(chosen.settings);
        settings.add(vec![Setting::new("JSTACK_ADDRESS", "127.0.0.1:80", CODE)]);
        settings.text("http://127.0.0.1:80", &chosen.broker.describe(), "2 workers")
    }

    #[test]
    fn every_variable_that_this_build_knows_is_printed_once() {
        let text = printed("");
        let mut limits = Limits::default();
        let limits = fields(&mut limits).map(|(name, _)| format!("JSTACK_{name}"));
        let knows = |name: &&str| {
            (cfg!(feature = "tls") || !name.starts_with("JSTACK_TLS_"))
                && (cfg!(feature = "redis")
                    || !(name.starts_with("JSTACK_REDIS_") || *name == "JSTACK_BROKER"))
        };
        let mut expected: Vec<String> = limits.to_vec();
        expected.extend(NON_LIMIT_VARIABLES.iter().copied().filter(knows).map(str::to_owned));
        if cfg!(feature = "redis") {
            expected.push("REDIS_URL".to_owned());
        }
        if cfg!(feature = "redis-tls") {
            let upstash = ["REST_URL", "REST_TOKEN", "PORT"];
            expected.extend(upstash.map(|name| format!("UPSTASH_REDIS_{name}")));
        }
        for name in &expected {
            assert_eq!(text.matches(&format!("\n  {name}=")).count(), 1, "{name} in {text}");
        }
        assert_eq!(text.matches('=').count(), expected.len(), "{text}");
        assert!(text.starts_with("listening on http://127.0.0.1:80\n  broker: embedded"), "{text}");
        assert!(text.contains("\n  JSTACK_NAME=jstack (default)\n"), "{text}");
    }

    #[test]
    #[cfg(feature = "redis")]
    fn the_broker_is_printed_with_where_it_comes_from_and_without_its_secrets() {
        let text = printed(
            "REDIS_URL=redis://me:s3cret@h/2\nJSTACK_REDIS_DEADLINE=500ms\nJSTACK_NAME=shop",
        );
        for line in [
            "broker: redis://me:***@h:6379/2, channels `shop:*`",
            "REDIS_URL=redis://me:***@h:6379/2 (.env)",
            "JSTACK_NAME=shop (.env)",
            "JSTACK_REDIS_PREFIX=shop (JSTACK_NAME)",
            "JSTACK_REDIS_DEADLINE=500ms (.env)",
            "JSTACK_REDIS_HEARTBEAT=3s (default)",
        ] {
            assert!(text.contains(&format!("\n  {line}")), "{line} in {text}");
        }
        assert!(!text.contains("s3cret"), "{text}");
    }

    #[test]
    fn the_token_of_programs_that_emit_is_a_secret() {
        let text = printed("JSTACK_ADMIN_TOKEN=0123456789abcdef");
        assert!(text.contains("\n  JSTACK_ADMIN_TOKEN=*** (.env)"), "{text}");
        assert!(!text.contains("0123456789abcdef"), "{text}");
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn the_token_of_upstash_is_a_secret() {
        let text = printed(
            "UPSTASH_REDIS_REST_URL=https://eu1-x.upstash.io\nUPSTASH_REDIS_REST_TOKEN=s3cret",
        );
        assert!(text.contains("\n  UPSTASH_REDIS_REST_TOKEN=*** (.env)"), "{text}");
        assert!(text.contains("\n  JSTACK_REDIS_HEARTBEAT=30s (Upstash)"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
