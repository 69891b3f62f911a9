//! The settings of an `App` that code makes; the environment makes the others.

use super::App;
use super::settings::AdminToken;
use crate::broker::Broker;
use crate::http::Origins;
use crate::http::allowed_headers::AllowedHeaders;
use crate::http::origin::Hosts;
use crate::limits::Limits;
use crate::net::Proxies;

impl<S> App<S> {
    /// Names the application; `jstack` unless set, here or by `JSTACK_NAME`.
    ///
    /// The name separates applications that share a Redis, so each needs its own. All processes of one
    /// application have the same name, and so has an `Emitter`. The name is also the title of the documents.
    ///
    /// ```
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new().name("forum");
    /// assert_eq!(app.describe().openapi()["info"]["title"], "forum");
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.common.wanted.name = Some(name.into());
        self
    }

    /// Carries messages between processes by `broker`.
    ///
    /// Without it, `JSTACK_BROKER` chooses; without that, it is the embedded [`Memory`](crate::Memory).
    ///
    /// ```
    /// use jstack_runtime::{App, Memory};
    ///
    /// let app: App = App::new().broker(Memory::new());
    /// ```
    pub fn broker(mut self, broker: impl Broker) -> Self {
        self.common.broker = Some(Box::new(broker));
        self
    }

    /// Sets the limits of one client and of all clients together.
    ///
    /// Code wins over the environment: with this, the variables of all limits are ignored.
    ///
    /// ```
    /// use jstack_runtime::{App, Limits};
    ///
    /// let app: App = App::new().limits(Limits { message_bytes: 1 << 20, ..Limits::default() });
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.common.wanted.limits = Some(limits);
        self
    }

    /// Sets which web pages may call procedures: only those of the same origin unless set.
    ///
    /// An entry that is not an origin is an error at start.
    ///
    /// ```
    /// use jstack_runtime::{App, Origins};
    ///
    /// let app: App = App::new().origins(["https://app.example.com", "https://*.example.org"]);
    /// let open: App = App::new().origins(Origins::any());
    /// ```
    pub fn origins(mut self, origins: impl Into<Origins>) -> Self {
        self.common.wanted.origins = Some(origins.into());
        self
    }

    /// Sets which request headers pages of other origins may send, beside `content-type`,
    /// `x-is-superjson` and `authorization`: those of tracing for example, or a token against
    /// forgery. None unless set, here or by `JSTACK_ALLOW_HEADERS`. An entry that is not the name of a
    /// header is an error at start.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// let app = App::<()>::new().allow_headers(["traceparent", "x-csrf-token"]);
    /// ```
    pub fn allow_headers<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.common.wanted.allowed_headers = Some(AllowedHeaders::list(names));
        self
    }

    /// Sets the hosts that the server answers to: names, and `*.example.com` for all below one.
    /// Requests to others get a 403.
    ///
    /// Unless set, here or by `JSTACK_HOSTS`, a server answers to every host on a public address.
    /// On a loopback or private one it answers to the hosts that are set, to `localhost`, to
    /// addresses, and to names that nobody can register. Those are names without a dot, or below
    /// `local`, `localhost`, `internal` or `home.arpa`. Otherwise a stranger's page, whose name
    /// resolves to the server's address, would count as the server's own (DNS rebinding). Requests
    /// from [trusted proxies](Self::trusted_proxies) are checked only if hosts are set. The entry
    /// `any` allows every host. An entry that is not a host is an error at start.
    ///
    /// ```
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new().hosts(["app.example.com", "*.example.org"]);
    /// ```
    pub fn hosts<T: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.common.wanted.hosts = Some(Hosts::list(hosts));
        self
    }

    /// Sets the proxies in front of the server, as addresses or blocks of them (`10.0.0.0/8`).
    ///
    /// Their `X-Forwarded-For` names the client, for `connections_per_ip` and
    /// [`ConnectInfo`](axum::extract::ConnectInfo). Their `X-Forwarded-Proto` says whether the request came
    /// over TLS. None unless set, here or by `JSTACK_TRUSTED_PROXIES`. An entry that is not an address is an
    /// error at start.
    ///
    /// ```
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new().trusted_proxies(["10.0.0.0/8", "192.168.1.7"]);
    /// ```
    pub fn trusted_proxies<T: AsRef<str>>(mut self, blocks: impl IntoIterator<Item = T>) -> Self {
        self.common.wanted.proxies = Some(Proxies::list(blocks));
        self
    }

    /// Lets programs in other languages emit, by `POST <base>/_emit`.
    ///
    /// The request has `authorization: Bearer <token>` and
    /// `{"procedure": "post/chat", "room": "general", "event": "message", "data": …}`, which is checked against
    /// the contract. Without `room` it goes to everyone; `except` names sockets that do not get it. The route
    /// exists only if a token is set, here or by `JSTACK_ADMIN_TOKEN`. Requests of browsers are refused. Layers
    /// of the application do not wrap it.
    ///
    /// A token of fewer than 16 characters is an error at start.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # fn secret() -> String { "0123456789abcdef".to_owned() }
    /// let app: App = App::new().admin(secret());
    /// ```
    pub fn admin(mut self, token: impl Into<String>) -> Self {
        self.common.wanted.admin = Some(AdminToken::new(token.into()));
        self
    }

    /// Serves over TLS with this certificate chain (leaf first) and key, both in PEM.
    ///
    /// The variables `JSTACK_TLS_CERT` and `JSTACK_TLS_KEY` name files of them. A certificate or key that
    /// cannot be used is an error at start.
    ///
    /// ```no_run
    /// # use jstack_runtime::App;
    /// # fn main() -> std::io::Result<()> {
    /// let app: App = App::new().tls(std::fs::read("cert.pem")?, std::fs::read("key.pem")?);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, cert: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.common.wanted.tls = Some(crate::server::Identity::new(cert.into(), key.into()));
        self
    }
}
