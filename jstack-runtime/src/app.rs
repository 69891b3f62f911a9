//! `App`: routers, state, limits and a server around them.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route as AxumRoute};
use tokio::net::{TcpListener, ToSocketAddrs};
use tower::{Layer, Service};

use crate::broker::{self, Broker, CODE, DEFAULT, Setting};
use crate::config::{Environment, Limits, Settings, Wanted};
use crate::error::{BoxError, Error, Result};
use crate::http::Origins;
use crate::http::edge::Edge;
use crate::procedure::Info;
use crate::router::Router;
use crate::schema::{self, Command, Contract};
use crate::server::signal;
use crate::site::Site;
use crate::ws::{Io, Ws};

/// An application: routers under their names, and the server around them.
///
/// What is not set comes from the environment, and what is not there has a safe default.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// #[procedure(get)]
/// async fn version() -> &'static str { "1.0" }
///
/// #[tokio::main]
/// async fn main() -> Result<(), BoxError> {
///     App::new()
///         .mount("about", router![version]) // GET /api/about/version
///         .serve("127.0.0.1:8080")
///         .await
/// }
/// ```
#[must_use = "an app does nothing until it is served"]
pub struct App<S = ()> {
    routes: Vec<Mounted<S>>,
    common: Common,
}

/// What does not depend on the state.
struct Common {
    site: Arc<Site>,
    base: String,
    broker: Option<Box<dyn Broker>>,
    /// Where the address to listen on comes from.
    address_from: &'static str,
    wanted: Wanted,
    layers: Vec<Box<dyn FnOnce(axum::Router) -> axum::Router + Send>>,
    beside: Option<axum::Router>,
}

struct Mounted<S> {
    /// `post/recent`.
    path: String,
    info: Info,
    route: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> App<S> {
    /// An application without procedures.
    pub fn new() -> Self {
        let common = Common {
            site: Site::new(),
            base: "/api".to_owned(),
            broker: None,
            address_from: CODE,
            wanted: Wanted::default(),
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
                self.common.site.hub_of(events.marker).name(&path);
            }
            self.routes.push(Mounted { path, info, route: route.build(self.common.site.clone()) });
        }
        self
    }

    /// Gives procedures their state, as in axum.
    pub fn with_state<S2>(self, state: S) -> App<S2> {
        let with = |mounted: Mounted<S>| Mounted {
            path: mounted.path,
            info: mounted.info,
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

    /// Sets the proxies in front of the server, as addresses or blocks of them (`10.0.0.0/8`):
    /// their `X-Forwarded-For` says who the client is, which `connections_per_ip` and
    /// [`ConnectInfo`](axum::extract::ConnectInfo) go by, and their `X-Forwarded-Proto` whether
    /// it came over TLS. None unless set, here or by `JSTACK_TRUSTED_PROXIES`; an entry that is
    /// no address is an error at start.
    pub fn trusted_proxies<T: AsRef<str>>(mut self, blocks: impl IntoIterator<Item = T>) -> Self {
        self.common.wanted.proxies = Some(crate::server::Proxies::list(blocks));
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
    pub fn io<P: Ws>(&self) -> Io<P> {
        Io::new(self.common.site.hub_of(TypeId::of::<P>()))
    }
}

impl App {
    /// The whole as an axum router, to nest into somebody's axum application.
    ///
    /// # Panics
    ///
    /// Where [`App::try_into_router`] fails, as axum's own routers do when they are put together
    /// wrongly.
    #[allow(clippy::panic, reason = "axum's convention for wrongly built routers; documented")]
    pub fn into_router(self) -> axum::Router {
        match self.try_into_router() {
            Ok(router) => router,
            Err(error) => panic!("{error}"),
        }
    }

    /// The whole as an axum router.
    ///
    /// Fails if two procedures have one path, and for a configuration that cannot be.
    pub fn try_into_router(self) -> Result<axum::Router, BoxError> {
        let built = self.build(false)?;
        tracing::info!(broker = built.site.process().broker().describe(), "messages go through");
        built.settings.warn();
        Ok(built.router)
    }

    /// Serves until SIGTERM or Ctrl-C, and then drains: no new connections, requests are
    /// finished, sockets closed with 1012 over [`Limits::drain_spread`] after what waits for them
    /// is written and `#[disconnect]` has run. It returns when all are gone, at the latest after
    /// [`Limits::drain_deadline`]; a second signal ends it at once.
    ///
    /// `GET /healthz` answers 200 while the process lives, and `GET /readyz` 503 while it drains
    /// or its broker is in trouble; both stand before every other route.
    ///
    /// Fails where [`App::try_into_router`] does, and if the address cannot be bound.
    pub async fn serve(self, address: impl ToSocketAddrs) -> Result<(), BoxError> {
        let built = self.build(true)?;
        let listener = bind(address).await?;
        built.serve_until_signal(listener).await
    }

    /// The same on a listener that is bound already, to a port of the system's choice for
    /// example.
    ///
    /// Fails where [`App::try_into_router`] does.
    pub async fn serve_on(self, listener: TcpListener) -> Result<(), BoxError> {
        self.build(true)?.serve_until_signal(listener).await
    }

    /// Serves until `shutdown` is done instead of until a signal, and then drains as
    /// [`App::serve`] does. Signals are left to the application.
    ///
    /// Fails where [`App::serve`] does.
    ///
    /// ```no_run
    /// # use jstack_runtime::App;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jstack_runtime::BoxError> {
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// tokio::spawn(async move {
    ///     tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    ///     let _ = stop.send(());
    /// });
    /// App::new().serve_until("127.0.0.1:8080", async { drop(stopped.await) }).await
    /// # }
    /// ```
    pub async fn serve_until(
        self,
        address: impl ToSocketAddrs,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), BoxError> {
        let built = self.build(true)?;
        let listener = bind(address).await?;
        built.serve(listener, shutdown, std::future::pending()).await
    }

    /// [`App::serve_until`] on a listener that is bound already.
    ///
    /// Fails where [`App::try_into_router`] does.
    pub async fn serve_on_until(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), BoxError> {
        self.build(true)?.serve(listener, shutdown, std::future::pending()).await
    }

    /// Does what the command line asks for: `serve [address]`, `types [path] [--check]`,
    /// `openapi`, `asyncapi`, `routes`. Without arguments it serves, and without an address on
    /// that in `JSTACK_ADDRESS`, or on `127.0.0.1:8080`.
    ///
    /// Fails where [`App::serve`] does, for arguments that mean nothing (the error lists those
    /// that do), and for `--check` when the file is out of date (the error names what differs).
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// #[tokio::main]
    /// async fn main() -> Result<(), BoxError> {
    ///     App::new().run().await // cargo run -- types web/api.ts
    /// }
    /// ```
    pub async fn run(mut self) -> Result<(), BoxError> {
        match schema::command(std::env::args().skip(1), || self.describe())? {
            Command::Serve(address) => {
                let environment = Environment::read()?;
                let (address, from) = match &address {
                    Some(address) => (&**address, "command line"),
                    None => {
                        environment.get("JSTACK_ADDRESS").unwrap_or(("127.0.0.1:8080", DEFAULT))
                    }
                };
                self.common.address_from = from;
                self.serve(address).await
            }
            Command::Print(text) => Ok(std::io::stdout().write_all(text.as_bytes())?),
        }
    }

    /// Puts all together; `alone` says that no other application's routes come beside.
    fn build(self, alone: bool) -> Result<Built, BoxError> {
        let contract = cfg!(debug_assertions).then(|| self.describe());
        let Common { site, base, broker, address_from, wanted, layers, beside } = self.common;
        check_paths(&self.routes)?;
        let environment = Environment::read()?;
        let mut settings = Settings::resolve(wanted, &environment)?;
        site.set_origins(settings.origins.clone());
        let name = (&*settings.name.0, settings.name.1);
        let chosen = broker::choose(broker, name, &|name| environment.get(name))?;
        settings.add(chosen.settings);
        site.process().configure(chosen.broker, settings.limits.clone());
        let mut api = axum::Router::new();
        for mounted in self.routes {
            api = api.route(&format!("{base}/{}", mounted.path), mounted.route);
        }
        for layer in layers {
            api = layer(api);
        }
        if let Some(contract) = contract {
            api = api.route(&format!("{base}/_schema/{{file}}"), schema::routes(contract));
        }
        let nothing_here = || async { Error::not_found("404 Not Found") };
        for path in ["", "/", "/{*path}"] {
            if !(base.is_empty() && path.is_empty()) {
                api = api.route(&format!("{base}{path}"), axum::routing::any(nothing_here));
            }
        }
        if alone && beside.is_none() {
            api = api.fallback(nothing_here);
        }
        let api = api.layer(Edge::new(site.clone()));
        let router = match beside {
            Some(beside) => api.merge(beside),
            None => api,
        };
        // With its state a route is made ready once; without, for each request.
        let router = router.with_state(());
        Ok(Built { router, site, settings, address_from })
    }
}

struct Built {
    router: axum::Router,
    site: Arc<Site>,
    settings: Settings,
    address_from: &'static str,
}

impl Built {
    /// In a box, so that the server is compiled here: what an `async fn` does is compiled by the
    /// crate that awaits it.
    fn serve_until_signal(
        self,
        listener: TcpListener,
    ) -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> {
        Box::pin(self.serve(listener, signal(), signal()))
    }

    async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        at_once: impl Future<Output = ()>,
    ) -> Result<(), BoxError> {
        let Self { router, site, mut settings, address_from } = self;
        let address = listener.local_addr()?.to_string();
        settings.add(vec![Setting::new("JSTACK_ADDRESS", address, address_from)]);
        crate::server::serve(listener, router, site, settings, shutdown, at_once).await
    }
}

/// Binds with room for a crowd that comes back at once after a restart.
async fn bind(address: impl ToSocketAddrs) -> Result<TcpListener, BoxError> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen: {error}").into())
}

/// Two procedures on one path are one error, which names both places.
fn check_paths<S>(routes: &[Mounted<S>]) -> Result<(), BoxError> {
    let mut seen: HashMap<&str, &Info> = HashMap::new();
    let mut wrong = Vec::new();
    for mounted in routes {
        if let Some(first) = seen.insert(&mounted.path, &mounted.info) {
            wrong.push(format!(
                "two procedures on the path `{}`: one is declared at {}, the other at {}; rename one \
                 with `#[procedure(…, rename = \"…\")]` or mount its router under another name",
                mounted.path, first.place, mounted.info.place
            ));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
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
