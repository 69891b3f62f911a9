//! Talks to the server whose base URL is the first argument, and prints what it hears.

use std::time::Duration;

use client_only::{Draft, Page, Recent, Room, ToClient};
use jstack_runtime::BoxError;
use jstack_runtime::client::{Client, Incoming};
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let base = std::env::args().nth(1).ok_or("the first argument is the base URL")?;
    timeout(Duration::from_secs(20), talk(&base)).await??;
    Ok(())
}

async fn talk(base: &str) -> jstack_runtime::Result {
    let client = Client::new(base)?;
    let mut room = client.ws::<Room>("post/room").connect().await?;
    room.on_ask(|events| &events.confirm, |question| async move { Ok(question == "sure?") });

    let refused = room.request().save(&Draft { text: String::new() }).await;
    println!("refused {:?}", refused.map_err(|error| error.code().to_owned()));
    println!("saved {}", room.request().save(&Draft { text: "hello".into() }).await?);
    while let Some(incoming) = room.next().await {
        if let Incoming::Event(ToClient::Saved(post), _) = incoming {
            println!("heard {} {}", post.id, post.text);
            break;
        }
    }
    println!("here {}", room.presence("room").count().await?);
    println!("recent {:?}", client.get::<Recent>("post/recent", &Page { limit: 5 }).await?);
    Ok(())
}
