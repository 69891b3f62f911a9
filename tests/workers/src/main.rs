//! What the suites call on Cloudflare Workers: the stock client's fixture, and a probe of what the
//! documentation promises.

mod probe;
mod procedures;

use axum::routing::{get, post};
use jstack_runtime::prelude::*;

/// Runs a future beside the others.
#[cfg(target_family = "wasm")]
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(future);
}
#[cfg(not(target_family = "wasm"))]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

/// A body in pieces, and one that comes so.
fn pages() -> axum::Router {
    let streamed = || async {
        let pieces = ["one ", "two ", "three"].map(Ok::<_, std::convert::Infallible>);
        axum::body::Body::from_stream(Pieces(pieces.into_iter()))
    };
    let length = |body: axum::body::Bytes| async move { body.len().to_string() };
    axum::Router::new()
        .route("/", get(|| async { "the page" }))
        .route("/streamed", get(streamed))
        .route("/length", post(length))
}

/// An iterator as a stream.
struct Pieces<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Pieces<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    App::new()
        .mount("t", procedures::router())
        .mount("p", probe::router())
        .mount("edge", probe::stateless().stateless())
        .with_state(procedures::Counts::default())
        .merge(pages())
        .run()
        .await
}
