use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn send(&mut self, frame: &str) {
        self.0.send(frame.into()).await.unwrap();
    }

    async fn next(&mut self) -> String {
        self.0.next().await.unwrap().unwrap().to_string()
    }
}

async fn two() -> (Client, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/post/rooms", listener.local_addr().unwrap());
    tokio::spawn(super::app().serve_on(listener));
    let (ann, bob) = tokio::join!(connect_async(&url), connect_async(&url));
    (Client(ann.unwrap().0), Client(bob.unwrap().0))
}

#[tokio::test]
async fn members_hear_each_other_come_talk_and_go() {
    let (mut ann, mut bob) = two().await;
    ann.send(r#"["join","kitchen"]"#).await;
    assert_eq!(ann.next().await, r#"["joined","kitchen"]"#);
    bob.send(r#"["join","kitchen"]"#).await;
    assert_eq!(bob.next().await, r#"["joined","kitchen"]"#);
    assert_eq!(ann.next().await, r#"["entered","kitchen"]"#);

    bob.send(r#"["say",{"room":"kitchen","text":"hi"}]"#).await;
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.next().await, r#"["said",{"room":"kitchen","text":"hi"}]"#);
    }
    drop(bob);
    assert_eq!(ann.next().await, r#"["left","kitchen"]"#);
}

#[tokio::test]
async fn a_room_must_be_entered_first_and_is_silent_after_leaving() {
    let (mut ann, mut bob) = two().await;
    let say = r#"["say",{"room":"kitchen","text":"hi"}]"#;
    ann.send(say).await;
    assert!(ann.next().await.contains("join the room first"));

    for client in [&mut ann, &mut bob] {
        client.send(r#"["join","kitchen"]"#).await;
        assert_eq!(client.next().await, r#"["joined","kitchen"]"#);
    }
    assert_eq!(ann.next().await, r#"["entered","kitchen"]"#);
    ann.send(r#"["leave","kitchen"]"#).await;
    assert_eq!(bob.next().await, r#"["left","kitchen"]"#);
    bob.send(say).await;
    assert_eq!(bob.next().await, r#"["said",{"room":"kitchen","text":"hi"}]"#);
    // The next that Ann receives is of another room.
    ann.send(r#"["join","garden"]"#).await;
    assert_eq!(ann.next().await, r#"["joined","garden"]"#);
}
