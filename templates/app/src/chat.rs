//! A first feature, to be replaced by yours: messages that everybody sees.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jstack_runtime::prelude::*;

/// How many messages the history keeps.
const KEPT: usize = 50;

/// A message. Its rules apply to what clients send and to what they receive.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Message {
    /// The sender's name.
    #[garde(length(chars, min = 1, max = 40))]
    pub author: String,
    /// Its text.
    #[garde(length(chars, min = 1, max = 1000))]
    pub text: String,
}

/// The last messages, in memory: your database comes here.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<VecDeque<Message>>>);

impl History {
    fn add(&self, message: Message) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == KEPT {
            messages.pop_front();
        }
        messages.push_back(message);
    }
}

/// The events that clients send, and that they receive.
#[derive(Clone, Debug, Events)]
pub enum Chat {
    /// A message for everybody.
    Message(Message),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
pub mod chat {
    use super::*;

    #[on(Message)]
    async fn message(io: Io, State(history): State<History>, message: Message) -> Result {
        history.add(message.clone());
        io.all().message(&message).await
    }
}

/// The last messages, oldest first.
#[procedure(get)]
pub async fn recent(State(history): State<History>) -> Vec<Message> {
    let messages = history.0.lock().unwrap_or_else(PoisonError::into_inner);
    messages.iter().cloned().collect()
}

pub fn router() -> Router<History> {
    router![chat, recent]
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio::net::TcpListener;
    use tokio_tungstenite::connect_async;

    #[tokio::test]
    async fn everybody_sees_a_message() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/api/post/chat", listener.local_addr().unwrap());
        tokio::spawn(crate::app().serve_on(listener));
        let (mut ann, _) = connect_async(&url).await.unwrap();
        let (mut bob, _) = connect_async(&url).await.unwrap();
        let frame = r#"["message",{"author":"Ann","text":"hello"}]"#;
        ann.send(frame.into()).await.unwrap();
        for client in [&mut ann, &mut bob] {
            assert_eq!(client.next().await.unwrap().unwrap().to_string(), frame);
        }
    }
}
