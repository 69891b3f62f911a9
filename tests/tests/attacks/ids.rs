//! Names of sockets.

use std::collections::HashSet;

use jstack_tests::server::limits;
use jstack_tests::{Client, Server};

/// Both halves of a new socket's id, and the socket.
async fn id(server: &Server) -> (u64, u64, Client) {
    let mut client = Client::open(server.address, "/api/post/chat?alone", "").await.expect("one");
    client.emit("id", "null").await.expect("sent");
    let told = client.next_text().await;
    let (_, id): (String, String) = serde_json::from_str(&told).expect("an id");
    assert_eq!(id.len(), 32, "{id}");
    let half = |range| u64::from_str_radix(&id[range], 16).expect("hexadecimal digits");
    (half(0..16), half(16..32), client)
}

/// CVE-2017-16031 (socket.io): who has seen some ids can guess others.
#[tokio::test]
async fn ids_do_not_tell_which_comes_next() {
    let server = Server::start(limits()).await;
    let mut clients = Vec::new();
    let mut locals = Vec::new();
    for _ in 0..128 {
        let (_, local, client) = id(&server).await;
        locals.push(local);
        clients.push(client);
    }
    assert_eq!(locals.iter().collect::<HashSet<_>>().len(), 128, "an id came twice");
    // Steps of one width, or of a few, are what one could count along with.
    let steps: HashSet<_> = locals.windows(2).map(|two| two[1].wrapping_sub(two[0])).collect();
    assert_eq!(steps.len(), 127, "steps come again");
    let flips: HashSet<_> = locals.windows(2).map(|two| two[1] ^ two[0]).collect();
    assert_eq!(flips.len(), 127, "flips come again");
    // Each bit is set in about half of them; 24 or fewer of 128 happen once in 10^13.
    for bit in 0..64 {
        let set = locals.iter().filter(|local| *local >> bit & 1 == 1).count();
        assert!((25..=103).contains(&set), "bit {bit} is set in {set} of 128");
    }
}

#[tokio::test]
async fn two_processes_have_no_ids_in_common() {
    let (one, two) = (Server::start(limits()).await, Server::start(limits()).await);
    let ((here, first, _one), (there, second, _two)) = (id(&one).await, id(&two).await);
    assert_ne!(here, there);
    assert_ne!(first, second, "the same count has other names in another process");
}
