//! The npm client in the same rooms: one Node process with several clients, which writes what they hear.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::time::sleep;

use crate::clients::{Client, Heard, Log, STATIC, World, log};
use crate::redis_support::Random;
use crate::redis_support::lossy::Lossy;

/// So many clients at these ports, each on a wire of its own.
pub async fn start(world: &Arc<World>, ports: &[u16], count: usize) -> Vec<Client> {
    let (mut clients, mut places, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..count {
        let process = n % ports.len();
        let wire = Lossy::plain(ports[process]).await;
        let rooms = [STATIC[n % 3], STATIC[(n + 1) % 3]];
        let log = log(true, process, &rooms);
        places.push(json!({ "port": wire.port, "rooms": rooms.join("-") }));
        logs.push(log.clone());
        clients.push(Client { log, wire: Some(wire), cut: Arc::default(), tasks: Vec::new() });
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/js");
    assert!(
        folder.join("dist/index.js").exists() && folder.join("node_modules/ws").exists(),
        "the npm client is not built: `./check` does it, or `npm ci && npm run build` in clients/js"
    );
    let mut node = Command::new("node")
        .args(["test/oracle.mjs", &Value::from(places).to_string()])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Node");
    let lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let orders = node.stdin.take().unwrap();
    clients[0].tasks.push(tokio::spawn({
        let world = world.clone();
        async move {
            let mut lines = lines;
            while let Ok(Some(line)) = lines.next_line().await {
                note(&world, &logs, &serde_json::from_str(&line).expect("a line of JSON"));
            }
            panic!("the npm clients have ended: {:?}", node.wait().await);
        }
    }));
    clients[0].tasks.push(tokio::spawn(act(world.clone(), orders, count)));
    clients
}

fn note(world: &World, logs: &[Arc<Mutex<Log>>], line: &Value) {
    let room = || line["room"].as_str().map(str::to_owned);
    let when = Instant::now();
    let heard = if let Some(n) = line["said"].as_u64() {
        let epoch = line["at"][0].as_str().expect("an epoch").to_owned();
        let at = Some((epoch, line["at"][1].as_u64().expect("an offset")));
        Heard::Said { n, room: room(), at, when }
    } else if let Some(reason) = line["gap"].as_str() {
        const REASONS: [&str; 5] = ["offline", "expired", "reset", "broker", "overload"];
        let reason = REASONS.into_iter().find(|it| *it == reason).expect("a reason");
        Heard::Gap { room: room(), reason, when }
    } else if let Some(n) = line["taken"].as_u64() {
        return world.taken(n);
    } else if line["ready"] == true {
        Heard::Connected
    } else {
        // What a server away makes of a request is the caller's; these two are faults.
        assert!(line["error"] != "malformed" && line["error"] != "thrown", "{line}");
        return;
    };
    let client = line["client"].as_u64().expect("which client");
    logs[client as usize].lock().unwrap().heard.push(heard);
}

/// Lets them speak at random.
async fn act(world: Arc<World>, mut orders: ChildStdin, count: usize) {
    let mut random = Random(0x0A_C1_E5);
    while !world.over.load(Ordering::Acquire) {
        sleep(Duration::from_millis(50 + random.below(300) as u64)).await;
        let room = STATIC[random.below(STATIC.len())];
        let n = world.register(&[room], None, None);
        let client = random.below(count);
        let order = json!({ "client": client, "n": n, "room": room, "quiet": false });
        orders.write_all(format!("{order}\n").as_bytes()).await.expect("they live");
    }
    // Its end would end them.
    std::future::pending::<()>().await;
    drop(orders);
}
