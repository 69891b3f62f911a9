//! Serving an `App`: the command line, the router, the listener.

use std::io::Write as _;
use std::pin::Pin;

use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use super::build::{Built, Host};
use super::builder::App;
use super::call::call;
use super::cli::{self, Command};
use super::settings::{Address, Environment, Setting};
use super::wrangler;
use crate::error::{BoxError, Result};
use crate::observe;
use crate::server::{self, Drained, Signals};

impl App {
    /// Turns the application into an axum router, to nest it into another axum application.
    ///
    /// # Panics
    ///
    /// Where [`App::try_into_router`] fails, as axum's own routers do when they are built wrongly.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// let whole: axum::Router = axum::Router::new().merge(App::new().into_router());
    /// ```
    #[allow(clippy::panic, reason = "axum's convention for wrongly built routers; documented")]
    pub fn into_router(self) -> axum::Router {
        match self.try_into_router() {
            Ok(router) => router,
            Err(error) => panic!("{error}"),
        }
    }

    /// Turns the application into an axum router.
    ///
    /// Fails if two procedures have one path, and for settings that contradict each other or are invalid.
    ///
    /// ```
    /// # use jstack_runtime::{App, BoxError};
    /// # fn main() -> Result<(), BoxError> {
    /// let router: axum::Router = App::new().try_into_router()?;
    /// # drop(router); Ok(()) }
    /// ```
    pub fn try_into_router(self) -> Result<axum::Router, BoxError> {
        let built = self.build(Host::ForeignServer)?;
        tracing::info!(broker = built.context.node().broker().describe(), "messages go through");
        built.settings.warn();
        Ok(built.router)
    }

    /// Serves until SIGTERM or Ctrl-C, and then drains.
    ///
    /// Draining means: no new connections; requests are finished; sockets are closed with 1012 over
    /// [`Limits::drain_spread`](crate::Limits::drain_spread), after their queues are written and
    /// `#[disconnect]` has run. It returns when all are gone, at the latest after
    /// [`Limits::drain_deadline`](crate::Limits::drain_deadline); a second signal ends it at once. If handlers
    /// that were cut off block their threads, the process exits 5 s later.
    ///
    /// `GET /healthz` answers 200 while the process lives. `GET /readyz` answers 503 while it drains or its
    /// broker is in trouble. Both come before every other route.
    ///
    /// Without a `tracing` subscriber, the URL, warnings and errors (the causes of each 500 among them) are
    /// written to stderr, at most 20 lines a second. With a subscriber nothing is written there.
    ///
    /// Fails where [`App::try_into_router`] does, and if the address cannot be bound.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// #[jstack_runtime::main]
    /// async fn main() -> Result<(), BoxError> {
    ///     App::new().serve("0.0.0.0:8080").await
    /// }
    /// ```
    pub async fn serve(self, address: impl ToSocketAddrs) -> Result<(), BoxError> {
        observe::speak();
        let built = self.build(Host::OwnServer)?;
        let listener = bind(address).await?;
        built.serve_until_signal(listener).await
    }

    /// Serves as [`App::serve`] does, on a listener that is bound already.
    ///
    /// Fails where [`App::try_into_router`] does.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// # async fn example() -> Result<(), BoxError> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// println!("port {}", listener.local_addr()?.port());
    /// App::new().serve_on(listener).await
    /// # }
    /// ```
    pub async fn serve_on(self, listener: TcpListener) -> Result<(), BoxError> {
        observe::speak();
        self.build(Host::OwnServer)?.serve_until_signal(listener).await
    }

    /// Serves until `shutdown` is done, and then drains as [`App::serve`] does. The application handles
    /// signals itself.
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
        let built = self.build(Host::OwnServer)?;
        let listener = bind(address).await?;
        built.serve(listener, shutdown, std::future::pending()).await.map(|_| ())
    }

    /// Serves as [`App::serve_until`] does, on a listener that is bound already.
    ///
    /// Fails where [`App::try_into_router`] does.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// # async fn example(stopped: tokio::sync::oneshot::Receiver<()>) -> Result<(), BoxError> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// App::new().serve_on_until(listener, async { drop(stopped.await) }).await
    /// # }
    /// ```
    pub async fn serve_on_until(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), BoxError> {
        self.build(Host::OwnServer)?
            .serve(listener, shutdown, std::future::pending())
            .await
            .map(|_| ())
    }

    /// Runs the command of the program's arguments: `serve [address]`, `types [path] [--check]`,
    /// `openapi`, `asyncapi`, `contract`, `routes`, `emit`, `listen`, `call`, `wrangler`; `help` lists
    /// them.
    ///
    /// Without arguments it serves. Without an address it serves on `JSTACK_ADDRESS`, or on
    /// `127.0.0.1:8080`.
    ///
    /// Fails where [`App::serve`] does, and for unknown arguments: the error lists the known ones.
    /// `--check` fails when the file is out of date: the error names the difference.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// #[jstack_runtime::main]
    /// async fn main() -> Result<(), BoxError> {
    ///     App::new().run().await // cargo run -- types web/api.ts
    /// }
    /// ```
    pub async fn run(mut self) -> Result<(), BoxError> {
        match cli::command(std::env::args().skip(1), || self.describe())? {
            Command::Serve(address) => {
                let address = Address::choose(address.as_deref(), &Environment::read()?)?;
                self.common.address_from = address.from;
                observe::speak();
                let built = self.build(Host::OwnServer)?;
                let listener = bind(&address.text)
                    .await
                    .map_err(|error| format!("{}: {error}", address.name()))?;
                built.serve_until_signal(listener).await
            }
            Command::Print(text) => Ok(std::io::stdout().write_all(text.as_bytes())?),
            Command::Wrangler => {
                let program = std::env::current_exe()?;
                let name = program.file_stem().unwrap_or_default().to_string_lossy();
                let next = wrangler::write(&std::env::current_dir()?, &name)?;
                Ok(std::io::stdout().write_all(next.as_bytes())?)
            }
            Command::Emit(emit) => self.emit_once(&emit).await,
            Command::Listen(listen) => self.listen(&listen).await,
            Command::Call(wanted) => {
                let answer = call(&self.describe(), &wanted, &Environment::read()?).await?;
                Ok(std::io::stdout().write_all(answer.as_bytes())?)
            }
        }
    }
}

impl Built {
    /// rebuild: boxed, so that the server is compiled here. The body of an `async fn` is compiled by
    /// the crate that awaits it.
    fn serve_until_signal(
        self,
        listener: TcpListener,
    ) -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> {
        Box::pin(async move {
            let signals = Signals::listen(self.context.limits().drain_deadline).await?;
            let (first, second) = (signals.nth(1), signals.nth(2));
            if self.serve(listener, first, second).await? == Drained::CutOff {
                signals.cut_off();
            }
            Ok(())
        })
    }

    async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        at_once: impl Future<Output = ()>,
    ) -> Result<Drained, BoxError> {
        let Self { router, direct, context, mut settings, address_from, .. } = self;
        let address = listener.local_addr()?.to_string();
        settings.add(vec![Setting::new("JSTACK_ADDRESS", address, address_from)]);
        let start = server::Start {
            router,
            direct,
            context,
            proxies: settings.proxies.clone(),
            #[cfg(feature = "tls")]
            tls: settings.tls.take(),
        };
        let log = |address: &str, broker: &str| {
            settings.print(address, broker, &crate::platform::runtime());
        };
        let hubs = start.context.hubs();
        for hub in hubs.clone() {
            // A failure here is not final: it is tried again when the broker is used.
            crate::platform::spawn(async move {
                if let Err(error) = hub.start_presence().await {
                    tracing::debug!(code = error.code(), "presence does not hear others yet");
                }
            });
        }
        let drained = server::serve(listener, start, log, shutdown, at_once).await;
        for hub in hubs {
            hub.end_presence().await;
        }
        drained
    }
}

/// Connections that may wait to be accepted: after a restart, all clients reconnect at once.
const BACKLOG: i32 = 4096;

/// Binds with a backlog of [`BACKLOG`], which the system may cut down (`net.core.somaxconn`).
async fn bind(address: impl ToSocketAddrs) -> Result<TcpListener, BoxError> {
    let addresses: Vec<_> = lookup_host(address)
        .await
        .map_err(|error| format!("the address to listen on cannot be resolved: {error}"))?
        .collect();
    let listen = async {
        let listener = TcpListener::bind(&*addresses).await?;
        // The standard library asks for 128. Listening again changes only the number.
        socket2::SockRef::from(&listener).listen(BACKLOG)?;
        std::io::Result::Ok(listener)
    };
    listen.await.map_err(|error| {
        let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        format!("cannot listen on {}: {error}", shown.join(" or ")).into()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpStream;

    use super::*;

    /// With the standard library's 128, the handshakes beyond wait for a second or more.
    #[tokio::test]
    async fn a_crowd_connects_before_anybody_is_accepted() {
        let listener = bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut crowd = Vec::new();
        for n in 0..400 {
            let connecting = TcpStream::connect(address);
            let connected = tokio::time::timeout(Duration::from_millis(900), connecting).await;
            crowd.push(connected.unwrap_or_else(|_| panic!("number {n} waits")).expect("it"));
        }
    }
}
