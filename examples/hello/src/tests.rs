use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;
use tower::ServiceExt as _;

#[tokio::test]
async fn everybody_hears_what_one_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/hello/chat", listener.local_addr().unwrap());
    tokio::spawn(super::app().serve_on(listener));

    let (mut ann, _) = connect_async(&url).await.unwrap();
    let (mut bob, _) = connect_async(&url).await.unwrap();
    ann.send(r#"["say","hello"]"#.into()).await.unwrap();
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.next().await.unwrap().unwrap().to_string(), r#"["say","hello"]"#);
    }
}

#[tokio::test]
async fn the_version_is_json() {
    let request = axum::http::Request::get("/api/hello/version").body(String::new()).unwrap();
    let response = super::app().into_router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), r#""0.0.0""#);
}
