//! The clients, what they hear, and what is published.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jstack_runtime::client::{Client as Api, Incoming, Sender};
use jstack_runtime::{Io, SocketId};
use jstack_tests::Client as Raw;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::app::{Rooms, Say, ToClient, ToServer, talk};
use crate::redis_support::Random;
use crate::redis_support::lossy::Lossy;

/// Rooms that a client is in for its whole life.
pub const STATIC: [&str; 3] = ["r0", "r1", "r2"];
/// Rooms that clients join and leave.
const CHANGING: [&str; 2] = ["c0", "c1"];
/// What the room of everybody is called here.
pub const EVERYBODY: &str = "*";

/// One message.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its copies, in this order: who is in an earlier room does not get a later one.
    pub rooms: Vec<String>,
    pub except_room: Option<String>,
    pub except_client: Option<usize>,
    /// The server has confirmed it.
    pub taken: bool,
}

pub struct World {
    io: Io<talk::Procedure>,
    next: AtomicU64,
    /// From this number on, everybody was there.
    pub first: AtomicU64,
    pub published: Mutex<BTreeMap<u64, Published>>,
    pub over: AtomicBool,
}

/// What a client heard.
#[derive(Clone, Debug)]
pub enum Heard {
    /// To v1 clients with its place.
    Said {
        n: u64,
        room: Option<String>,
        at: Option<(String, u64)>,
        when: Instant,
    },
    Gap {
        room: Option<String>,
        reason: &'static str,
        when: Instant,
    },
    /// A v1 client leaves a room, and has left it.
    Leaving(String),
    Left(String),
    /// It is connected (again), and in its rooms.
    Connected,
}

/// The life of one client.
#[derive(Debug)]
pub struct Log {
    pub is_v1: bool,
    pub process: usize,
    pub rooms: Vec<String>,
    pub heard: Vec<Heard>,
}

pub struct Client {
    pub log: Arc<Mutex<Log>>,
    /// Of a v1 client: the wire to its process.
    pub wire: Option<Lossy>,
    pub cut: Arc<Notify>,
    pub tasks: Vec<JoinHandle<()>>,
}

pub struct Clients(Vec<Client>);

impl World {
    pub fn new(io: Io<talk::Procedure>) -> Arc<Self> {
        Arc::new(Self {
            io,
            next: AtomicU64::new(1),
            first: AtomicU64::new(0),
            published: Mutex::default(),
            over: AtomicBool::new(false),
        })
    }

    pub fn register(
        &self,
        rooms: &[&str],
        except_room: Option<&str>,
        except: Option<usize>,
    ) -> u64 {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let published = Published {
            rooms: rooms.iter().map(|&room| room.to_owned()).collect(),
            except_room: except_room.map(str::to_owned),
            except_client: except,
            taken: false,
        };
        self.published.lock().unwrap().insert(n, published);
        n
    }

    pub fn taken(&self, n: u64) {
        self.published.lock().unwrap().get_mut(&n).unwrap().taken = true;
    }

    /// Publishes one message; whether it was taken.
    async fn publish(&self, rooms: &[&str], except_room: Option<&str>) -> (u64, bool) {
        let n = self.register(rooms, except_room, None);
        let mut target = if rooms == [EVERYBODY] { self.io.all() } else { self.io.to(rooms[0]) };
        for &room in &rooms[1..] {
            target = target.to(room);
        }
        if let Some(room) = except_room {
            target = target.except_room(room);
        }
        let is_taken = target.said(&n).await.is_ok();
        if is_taken {
            self.taken(n);
        }
        (n, is_taken)
    }

    pub fn publish_at_random(self: &Arc<Self>, seed: u64) -> JoinHandle<()> {
        let (this, mut random) = (self.clone(), Random(seed | 1));
        tokio::spawn(async move {
            while !this.over.load(Ordering::Acquire) {
                let room = STATIC[random.below(STATIC.len())];
                let other = STATIC[random.below(STATIC.len())];
                match random.below(10) {
                    0 => drop(this.publish(&[EVERYBODY], None).await),
                    1 | 2 if room != other => drop(this.publish(&[room, other], None).await),
                    3 if room != other => drop(this.publish(&[room], Some(other)).await),
                    4 => drop(this.publish(&[CHANGING[random.below(2)]], None).await),
                    5 => {
                        // Several wait together.
                        let all = (0..6).map(|_| this.publish(std::slice::from_ref(&room), None));
                        futures_util::future::join_all(all).await;
                    }
                    _ => drop(this.publish(&[room], None).await),
                }
                sleep(Duration::from_millis(random.below(40) as u64)).await;
            }
        })
    }
}

impl Clients {
    /// So many clients at these ports, a quarter of them stock clients.
    pub async fn start(world: &Arc<World>, ports: &[u16], count: usize) -> Self {
        Self::start_with(world, ports, count, Vec::new()).await
    }

    /// The same, and others beside them.
    pub async fn start_with(
        world: &Arc<World>,
        ports: &[u16],
        count: usize,
        others: Vec<Client>,
    ) -> Self {
        let mut clients = Vec::new();
        for n in 0..count {
            let process = n % ports.len();
            let mut rooms = vec![STATIC[n % 3]];
            if n % 2 == 0 {
                rooms.push(STATIC[(n + 1) % 3]);
            }
            clients.push(if n % 8 < 6 {
                v1(world, n, process, ports[process], &rooms).await
            } else {
                stock(process, ports[process], &rooms)
            });
        }
        clients.extend(others);
        let clients = Self(clients);
        // Before this, some are not in their rooms yet.
        clients.settle(world).await;
        world.first.store(world.next.load(Ordering::Relaxed), Ordering::Relaxed);
        clients
    }

    pub fn cut_one(&self, random: &mut Random) {
        let client = &self.0[random.below(self.0.len())];
        match &client.wire {
            Some(wire) => wire.cut(),
            None => client.cut.notify_one(),
        }
    }

    /// Publishes to each room until everybody has heard one of these last messages there.
    pub async fn settle(&self, world: &World) {
        let mut last: HashMap<&str, BTreeSet<u64>> = HashMap::new();
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            for room in STATIC.iter().chain(&[EVERYBODY]) {
                if let (n, true) = world.publish(&[room], None).await {
                    last.entry(room).or_default().insert(n);
                }
            }
            sleep(Duration::from_millis(500)).await;
            let late: Vec<_> = self.0.iter().filter(|client| !client.has_heard(&last)).collect();
            let Some(client) = late.first() else { return };
            let log = client.log.lock().unwrap();
            assert!(
                Instant::now() < until,
                "{} clients have not heard the end, as this one in {:?}: {:?}",
                late.len(),
                log.rooms,
                log.heard.iter().rev().take(8).collect::<Vec<_>>()
            );
        }
    }

    pub async fn end(self) -> Vec<Log> {
        let mut logs = Vec::new();
        for client in self.0 {
            client.tasks.iter().for_each(JoinHandle::abort);
            for task in client.tasks {
                let _ = task.await;
            }
            let mut log = client.log.lock().unwrap();
            let heard = std::mem::take(&mut log.heard);
            logs.push(Log { heard, rooms: log.rooms.clone(), ..*log });
        }
        logs
    }
}

impl Client {
    fn has_heard(&self, last: &HashMap<&str, BTreeSet<u64>>) -> bool {
        let log = self.log.lock().unwrap();
        let is_one = |heard: &Heard, of: &BTreeSet<u64>| matches!(heard, Heard::Said { n, .. } if of.contains(n));
        let has = |room: &str| {
            last.get(room).is_some_and(|of| log.heard.iter().rev().any(|heard| is_one(heard, of)))
        };
        has(EVERYBODY) && log.rooms.iter().all(|room| has(room))
    }
}

pub fn log(is_v1: bool, process: usize, rooms: &[&str]) -> Arc<Mutex<Log>> {
    let rooms = rooms.iter().map(|&room| room.to_owned()).collect();
    Arc::new(Mutex::new(Log { is_v1, process, rooms, heard: Vec::new() }))
}

async fn v1(world: &Arc<World>, index: usize, process: usize, port: u16, rooms: &[&str]) -> Client {
    let log = log(true, process, rooms);
    let wire = Lossy::plain(port).await;
    let api = Api::new(&format!("http://127.0.0.1:{}/api", wire.port)).unwrap();
    let dial = api.ws::<talk::Procedure>("post/talk").params(&Rooms { rooms: rooms.join("-") });
    let dial = dial.backoff(Duration::from_millis(100), Duration::from_secs(1));
    let mut socket = dial
        .connect_timeout(Duration::from_secs(3))
        .request_timeout(Duration::from_secs(4))
        .open()
        .unwrap();
    let sender = socket.sender();
    let listening = tokio::spawn({
        let log = log.clone();
        async move {
            while let Some(incoming) = socket.next().await {
                let heard = match incoming {
                    Incoming::Event(ToClient::Said(n), meta) => Heard::Said {
                        n,
                        room: meta.room,
                        at: meta.at.map(|at| (at.epoch, at.offset)),
                        when: Instant::now(),
                    },
                    Incoming::Event(ToClient::Leaving(room), _) => Heard::Leaving(room),
                    Incoming::Event(ToClient::Left(room), _) => Heard::Left(room),
                    Incoming::Event(ToClient::Ready(()), _) => Heard::Connected,
                    Incoming::Gap(gap) => Heard::Gap {
                        room: gap.room,
                        reason: gap.reason.as_str(),
                        when: Instant::now(),
                    },
                    _ => continue,
                };
                log.lock().unwrap().heard.push(heard);
            }
        }
    });
    let acting = tokio::spawn(act(world.clone(), index, sender));
    Client { log, wire: Some(wire), cut: Arc::default(), tasks: vec![listening, acting] }
}

/// Speaks, joins and leaves at random.
async fn act(world: Arc<World>, index: usize, sender: Sender<talk::Procedure>) {
    let mut random = Random(0x51_7C_C1 + index as u64 * 0x9E37);
    while !world.over.load(Ordering::Acquire) {
        sleep(Duration::from_millis(300 + random.below(1_500) as u64)).await;
        let room = CHANGING[random.below(CHANGING.len())];
        match random.below(4) {
            0 => {
                // Redis may be away: then it stays outside for a while.
                drop(sender.confirm(&ToServer::Leave(room.to_owned())).await);
                drop(sender.confirm(&ToServer::Join(room.to_owned())).await);
            }
            quiet => {
                let room = STATIC[random.below(STATIC.len())];
                let quiet =
                    quiet == 1 && sender.id().is_some_and(|id| id.parse::<SocketId>().is_ok());
                let except = quiet.then_some(index);
                let n = world.register(&[room], None, except);
                let say = Say { n, room: room.to_owned(), quiet };
                if sender.confirm(&ToServer::Say(say)).await.is_ok() {
                    world.taken(n);
                }
            }
        }
    }
}

fn stock(process: usize, port: u16, rooms: &[&str]) -> Client {
    let (log, cut) = (log(false, process, rooms), Arc::new(Notify::new()));
    let path = format!("/api/post/talk?rooms={}", rooms.join("-"));
    let task = tokio::spawn({
        let (log, cut) = (log.clone(), cut.clone());
        async move {
            loop {
                let opened = timeout(
                    Duration::from_secs(3),
                    Raw::open(([127, 0, 0, 1], port).into(), &path, ""),
                );
                if let Ok(Ok(client)) = opened.await {
                    tokio::select! {
                        () = listen(client, &log) => {}
                        () = cut.notified() => {}
                    }
                }
                sleep(Duration::from_millis(200)).await;
            }
        }
    });
    Client { log, wire: None, cut, tasks: vec![task] }
}

/// Notes what a stock client hears until its connection ends.
async fn listen(mut client: Raw, log: &Mutex<Log>) {
    let mut is_ready = false;
    loop {
        let text = client.next_text().await;
        if text.is_empty() {
            return;
        }
        let heard = match serde_json::from_str::<(String, serde_json::Value)>(&text).unwrap() {
            (name, _) if name == "ready" => {
                is_ready = true;
                Heard::Connected
            }
            (name, n) if name == "said" && is_ready => {
                let n = n.as_u64().unwrap();
                Heard::Said { n, room: None, at: None, when: Instant::now() }
            }
            _ => continue,
        };
        log.lock().unwrap().heard.push(heard);
    }
}
