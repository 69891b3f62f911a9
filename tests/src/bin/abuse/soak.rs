//! Abuse at random beside clients that behave, for as long as one likes.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::BoxError;
use jstack_tests::attacks::{ATTACKS, Dice};
use jstack_tests::process::cpu;
use jstack_tests::{Client, Frame};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::other::Other;

const WELL_BEHAVED: usize = 200;
const ATTACKERS: u64 = 12;
/// How often one of the well-behaved says something: a lively chat, and 10,000 deliveries a second.
const SAYS_EVERY: Duration = Duration::from_secs(4);
/// An attacker rests for up to so long, so that the machine is not what is tested.
const REST: usize = 2_000;
/// Longer than any limit that ends an attack.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the clients that behave found wrong.
#[derive(Default)]
struct Findings {
    said: AtomicU64,
    heard: AtomicU64,
    lost_or_twice: AtomicU64,
    errors: AtomicU64,
    closed: AtomicU64,
    /// From saying to hearing oneself, in microseconds.
    round_trips: Mutex<Vec<u32>>,
}

/// How often an attack was made, by how it ended.
#[derive(Default)]
struct Tally {
    over: AtomicU64,
    refused: AtomicU64,
    outlived: AtomicU64,
}

pub(crate) async fn soak(length: Duration) -> Result<(), BoxError> {
    let mut other = Other::start().await;
    let findings = Arc::new(Findings::default());
    let stop = Arc::new(AtomicBool::new(false));
    let mut well = JoinSet::new();
    let mut ready = Vec::new();
    for n in 0..WELL_BEHAVED {
        let client = Client::chat(other.address).await?;
        let (tell, told) = tokio::sync::oneshot::channel();
        ready.push(tell);
        well.spawn(behave(n, client, told, findings.clone(), stop.clone()));
    }
    for tell in ready {
        let _ = tell.send(());
    }
    tokio::time::sleep(Duration::from_secs(5).min(length)).await;
    let start = Instant::now();
    let before = figures(&mut other, start).await;
    let descriptors = other.descriptors();
    let tallies: Arc<[Tally]> = ATTACKS.iter().map(|_| Tally::default()).collect();
    let mut attackers = JoinSet::new();
    for n in 0..ATTACKERS {
        attackers.spawn(abuse(other.address, Dice::new(n + 1), start + length, tallies.clone()));
    }
    while start.elapsed() < length {
        tokio::time::sleep((length / 6).min(Duration::from_secs(60))).await;
        figures(&mut other, start).await;
    }
    while attackers.join_next().await.is_some() {}
    let calm = async {
        while other.sockets().await > WELL_BEHAVED as u64 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(15), calm).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("the attackers are gone");
    let after = figures(&mut other, start).await;
    let (sockets, left) = (other.sockets().await, other.descriptors());
    stop.store(true, Ordering::Release);
    while well.join_next().await.is_some() {}
    print!("{}", table(&tallies));
    let attacks = tallies.iter().map(|tally| get(&tally.over)).sum::<u64>();
    report(&findings);
    println!(
        "{attacks} attacks in {:.1} minutes; heap {before} KiB before, {after} after; {sockets} sockets \
         and {left} descriptors after, {descriptors} before; CPU: server {:.0?}, clients {:.0?}",
        length.as_secs_f64() / 60.0,
        other.cpu(),
        cpu("self"),
    );
    let (said, heard) = (get(&findings.said), get(&findings.heard));
    let wrong = [&findings.lost_or_twice, &findings.errors, &findings.closed].map(get);
    let complete = wrong == [0; 3] && said > 0 && heard == said * WELL_BEHAVED as u64;
    let leak = after > before + 1024 || sockets != WELL_BEHAVED as u64 || left > descriptors;
    let unbroken = tallies.iter().all(|tally| get(&tally.outlived) == 0);
    if complete && !leak && unbroken {
        println!("verdict: good");
        return Ok(());
    }
    Err(format!("verdict: bad (complete {complete}, leak {leak}, attacks ended {unbroken})").into())
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Acquire)
}

/// Prints the server's memory and returns its heap, in KiB.
async fn figures(other: &mut Other, start: Instant) -> u64 {
    let heap = other.heap().await;
    println!(
        "{:5.1} min: {} KiB resident, {heap} KiB heap, {} sockets, {} descriptors",
        start.elapsed().as_secs_f64() / 60.0,
        other.resident(),
        other.sockets().await,
        other.descriptors(),
    );
    heap
}

fn report(findings: &Findings) {
    let said = get(&findings.said);
    println!(
        "{said} messages said, {} heard of {} expected; {} lost or twice, {} errors, {} closed",
        get(&findings.heard),
        said * WELL_BEHAVED as u64,
        get(&findings.lost_or_twice),
        get(&findings.errors),
        get(&findings.closed),
    );
    let mut trips = findings.round_trips.lock();
    trips.sort_unstable();
    if let Some(last) = trips.len().checked_sub(1) {
        let at = |thousandth: usize| Duration::from_micros(trips[last * thousandth / 1000].into());
        println!("hearing oneself: p50 {:.2?}, p99 {:.2?}, max {:.2?}", at(500), at(990), at(1000));
    }
}

fn table(tallies: &[Tally]) -> String {
    let mut table = format!("{:26} {:>8} {:>8} {:>8}\n", "attack", "ended", "refused", "outlived");
    for (attack, tally) in ATTACKS.iter().zip(tallies) {
        let [over, refused, outlived] = [&tally.over, &tally.refused, &tally.outlived].map(get);
        let _ = writeln!(table, "{attack:26} {over:>8} {refused:>8} {outlived:>8}");
    }
    table
}

/// One attack after the other, chosen by dice.
async fn abuse(
    address: std::net::SocketAddr,
    mut dice: Dice,
    until: Instant,
    tallies: Arc<[Tally]>,
) {
    while Instant::now() < until {
        let which = dice.next(ATTACKS.len());
        let (tally, attack) = (&tallies[which], ATTACKS[which].run(address));
        let counter = match tokio::time::timeout(PATIENCE, attack).await {
            Ok(Ok(())) => &tally.over,
            Ok(Err(_)) => &tally.refused,
            Err(_) => &tally.outlived,
        };
        counter.fetch_add(1, Ordering::AcqRel);
        let rest = u64::try_from(dice.next(REST)).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(rest)).await;
    }
}

/// Says something now and then, and hears everyone in order and once.
async fn behave(
    me: usize,
    mut client: Client,
    ready: tokio::sync::oneshot::Receiver<()>,
    findings: Arc<Findings>,
    stop: Arc<AtomicBool>,
) {
    let _ = ready.await;
    let mut next: HashMap<usize, u64> = HashMap::new();
    let (mut said, mut quiet_since) = (0u64, None::<Instant>);
    let mut said_at = Instant::now();
    let mut due = said_at + SAYS_EVERY * u32::try_from(me).unwrap_or(0) / 200;
    loop {
        if stop.load(Ordering::Acquire) {
            let quiet = quiet_since.get_or_insert_with(Instant::now);
            if quiet.elapsed() > Duration::from_secs(3) {
                return;
            }
        } else if Instant::now() >= due {
            due += SAYS_EVERY;
            said_at = Instant::now();
            if client.emit("say", &format!("\"{me}:{said}\"")).await.is_err() {
                findings.closed.fetch_add(1, Ordering::AcqRel);
                return;
            }
            said += 1;
            findings.said.fetch_add(1, Ordering::AcqRel);
        }
        let wait = due.saturating_duration_since(Instant::now()).min(Duration::from_secs(1));
        // Reading only fills the client's buffer: nothing is lost when the time is up.
        match tokio::time::timeout(wait, client.next()).await {
            Err(_) | Ok(Frame::Control(..)) => {}
            Ok(Frame::Text(text)) => {
                let Some((who, count)) = spoken(&text) else {
                    findings.errors.fetch_add(1, Ordering::AcqRel);
                    continue;
                };
                findings.heard.fetch_add(1, Ordering::AcqRel);
                let expected = next.insert(who, count + 1).unwrap_or_default();
                if expected != count {
                    findings.lost_or_twice.fetch_add(1, Ordering::AcqRel);
                }
                if who == me {
                    let micros = u32::try_from(said_at.elapsed().as_micros()).unwrap_or(u32::MAX);
                    findings.round_trips.lock().push(micros);
                }
            }
            Ok(Frame::Close(..) | Frame::End) => {
                findings.closed.fetch_add(1, Ordering::AcqRel);
                return;
            }
        }
    }
}

/// Who said it, and what number it has.
fn spoken(text: &str) -> Option<(usize, u64)> {
    let said = text.strip_prefix("[\"say\",\"")?.strip_suffix("\"]")?;
    let (who, count) = said.split_once(':')?;
    Some((who.parse().ok()?, count.parse().ok()?))
}
