//! Serving an `App` on Workers: there is nothing to listen on, so `main` hands the application to
//! whoever called it.

use std::cell::RefCell;

use tokio::sync::oneshot;

use super::build::{Built, Host};
use super::builder::App;
use crate::broker::object::Object;
use crate::error::BoxError;
use crate::observe;
use crate::platform::workers::bindings;

/// Where a `main` that runs puts its application.
pub(crate) type Hand = oneshot::Sender<Built>;

thread_local! {
    static HAND: RefCell<Option<Hand>> = const { RefCell::new(None) };
}

/// Makes this the place while `run` runs, and returns it if nothing was put there.
pub(crate) fn scope<T>(hand: Option<Hand>, run: impl FnOnce() -> T) -> (Option<Hand>, T) {
    let before = HAND.replace(hand);
    let result = run();
    (HAND.replace(before), result)
}

impl App {
    /// Serves wherever the Worker is deployed. It does not return, so that the values of `main`
    /// live as long as the application.
    ///
    /// Fails where the native one does, except for the address and the command line, which a
    /// Worker has not.
    pub async fn run(mut self) -> Result<(), BoxError> {
        observe::speak();
        let at_the_edge = bindings::current().is_some_and(|bindings| bindings.at_the_edge);
        if at_the_edge && self.common.broker.is_none() {
            self.common.broker = Some(Box::new(Object));
        }
        let built = self.build(Host::Worker)?;
        for hub in built.context.hubs() {
            // A failure is retried when the application is needed.
            crate::platform::spawn(async move {
                if let Err(error) = hub.start_presence().await {
                    tracing::debug!(code = error.code(), "presence does not hear others yet");
                }
            });
        }
        let hand = HAND.take().ok_or("another `App` of this program serves already")?;
        let _ = hand.send(built);
        std::future::pending().await
    }

    /// The same as [`App::run`]: the address is for a server.
    ///
    /// Fails where `run` does.
    pub async fn serve<A>(self, _address: A) -> Result<(), BoxError> {
        self.run().await
    }
}
