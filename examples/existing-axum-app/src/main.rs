//! Procedures in an axum application that exists already: `into_router` gives an axum router.
//!
//! `cargo run -p existing-axum-app`, then `curl -X POST 127.0.0.1:8080/orders/7`: every socket of
//! `ws://127.0.0.1:8080/api/shop/orders` hears of it.

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use jstack_runtime::{App, BoxError, Events, Io, procedure, router};

/// The events of `orders`: clients only listen.
#[derive(Clone, Debug, Events)]
pub enum FromShop {
    /// An order with this number was placed.
    Placed(u32),
}

/// Clients send nothing.
#[derive(Clone, Debug, Events)]
pub enum Nothing {}

#[procedure(ws, incoming = Nothing, outgoing = FromShop)]
pub mod orders {
    use super::*;
}

/// A handler of the existing application: `Io` is its state, as anything else would be.
async fn place(
    axum::extract::State(io): axum::extract::State<Io<orders::Procedure>>,
    Path(order): Path<u32>,
) -> Result<String, jstack_runtime::Error> {
    io.all().placed(&order).await?;
    Ok(format!("order {order} is placed"))
}

fn app() -> Router {
    let live = App::new().mount("shop", router![orders]);
    let io = live.io::<orders::Procedure>();
    Router::new()
        .route("/", get(async || "the shop"))
        .route("/orders/{order}", post(place))
        .with_state(io)
        .merge(live.into_router()) // everything below `/api`
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app()).await?)
}

#[cfg(test)]
mod tests;
