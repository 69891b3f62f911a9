//! A room with a history under fire: cuts, delays, lost frames, refused and failing reads, a log that
//! is too short, a memory that begins again. The oracle knows all that was said: each message arrives
//! once and in order, or a gap says that it did not.
//!
//! The state has no I/O, so that a seed plays the same story each time. `JSTACK_FUZZ` sets how many are
//! played, and `JSTACK_FUZZ_SEED` the first one.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use super::{Core, Item, Options, Phase};
use crate::client::closing::End;
use crate::client::failure;

/// Numbers that repeat (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True in so many of a thousand cases.
    fn chance(&mut self, permille: u64) -> bool {
        self.next() % 1000 < permille
    }
}

/// What is on its way to the client.
enum Down {
    Frame(String),
    /// `$room`, as the room is when it arrives: from then on the connection hears it.
    Join,
}

/// The connection, as the server has it.
struct Connection {
    id: String,
    joined: bool,
    down: VecDeque<Down>,
}

/// One message that was said: where, and the connection that was not to hear it.
struct Said {
    epoch: u64,
    offset: u64,
    except: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Message(u64, u64),
    Gap,
}

struct Story {
    dice: Dice,
    faults: bool,
    /// How many messages the log has at most.
    keep: usize,
    epoch: u64,
    top: u64,
    said: Vec<Said>,
    connections: u64,
    connection: Option<Connection>,
    core: Core,
    heard: Vec<Heard>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let backoff = (Duration::from_millis(1), Duration::from_millis(8));
        Self {
            dice: Dice(seed),
            faults: true,
            keep: if seed.is_multiple_of(3) { 12 } else { 1000 },
            epoch: 1,
            top: 0,
            said: Vec::new(),
            connections: 0,
            connection: None,
            core: Core::new(Options { backoff, ..Options::default() }),
            heard: Vec::new(),
        }
    }

    fn fault(&mut self, permille: u64) -> bool {
        self.faults && self.dice.chance(permille)
    }

    // ---------------------------------------------------------------------------------- the server

    /// The log of this epoch.
    fn log(&self) -> &[Said] {
        let begin = self.said.iter().position(|said| said.epoch == self.epoch);
        let log = &self.said[begin.unwrap_or(self.said.len())..];
        &log[log.len().saturating_sub(self.keep)..]
    }

    fn say(&mut self) {
        self.top += 1;
        let listens =
            self.connection.as_ref().filter(|open| open.joined).map(|open| open.id.clone());
        let except = listens.filter(|_| self.fault(100));
        let offset = self.top;
        let frame = match &except {
            Some(_) => json!(["$at", { "r": "r", "o": offset }]),
            None => json!(["m", format!("{}:{offset}", self.epoch), { "r": "r", "o": offset }]),
        };
        self.said.push(Said { epoch: self.epoch, offset, except });
        if !self.fault(50) {
            self.send_to_members(&frame);
        }
    }

    fn reset(&mut self) {
        self.epoch += 1;
        self.top = 0;
        let epoch = format!("e{}", self.epoch);
        self.send_to_members(&json!(["$room", { "r": "r", "in": true, "e": epoch, "o": 0 }]));
    }

    fn name_the_place(&mut self) {
        let place = json!([format!("e{}", self.epoch), self.top]);
        self.send_to_members(&json!(["$pos", { "r": place }]));
    }

    fn send_to_members(&mut self, frame: &Value) {
        if let Some(open) = self.connection.as_mut().filter(|open| open.joined) {
            open.down.push_back(Down::Frame(frame.to_string()));
        }
    }

    /// Answers a frame of the client.
    fn answer(&mut self, frame: &str) {
        let frame: Value = serde_json::from_str(frame).unwrap();
        assert_eq!(frame[0], "$history", "the client says nothing else here");
        let id = json!({ "i": frame[2]["i"] });
        let answer = if self.fault(100) {
            json!(["$err", { "code": "unavailable", "message": "later", "status": 503 }, id])
        } else if self.fault(20) {
            json!(["$err", { "code": "failed", "message": "no", "status": 500 }, id])
        } else {
            json!(["$ok", self.page(&frame[1]), id])
        };
        if let Some(open) = &mut self.connection {
            open.down.push_back(Down::Frame(answer.to_string()));
        }
    }

    fn page(&self, range: &Value) -> Value {
        let epoch = format!("e{}", self.epoch);
        let is_reset = range["after"][0] != epoch;
        let from = if is_reset { 0 } else { range["after"][1].as_u64().unwrap() };
        let log = self.log();
        let first = log.first().map_or(self.top + 1, |said| said.offset);
        let me = self.connection.as_ref().map(|open| open.id.clone());
        let was = range["was"].as_str().map(str::to_owned);
        let rest: Vec<_> = log.iter().filter(|said| said.offset > from).collect();
        let items: Vec<_> = rest
            .iter()
            .take(7)
            .map(|said| match &said.except {
                Some(except) if [&me, &was].contains(&&Some(except.clone())) => {
                    json!(["", null, said.offset, 0])
                }
                _ => json!(["m", format!("{}:{}", said.epoch, said.offset), said.offset, 0]),
            })
            .collect();
        let mut page = json!({ "e": epoch, "o": self.top, "more": items.len() < rest.len() });
        page["items"] = items.into();
        if is_reset || first > from + 1 {
            page["gap"] = json!(if is_reset { "reset" } else { "expired" });
        }
        page
    }

    // -------------------------------------------------------------------------------- the connection

    fn cut(&mut self) {
        if self.connection.take().is_some() {
            self.core.ended(1006, "");
        }
    }

    /// An attempt: it fails, or there is a connection.
    fn dial(&mut self) {
        let offered = self.core.begin();
        if !offered || self.fault(150) {
            return self.core.missed(End::of(failure::connect("refused")), offered);
        }
        self.core.shaken(true);
        self.connections += 1;
        let id = format!("s{}", self.connections);
        let welcome = json!(["$welcome", { "v": 1, "id": id, "ping": 25_000, "history": true }]);
        let down = VecDeque::from([Down::Frame(welcome.to_string()), Down::Join]);
        self.connection = Some(Connection { id, joined: false, down });
    }

    /// The next frame arrives.
    fn deliver(&mut self) {
        let (epoch, top) = (format!("e{}", self.epoch), self.top);
        let Some(open) = &mut self.connection else { return };
        match open.down.pop_front() {
            Some(Down::Frame(text)) => self.core.receive(&text),
            Some(Down::Join) => {
                open.joined = true;
                let place = json!(["$room", { "r": "r", "in": true, "e": epoch, "o": top }]);
                self.core.receive(&place.to_string());
            }
            None => {}
        }
    }

    /// Does what the engine would do now.
    fn turn(&mut self) {
        match self.core.phase {
            Phase::Dial => self.dial(),
            Phase::Opening => self.core.up(),
            _ => {}
        }
        if self.core.deadline().is_some_and(|due| due <= Instant::now()) {
            self.core.tick();
        }
        for frame in std::mem::take(&mut self.core.out) {
            self.answer(&frame);
        }
        while let Some(item) = self.core.pop() {
            match item {
                Item::Event { data, meta, .. } => {
                    let at = meta.at.unwrap();
                    assert_eq!(data, format!("\"{}:{}\"", &at.epoch[1..], at.offset));
                    self.heard.push(Heard::Message(at.epoch[1..].parse().unwrap(), at.offset));
                }
                Item::Gap(gap) => {
                    assert_eq!(gap.room.as_deref(), Some("r"));
                    self.heard.push(Heard::Gap);
                }
                Item::Error { error, .. } => assert_eq!(error.code(), "failed", "{error}"),
            }
        }
    }

    fn place(&self) -> Option<(String, u64)> {
        self.core.room("r").1.map(|at| (at.epoch, at.offset))
    }

    async fn play(&mut self) {
        while self.place().is_none() {
            self.turn();
            self.deliver();
            advance(Duration::from_millis(1)).await;
        }
        let (_, begin) = self.place().unwrap();
        self.said.drain(..usize::try_from(begin).unwrap());
        for _ in 0..60 + self.dice.next() % 200 {
            match self.dice.next() % 1000 {
                0..500 => self.say(),
                500..530 => self.cut(),
                530..560 => self.name_the_place(),
                560..564 => self.reset(),
                _ => {}
            }
            for _ in 0..self.dice.next() % 4 {
                self.deliver();
                self.turn();
            }
            self.turn();
            advance(Duration::from_millis(self.dice.next() % 4)).await;
        }
        self.faults = false;
        let end = (format!("e{}", self.epoch), self.top);
        for _ in 0..20_000 {
            let is_quiet = self.connection.as_ref().is_some_and(|open| open.down.is_empty());
            if is_quiet && self.place().as_ref() == Some(&end) {
                // What has arrived is still to be heard.
                return self.turn();
            }
            if is_quiet {
                self.name_the_place();
            }
            self.turn();
            self.deliver();
            advance(Duration::from_millis(1)).await;
        }
        panic!("it stayed at {:?}, not at {end:?}", self.place());
    }

    /// Walks through all that was said, with what was heard of it.
    fn check(&self) -> Result<(), String> {
        let mut next = 0;
        let mut explained = false;
        let unheard = |range: &[Said]| range.iter().any(|said| said.except.is_none());
        for heard in &self.heard {
            let Heard::Message(epoch, offset) = heard else {
                explained = true;
                continue;
            };
            let at = self.said[next..]
                .iter()
                .position(|said| (said.epoch, said.offset) == (*epoch, *offset))
                .ok_or_else(|| format!("{epoch}:{offset} is heard twice or out of order"))?;
            if !explained && unheard(&self.said[next..next + at]) {
                return Err(format!("messages before {epoch}:{offset} are missing"));
            }
            explained = false;
            next += at + 1;
        }
        if !explained && unheard(&self.said[next..]) {
            return Err("messages are missing at the end".to_owned());
        }
        Ok(())
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(start_paused = true)]
async fn each_message_arrives_once_in_order_or_a_gap_says_so() {
    let first = number("JSTACK_FUZZ_SEED", 1);
    let (mut messages, mut gaps, mut dials) = (0, 0, 0);
    for seed in first..first + number("JSTACK_FUZZ", 300) {
        let mut story = Story::new(seed);
        story.play().await;
        let verdict = story.check();
        assert_eq!(verdict, Ok(()), "seed {seed}: {:?}", story.heard);
        gaps += story.heard.iter().filter(|heard| **heard == Heard::Gap).count();
        messages += story.heard.len();
        dials += story.connections;
    }
    // The stories are not tame.
    assert!(messages > 100 * gaps / 50 && gaps > 0 && dials > 300, "{messages} {gaps} {dials}");
}

#[test]
fn the_oracle_notices_what_is_lost_doubled_or_out_of_order() {
    let mut story = Story::new(1);
    let said = |offset| Said { epoch: 1, offset, except: None };
    story.said = vec![said(1), said(2), said(3)];
    let mut verdict = |offsets: &[u64]| {
        story.heard = offsets.iter().map(|offset| Heard::Message(1, *offset)).collect();
        story.check().is_ok()
    };
    assert!(verdict(&[1, 2, 3]));
    for wrong in [&[1, 3][..], &[1, 2], &[1, 2, 2, 3], &[2, 1, 3], &[]] {
        assert!(!verdict(wrong), "{wrong:?}");
    }
    story.heard = vec![Heard::Message(1, 1), Heard::Gap, Heard::Message(1, 3)];
    assert_eq!(story.check(), Ok(()));
}
