use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Load;

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn start() -> (watch::Sender<Load>, Client) {
    let (measured, load) = watch::channel(Load { percent: 10 });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/post/dashboard", listener.local_addr().unwrap());
    tokio::spawn(super::app(load).serve_on(listener));
    (measured, connect_async(&url).await.unwrap().0)
}

async fn next(client: &mut Client) -> String {
    client.next().await.unwrap().unwrap().to_string()
}

#[tokio::test]
async fn the_load_comes_by_itself_as_often_as_it_is_wanted() {
    let (_measured, mut client) = start().await;
    assert_eq!(next(&mut client).await, r#"["load",{"percent":10}]"#);
    let since = std::time::Instant::now();
    client.send(r#"["every",100]"#.into()).await.unwrap();
    for _ in 0..4 {
        assert_eq!(next(&mut client).await, r#"["load",{"percent":10}]"#);
    }
    assert!(since.elapsed().as_millis() >= 200, "four within {:?}", since.elapsed());
}

#[tokio::test]
async fn an_alarm_comes_at_once_even_while_it_is_paused() {
    let (measured, mut client) = start().await;
    assert_eq!(next(&mut client).await, r#"["load",{"percent":10}]"#);
    client.send(r#"["pause",null]"#.into()).await.unwrap();
    // Events are handled in order: the error says that `pause` was.
    client.send(r#"["every","soon"]"#.into()).await.unwrap();
    loop {
        let text = next(&mut client).await;
        if text.starts_with(r#"["error""#) {
            break;
        }
    }
    measured.send_replace(Load { percent: 95 });
    assert_eq!(next(&mut client).await, r#"["alarm",{"percent":95}]"#);
}
