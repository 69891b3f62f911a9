//! Settings that would make a server unsafe are refused.

use jstack_runtime::{App, Limits};
use jstack_tests::app::app;
use jstack_tests::server::limits;
use tokio::sync::mpsc::unbounded_channel;

fn error(with: impl FnOnce(App) -> App) -> String {
    let (gone, _) = unbounded_channel();
    with(app(limits(), gone))
        .try_into_router()
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

/// CVE-2020-28481 (socket.io): `*` with credentials.
#[test]
fn the_star_is_no_origin_and_the_error_says_what_is() {
    let error = error(|app| app.origins(["*"]));
    assert!(error.contains("Origins::any()"), "{error}");
}

#[test]
fn a_proxy_that_is_no_address_is_an_error_at_start() {
    let error = error(|app| app.trusted_proxies(["nginx"]));
    assert!(error.contains("`nginx`") && error.contains("10.0.0.0/8"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_is_none_is_an_error_at_start() {
    let (gone, _) = unbounded_channel();
    let app = app(Limits::default(), gone).tls("no certificate", "no key");
    let error = app.serve_until("127.0.0.1:0", async {}).await.expect_err("an error").to_string();
    assert!(error.contains("BEGIN CERTIFICATE"), "{error}");
}
