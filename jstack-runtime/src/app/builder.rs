//! `App`: routers, state, layers and routes beside them.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route as AxumRoute};
use tower::{Layer, Service};

use super::settings::{CODE, Overrides};
use crate::app_context::AppContext;
use crate::broker::Broker;
use crate::contract::Contract;
use crate::direct::Direct;
use crate::markers::SocketProcedure;
use crate::procedure::ProcedureInfo;
use crate::router::Router;
use crate::ws::Io;

/// An application: routers under their names, and the server around them.
///
/// A setting that code does not make comes from the environment; without either it has a safe default.
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

/// The parts that do not depend on the type of the state.
pub(super) struct Common {
    pub(super) context: Arc<AppContext>,
    pub(super) base: String,
    pub(super) broker: Option<Box<dyn Broker>>,
    /// The source of the address to listen on.
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
    pub(super) direct: Direct<S>,
}

impl<S: Clone + Send + Sync + 'static> App<S> {
    /// An application without procedures.
    ///
    /// ```
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new();
    /// assert!(app.describe().procedures().is_empty());
    /// ```
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

    /// Sets the path before all procedures; `/api` unless set, and `""` or `"/"` for none.
    ///
    /// ```
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new().base_path("/v1");
    /// assert_eq!(app.describe().base_path(), "/v1");
    /// ```
    pub fn base_path(mut self, base: &str) -> Self {
        let base = base.trim_matches('/');
        self.common.base = if base.is_empty() { String::new() } else { format!("/{base}") };
        self
    }

    /// Mounts a router: its procedure `recent` becomes `/api/<name>/recent`.
    ///
    /// Two procedures with one path are an error when the application is served; it names both places in the
    /// source.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[procedure(get)]
    /// async fn recent() -> Vec<String> { Vec::new() }
    ///
    /// let app: App = App::new().mount("post", router![recent]);
    /// assert_eq!(app.describe().procedures()[0].path, "post/recent");
    /// ```
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
            let stateless = route.stateless;
            let (route, direct) = route.build(self.common.context.clone());
            self.routes.push(Mounted { path, info, stateless, route, direct });
        }
        self
    }

    /// Gives procedures their state, as axum's `Router::with_state` does.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[derive(Clone)]
    /// struct Db;
    ///
    /// #[procedure(get)]
    /// async fn count(State(_db): State<Db>) -> u32 { 3 }
    ///
    /// let app: App = App::new().mount("post", router![count]).with_state(Db);
    /// ```
    pub fn with_state<S2>(self, state: S) -> App<S2> {
        let context = self.common.context.clone();
        let with = |mounted: Mounted<S>| Mounted {
            path: mounted.path,
            info: mounted.info,
            stateless: mounted.stateless,
            route: mounted.route.with_state(state.clone()),
            direct: mounted.direct.with_state(state.clone(), context.clone()),
        };
        App { routes: self.routes.into_iter().map(with).collect(), common: self.common }
    }
}

impl<S> App<S> {
    /// Wraps all procedures in a tower layer; the layer that was added last runs first.
    ///
    /// It wraps the routes of procedures alone. Merged routes, health checks, the route of
    /// [`admin`](Self::admin) and 404s are outside of it. Hosts and origins are checked before it runs.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// use axum::extract::Request;
    /// use axum::middleware::{Next, from_fn};
    ///
    /// async fn log(request: Request, next: Next) -> axum::response::Response {
    ///     tracing::info!(path = request.uri().path(), "called");
    ///     next.run(request).await
    /// }
    ///
    /// let app: App = App::new().layer(from_fn(log));
    /// ```
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

    /// Serves other axum routes beside the procedures: pages, files, health checks.
    ///
    /// ```
    /// use axum::routing::get;
    /// use jstack_runtime::App;
    ///
    /// let app: App = App::new().merge(axum::Router::new().route("/", get(|| async { "hello" })));
    /// ```
    pub fn merge(mut self, router: axum::Router) -> Self {
        self.common.beside = Some(match self.common.beside {
            Some(beside) => beside.merge(router),
            None => router,
        });
        self
    }

    /// Describes the procedures as data: kinds, events, schemas.
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

    /// Returns the [`Io`] of the procedure whose marker is `P`, to emit from outside of handlers.
    ///
    /// An emit before the application is built (by `run`, `serve`, `into_router` or `test`) waits for it,
    /// at most five seconds. It fails afterwards, and if the procedure is not mounted.
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
    /// let app: App = App::new().mount("post", router![chat]);
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
