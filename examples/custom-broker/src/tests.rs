use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;

use crate::Bus;

/// Serves an application on the bus, and returns the address of its chat.
async fn serve(bus: &Bus) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/post/chat", listener.local_addr().unwrap());
    tokio::spawn(super::app(bus.clone()).serve_on(listener));
    url
}

#[tokio::test]
async fn two_applications_on_one_bus_are_one_chat_and_a_third_is_not() {
    let bus = Bus::default();
    let (mut ann, _) = connect_async(serve(&bus).await).await.unwrap();
    let (mut bob, _) = connect_async(serve(&bus).await).await.unwrap();
    let (mut eve, _) = connect_async(serve(&Bus::default()).await).await.unwrap();

    for n in 0..3 {
        ann.send(format!(r#"["say","{n}"]"#).into()).await.unwrap();
    }
    for client in [&mut ann, &mut bob] {
        for n in 0..3 {
            let heard = client.next().await.unwrap().unwrap().to_string();
            assert_eq!(heard, format!(r#"["say","{n}"]"#));
        }
    }
    // The first that Eve hears is her own.
    eve.send(r#"["say","alone"]"#.into()).await.unwrap();
    assert_eq!(eve.next().await.unwrap().unwrap().to_string(), r#"["say","alone"]"#);
}
