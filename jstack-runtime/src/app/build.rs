//! From an `App` to what serves it: settings, the broker, the router.

use std::sync::Arc;

use super::admin;
use super::boundary::BoundaryLayer;
use super::builder::{App, Common, Mounted};
use super::settings::{Environment, Settings, choose};
use crate::app_context::AppContext;
#[cfg(debug_assertions)]
use crate::contract;
use crate::direct::DirectRoutes;
use crate::error::{BoxError, Error};
use crate::platform::HashMap;
use crate::procedure::ProcedureInfo;

impl App {
    /// Puts all together for what serves it.
    pub(super) fn build(self, host: Host) -> Result<Built, BoxError> {
        let alone = host != Host::ForeignServer;
        #[cfg(debug_assertions)]
        let contract = self.describe();
        let catalog = self.catalog();
        check_paths(&self.routes)?;
        let (settings, common) = self.common.settle()?;
        let Common { context, base, address_from, layers, beside, .. } = common;
        let mut api = axum::Router::new();
        let mut stateless = Vec::new();
        let boundary = BoundaryLayer::new(context.clone(), host != Host::OwnServer);
        let mut direct = DirectRoutes::default();
        for mounted in self.routes {
            let path = format!("{base}/{}", mounted.path);
            if mounted.stateless {
                stateless.push(path.clone());
            }
            api = api.route(&path, mounted.route);
            if host == Host::OwnServer
                && layers.is_empty()
                && let Some(call) = mounted.direct.on_route(&path, context.clone())
            {
                direct.add(path, mounted.info.kind, boundary.around(call));
            }
        }
        for layer in layers {
            api = layer(api);
        }
        #[cfg(debug_assertions)]
        {
            api = api.route(&format!("{base}/_schema/{{file}}"), contract::routes(contract));
        }
        if settings.admin.is_set() {
            let route = admin::route(catalog, settings.admin.clone());
            api = api.route(&format!("{base}/_emit"), route);
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
        let api = api.layer(boundary);
        let router = match beside {
            Some(beside) => api.merge(beside),
            None => api,
        };
        // With its state a route is made ready once; without, for each request.
        let router = router.with_state(());
        Ok(Built { router, direct, context, settings, stateless, address_from })
    }
}

impl Common {
    /// Puts together what code and the environment set, the broker included, and lets procedures see it.
    pub(super) fn settle(mut self) -> Result<(Settings, Self), BoxError> {
        let environment = Environment::read()?;
        let mut settings = Settings::resolve(std::mem::take(&mut self.wanted), &environment)?;
        self.context.set_origins(settings.origins.clone());
        self.context.set_allowed_headers(settings.allowed_headers.clone());
        self.context.set_hosts(settings.hosts.clone());
        let name = (&*settings.name.0, settings.name.1);
        let chosen = choose(self.broker.take(), name, &|name| environment.get(name))?;
        if self.context.has_history() && chosen.broker.history().is_none() {
            return Err(
                "a procedure keeps a history (`history(…)`), and the broker keeps none: its \
                 `Broker::history` returns `None`"
                    .into(),
            );
        }
        settings.add(chosen.settings);
        self.context.node().configure(chosen.broker, settings.limits.clone());
        Ok((settings, self))
    }
}

/// The parts that serve an application.
pub(crate) struct Built {
    pub(crate) router: axum::Router,
    #[cfg_attr(target_family = "wasm", allow(dead_code, reason = "for this crate's server"))]
    pub(super) direct: DirectRoutes,
    pub(crate) context: Arc<AppContext>,
    pub(crate) settings: Settings,
    /// The paths of the procedures that keep nothing in memory.
    #[cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "for Workers"))]
    pub(crate) stateless: Vec<String>,
    pub(super) address_from: &'static str,
}

/// Who calls the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// This crate's server, which looks at hosts itself, with what it knows of the connection.
    OwnServer,
    /// Somebody else's, where other routes may come beside.
    ForeignServer,
    /// A Worker.
    #[cfg(target_family = "wasm")]
    Worker,
}

/// Two procedures on one path are one error, which names both places.
fn check_paths<S>(routes: &[Mounted<S>]) -> Result<(), BoxError> {
    let mut seen: HashMap<&str, &ProcedureInfo> = HashMap::default();
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
