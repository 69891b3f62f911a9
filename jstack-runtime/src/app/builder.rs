//! `App`: routers, state, limits and layers.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route as AxumRoute};
use tower::{Layer, Service};

use super::settings::{AdminToken, CODE, Overrides};
use crate::app_context::AppContext;
use crate::broker::Broker;
use crate::contract::Contract;
use crate::http::Origins;
use crate::http::allowed_headers::AllowedHeaders;
use crate::limits::Limits;
use crate::procedure::ProcedureInfo;
use crate::router::Router;
use crate::ws::{Io, SocketProcedure};

/// An application: routers under their names, and the server around them.
///
/// What is not set comes from the environment, and what is not there has a safe default.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// #[procedure(get)]
/// async fn version() -> &'static str { "1.0" }
///
/// #[jstack_runtime::main]
/// async fn main() -> Result<(), BoxError> {
///     App::new()
///         .mount("about", router![version]) // GET /api/about/version
///         .serve("127.0.0.1:8080")
///         .await
/// }
/// ```
#[must_use = "an app does nothing until it is served"]
pub struct App<S = ()> {
    pub(super) routes: Vec<Mounted<S>>,
    pub(super) common: Common,
}

/// What does not depend on the state.
pub(super) struct Common {
    pub(super) context: Arc<AppContext>,
    pub(super) base: String,
    pub(super) broker: Option<Box<dyn Broker>>,
    /// Where the address to listen on comes from.
    pub(super) address_from: &'static str,
    pub(super) wanted: Overrides,
    pub(super) layers: Vec<Box<dyn FnOnce(axum::Router) -> axum::Router + Send>>,
    pub(super) beside: Option<axum::Router>,
}

pub(super) struct Mounted<S> {
    /// `post/recent`.
    pub(super) path: String,
    pub(super) info: ProcedureInfo,
    pub(super) stateless: bool,
    pub(super) route: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> App<S> {
    /// An application without procedures.
    pub fn new() -> Self {
        let common = Common {
            context: AppContext::new(),
            base: "/api".to_owned(),
            broker: None,
            address_from: CODE,
            wanted: Overrides::default(),
            layers: Vec::new(),
            beside: None,
        };
        Self { routes: Vec::new(), common }
    }

    /// Where the URLs of procedures start; `/api` unless set.
    pub fn base_path(mut self, base: &str) -> Self {
        let base = base.trim_matches('/');
        self.common.base = if base.is_empty() { String::new() } else { format!("/{base}") };
        self
    }

    /// Mounts a router: its procedure `recent` becomes `/api/<name>/recent`.
    pub fn mount(mut self, name: &str, router: Router<S>) -> Self {
        let name = name.trim_matches('/');
        for route in router.into_routes() {
            let path = format!("{name}/{}", route.path).trim_start_matches('/').to_owned();
            let info = route.info;
            if let Some(events) = info.events {
                let hub = self.common.context.hub_of(events.marker);
                hub.name(&path);
                hub.set_classes(events.classes());
                if let Some(presence) = events.presence {
                    hub.set_presence(presence.check);
                }
                if let Some(keep) = events.keep() {
                    hub.set_keep(keep);
                }
            }
            self.routes.push(Mounted {
                path,
                info,
                stateless: route.stateless,
                route: route.build(self.common.context.clone()),
            });
        }
        self
    }

    /// Gives procedures their state, as in axum.
    pub fn with_state<S2>(self, state: S) -> App<S2> {
        let with = |mounted: Mounted<S>| Mounted {
            path: mounted.path,
            info: mounted.info,
            stateless: mounted.stateless,
            route: mounted.route.with_state(state.clone()),
        };
        App { routes: self.routes.into_iter().map(with).collect(), common: self.common }
    }
}

impl<S> App<S> {
    /// Wraps all procedures in a tower layer.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<AxumRoute> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<std::convert::Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.common.layers.push(Box::new(move |router| router.layer(layer)));
        self
    }

    /// Names the application; `jstack` unless set, here or by `JSTACK_NAME`. Those that share a
    /// Redis are kept apart by their names, so each needs its own; processes of one application
    /// need the same, and so does an `Emitter`. It is the title of the documents, too.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.common.wanted.name = Some(name.into());
        self
    }

    /// Carries messages by `broker`; without this the environment chooses, and without that the
    /// embedded one does.
    pub fn broker(mut self, broker: impl Broker) -> Self {
        self.common.broker = Some(Box::new(broker));
        self
    }

    /// Sets what one client, and all of them together, may take. All of the limits' variables
    /// then count for nothing: what code says wins over the environment.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.common.wanted.limits = Some(limits);
        self
    }

    /// Sets which web pages may call procedures: same origin unless set.
    pub fn origins(mut self, origins: impl Into<Origins>) -> Self {
        self.common.wanted.origins = Some(origins.into());
        self
    }

    /// Sets which request headers pages of other origins may send, beside `content-type`,
    /// `x-is-superjson` and `authorization`: those of tracing for example, or a token against
    /// forgery. None unless set, here or by `JSTACK_ALLOW_HEADERS`; what is not a header's name is
    /// an error at start.
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
    /// On a loopback or private one it answers to `localhost`, to addresses, and to names that
    /// nobody can register (without a dot, or below `local`, `localhost`, `internal` or
    /// `home.arpa`), with the hosts that are set. Otherwise a stranger's page, whose name leads to
    /// the server's address, would be taken for the server's own (DNS rebinding). What
    /// [trusted proxies](Self::trusted_proxies) send is not looked at unless hosts are set. The
    /// entry `any` allows every host. An entry that is not a host is an error at start.
    ///
    /// ```
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new().hosts(["app.example.com", "*.example.org"]);
    /// ```
    pub fn hosts<T: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.common.wanted.hosts = Some(crate::http::origin::Hosts::list(hosts));
        self
    }

    /// Sets the proxies in front of the server, as addresses or blocks of them (`10.0.0.0/8`):
    /// their `X-Forwarded-For` says who the client is, which `connections_per_ip` and
    /// [`ConnectInfo`](axum::extract::ConnectInfo) go by, and their `X-Forwarded-Proto` whether
    /// it came over TLS. None unless set, here or by `JSTACK_TRUSTED_PROXIES`; an entry that is
    /// no address is an error at start.
    pub fn trusted_proxies<T: AsRef<str>>(mut self, blocks: impl IntoIterator<Item = T>) -> Self {
        self.common.wanted.proxies = Some(crate::net::Proxies::list(blocks));
        self
    }

    /// Lets programs in other languages emit: `POST <base>/_emit` with `authorization: Bearer <token>` and
    /// `{"procedure": "post/chat", "room": "general", "event": "message", "data": …}`, checked against
    /// the contract. Without `room` it goes to everyone; `except` names sockets that do not get it. There is
    /// no such route unless a token is set, here or by `JSTACK_ADMIN_TOKEN`. Requests of browsers are
    /// refused. Layers of the application do not surround it.
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

    /// Serves over TLS with this certificate (the chain, leaf first) and key, both PEM; the
    /// variables `JSTACK_TLS_CERT` and `JSTACK_TLS_KEY` name files of them. What cannot be used
    /// is an error at start.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, cert: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.common.wanted.tls = Some(crate::server::Identity::new(cert.into(), key.into()));
        self
    }

    /// Serves other axum routes beside the procedures: pages, files, health checks.
    pub fn merge(mut self, router: axum::Router) -> Self {
        self.common.beside = Some(match self.common.beside {
            Some(beside) => beside.merge(router),
            None => router,
        });
        self
    }

    /// The procedures as data: kinds, events, schemas.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// assert_eq!(App::<()>::new().describe().base_path(), "/api");
    /// ```
    pub fn describe(&self) -> Contract {
        let contract = Contract::new(
            &self.common.base,
            self.routes.iter().map(|mounted| (mounted.path.clone(), mounted.info)),
        );
        match &self.common.wanted.name {
            Some(name) => contract.title(name),
            None => contract,
        }
    }

    /// Emits to the procedure whose marker is `P` from outside of handlers.
    ///
    /// An emit before the application is built (by `run`, `serve`, `into_router` or `test`) waits for
    /// that, at most five seconds. It fails afterwards, and where the procedure is not mounted.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Message(String) }
    /// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// # pub mod chat {
    /// #     use super::*;
    /// #     #[on(Message)]
    /// #     async fn message(io: Io, text: String) -> Result { io.to("general").message(&text).await }
    /// # }
    /// # fn example() {
    /// let app = App::new().mount("post", router![chat]);
    /// let io = app.io::<chat::Procedure>();
    /// tokio::spawn(async move { io.all().message("the server is up").await });
    /// # }
    /// # fn main() {}
    /// ```
    pub fn io<P: SocketProcedure>(&self) -> Io<P> {
        Io::new(self.common.context.hub_for::<P>())
    }
}

impl<S: Clone + Send + Sync + 'static> Default for App<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for App<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.routes.iter().map(|mounted| (&mounted.path, mounted.info));
        f.debug_map().entries(paths).finish()
    }
}
