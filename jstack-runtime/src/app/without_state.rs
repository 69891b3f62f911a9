//! The compiler error for an application without `App::with_state`.
//!
//! `App::run` and its like are methods of `App<()>`. Without what follows, a call on `App<Db>` would be
//! reported as a method that does not exist. These methods have the same names, are found only where
//! those of `App<()>` are not, and never compile: their bound says what to call.

use std::future::Pending;

use super::builder::App;
use crate::error::BoxError;

/// An application whose state was not given.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoState;

/// Whether the procedures of an application can do without a value of `S`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the procedures need the state `{S}`, and the application does not have it yet",
    label = "call `.with_state(…)` with a value of type `{S}` before this"
)]
pub trait Provides<S> {}

impl Provides<()> for NoState {}

type Never = Pending<Result<(), BoxError>>;

/// The methods of a complete application, for one that is not.
#[doc(hidden)]
pub trait WithoutState<S>: Sized {
    fn run(self) -> Never
    where
        NoState: Provides<S>,
    {
        std::future::pending()
    }

    fn serve<A>(self, _: A) -> Never
    where
        NoState: Provides<S>,
    {
        std::future::pending()
    }

    fn serve_on<L>(self, _: L) -> Never
    where
        NoState: Provides<S>,
    {
        std::future::pending()
    }

    fn serve_until<A, F>(self, _: A, _: F) -> Never
    where
        NoState: Provides<S>,
    {
        std::future::pending()
    }

    fn serve_on_until<L, F>(self, _: L, _: F) -> Never
    where
        NoState: Provides<S>,
    {
        std::future::pending()
    }

    fn into_router(self) -> axum::Router
    where
        NoState: Provides<S>,
    {
        axum::Router::new()
    }

    fn try_into_router(self) -> Result<axum::Router, BoxError>
    where
        NoState: Provides<S>,
    {
        Err("the application has no state".into())
    }

    #[cfg(feature = "client")]
    fn test(self) -> Pending<Result<super::TestServer, BoxError>>
    where
        NoState: Provides<S>,
    {
        std::future::pending()
    }
}

impl<S> WithoutState<S> for App<S> {}
