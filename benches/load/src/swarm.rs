//! All connections on one poller, polled without sleeping.
//!
//! A client that sleeps must be woken by the server's `send`; on a virtual machine that interrupt
//! costs the server more than the sending itself, and slow servers, whose client sleeps more,
//! would pay more for each delivery.

use std::io;
use std::ops::Range;
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::args::{Args, Dialect, Kind, Publish};
use crate::connection::{Connection, Phase};
use crate::histogram::Histogram;
use crate::wire::{self, Stamp, Template};

/// Connections that are being set up at a time.
const PARALLEL: usize = 64;
const INPUT: usize = 256 * 1024;
/// A poll that found nothing and took longer was interrupted: that was not our CPU time.
const LONGEST_POLL: u64 = 2_000;

/// What has happened so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) latency: Histogram,
    /// Nanoseconds of polling that found nothing.
    pub(crate) polled: u64,
}

pub(crate) struct Swarm {
    pub(crate) args: Args,
    pub(crate) connections: Vec<Connection>,
    pub(crate) tally: Tally,
    pub(crate) open: usize,
    pub(crate) broken: u64,
    /// What comes back is answered with the next message.
    pub(crate) looping: bool,
    /// In an open loop: when it began, and how many messages were due since.
    pub(crate) paced: Option<(u64, u64)>,
    pub(crate) epoll: Epoll,
    epoch: Instant,
    setting_up: usize,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Swarm {
    pub(crate) fn new(args: Args) -> io::Result<Self> {
        Ok(Self {
            connections: Vec::with_capacity(args.connections + args.stalled),
            args,
            tally: Tally::default(),
            open: 0,
            broken: 0,
            looping: false,
            paced: None,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            epoch: Instant::now(),
            setting_up: 0,
            input: vec![0; INPUT],
            output: Vec::new(),
        })
    }

    /// Nanoseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// All that there should be, the ones that will stall included.
    pub(crate) fn total(&self) -> usize {
        self.args.connections + self.args.stalled + self.args.flood
    }

    /// The connections that will stall.
    pub(crate) fn stalls(&self) -> Range<usize> {
        self.args.connections..self.args.connections + self.args.stalled
    }

    /// The connections that flood.
    pub(crate) fn floods(&self) -> Range<usize> {
        self.args.connections + self.args.stalled..self.total()
    }

    /// Serves the connections for `secs`, or until `done`.
    pub(crate) fn pump(&mut self, secs: f64, done: impl Fn(&Self) -> bool) -> io::Result<()> {
        let end = self.now() + (secs * 1e9) as u64;
        let mut events = vec![EpollEvent::empty(); 512];
        while !done(self) {
            let before = self.now();
            if before >= end {
                break;
            }
            self.send_what_is_due()?;
            let ready = self.epoll.wait(&mut events, EpollTimeout::ZERO)?;
            if ready == 0 {
                self.tally.polled += (self.now() - before).min(LONGEST_POLL);
            }
            for event in &events[..ready] {
                self.event(event.data() as usize, event.events());
            }
        }
        Ok(())
    }

    fn event(&mut self, index: usize, flags: EpollFlags) {
        if flags.contains(EpollFlags::EPOLLOUT) && self.connections[index].phase != Phase::Closed {
            let result = self.writable(index);
            self.check(index, result);
        }
        if flags != EpollFlags::EPOLLOUT && self.connections[index].phase != Phase::Closed {
            let result = self.readable(index);
            self.check(index, result);
        }
    }

    fn check(&mut self, index: usize, result: io::Result<()>) {
        let Err(error) = result else { return };
        if self.broken == 0 {
            eprintln!("connection {index} of {}: {error}", self.total());
        }
        self.broken += 1;
        let connection = &mut self.connections[index];
        let open = connection.phase == Phase::Open;
        connection.close();
        if open {
            self.open -= 1;
        } else {
            self.setting_up -= 1;
            self.connect_more();
        }
    }

    /// Begins as many connections as may be under way.
    pub(crate) fn connect_more(&mut self) {
        while self.setting_up < PARALLEL && self.connections.len() < self.total() {
            let index = self.connections.len();
            let server = self.args.address[usize::from(self.args.across() && index > 0)];
            let (stalls, floods) = (self.stalls().contains(&index), self.floods().contains(&index));
            match Connection::begin(&self.epoll, index, server, stalls) {
                Ok(mut connection) => {
                    connection.room = match (stalls, floods) {
                        (true, _) => 0,
                        (_, true) => self.args.rooms,
                        _ => index % self.args.rooms,
                    };
                    // Nobody waits for what a flood hears.
                    connection.joined = floods;
                    self.setting_up += 1;
                    self.connections.push(connection);
                }
                Err(error) => {
                    eprintln!("connection {index} of {}: {error}", self.total());
                    self.args.connections = 0;
                    self.args.stalled = 0;
                    self.args.flood = 0;
                }
            }
        }
    }

    fn opened(&mut self, index: usize) {
        self.connections[index].phase = Phase::Open;
        self.open += 1;
        self.setting_up -= 1;
        self.connect_more();
    }

    fn request(&self, index: usize) -> String {
        let room = format!("r{}", self.connections[index].room);
        let target = self.args.path.replace("{room}", &room);
        let host = self.args.address[0];
        let upgrade = match self.args.kind {
            Kind::Get => "accept: application/json\r\n",
            Kind::Chat | Kind::Idle => {
                "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
        };
        let v1 = self.args.dialect.is_v1(index);
        let profile = if v1 { "sec-websocket-protocol: jstack.v1\r\n" } else { "" };
        format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{upgrade}{profile}\r\n")
    }

    fn writable(&mut self, index: usize) -> io::Result<()> {
        if self.connections[index].phase == Phase::Connecting {
            self.connections[index].connected()?;
            if self.args.kind == Kind::Get {
                self.opened(index);
            } else {
                self.connections[index].phase = Phase::Upgrading;
                let request = self.request(index);
                self.connections[index].send(&self.epoll, request.as_bytes())?;
            }
        }
        self.connections[index].resume(&self.epoll)
    }

    fn readable(&mut self, index: usize) -> io::Result<()> {
        let mut input = std::mem::take(&mut self.input);
        let result = self.read_all(index, &mut input);
        self.input = input;
        result
    }

    fn read_all(&mut self, index: usize, input: &mut [u8]) -> io::Result<()> {
        loop {
            let connection = &mut self.connections[index];
            let kept = connection.partial.len();
            let Some(read) = connection.read(&mut input[kept..])? else { return Ok(()) };
            if read == 0 {
                return Err(io::Error::other("the server ended the connection"));
            }
            input[..kept].copy_from_slice(&connection.partial);
            connection.partial.clear();
            let end = kept + read;
            let rest = match self.args.kind {
                Kind::Get => self.answers(index, &input[..end])?,
                Kind::Chat | Kind::Idle => self.frames(index, &input[..end])?,
            };
            self.connections[index].partial.extend_from_slice(rest);
            if end < input.len() {
                return Ok(());
            }
        }
    }

    /// Handles HTTP answers; what remains is incomplete.
    fn answers<'a>(&mut self, index: usize, mut bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        while let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") {
            let head = &bytes[..end];
            if !head.starts_with(b"HTTP/1.1 200") {
                return Err(refused(head));
            }
            let Some(length) = content_length(head) else {
                return Err(io::Error::other("an answer without content-length"));
            };
            let Some(rest) = bytes.get(end + 4 + length..) else { break };
            bytes = rest;
            let now = self.now();
            self.tally.delivered += 1;
            self.tally.latency.record(now - self.connections[index].asked);
            if self.looping {
                self.publish(index, 1)?;
            }
        }
        Ok(bytes)
    }

    /// Handles what a chat server says; what remains is incomplete.
    fn frames<'a>(&mut self, index: usize, mut bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        if self.connections[index].phase == Phase::Upgrading {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(bytes) };
            let (head, rest) = bytes.split_at(end + 4);
            if !head.starts_with(b"HTTP/1.1 101") {
                return Err(refused(head));
            }
            bytes = rest;
            match self.args.dialect {
                Dialect::Raw | Dialect::V1 | Dialect::Request | Dialect::Half => self.opened(index),
                Dialect::Socketio => self.connections[index].phase = Phase::Greeting,
            }
        }
        let now = self.now();
        let mut own = 0;
        while let Some(frame) = wire::take(&mut bytes) {
            match frame.opcode {
                1 | 2 => match Stamp::find(frame.payload) {
                    Some(stamp) => own += u64::from(self.delivered(index, now, &stamp)),
                    None => self.control(index, frame.payload)?,
                },
                8 => return Err(io::Error::other("the server closed the connection")),
                9 => self.connections[index].send(&self.epoll, &[0x8a, 0x80, 0, 0, 0, 0])?,
                _ => {}
            }
        }
        if self.looping {
            if self.floods().contains(&index) {
                self.publish(index, own)?;
            } else if self.paced.is_none() {
                self.continue_loop(index, own)?;
            }
        }
        Ok(bytes)
    }

    /// Counts a delivery; true when it came back to its sender.
    fn delivered(&mut self, index: usize, now: u64, stamp: &Stamp) -> bool {
        let connection = &mut self.connections[index];
        connection.joined = true;
        let counts = index < self.args.connections && !(self.args.across() && index == 0);
        if counts {
            self.tally.delivered += 1;
            self.tally.latency.record(now.saturating_sub(stamp.sent));
        }
        stamp.sender == index
    }

    /// Engine.IO's and Socket.IO's own packets. Anything else without a stamp is not for us.
    fn control(&mut self, index: usize, payload: &[u8]) -> io::Result<()> {
        if self.args.dialect != Dialect::Socketio {
            return Ok(());
        }
        let connection = &mut self.connections[index];
        match (connection.phase, payload) {
            (Phase::Greeting, [b'0', ..]) => {
                connection.phase = Phase::Entering;
                connection.send(&self.epoll, &wire::text(b"40"))
            }
            (Phase::Entering, [b'4', b'0', ..]) => {
                self.opened(index);
                Ok(())
            }
            (_, [b'2']) => connection.send(&self.epoll, &wire::text(b"3")),
            _ => Err(io::Error::other(String::from_utf8_lossy(payload))),
        }
    }

    fn continue_loop(&mut self, index: usize, own: u64) -> io::Result<()> {
        match self.args.publish {
            Publish::Each => self.publish(index, own),
            Publish::One => {
                let heard_by_all = self.tally.delivered / self.args.members();
                let due = (heard_by_all + self.args.window).saturating_sub(self.tally.sent);
                self.publish(0, due)
            }
        }
    }

    /// Sends `count` messages (or requests) in one write.
    pub(crate) fn publish(&mut self, index: usize, count: u64) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        let now = self.now();
        if !self.floods().contains(&index) {
            self.tally.sent += count;
        }
        let connection = &mut self.connections[index];
        connection.asked = now;
        let frame = connection.template.stamped(now);
        self.output.clear();
        for _ in 0..count {
            self.output.extend_from_slice(frame);
        }
        connection.send(&self.epoll, &self.output)
    }

    /// Gives every connection that may send its message or request.
    pub(crate) fn prepare(&mut self) {
        for index in 0..self.connections.len() {
            let template = if self.args.kind == Kind::Get {
                Template::fixed(self.request(index).into_bytes())
            } else {
                let room = self.connections[index].room;
                Template::new(self.args.dialect, room, index, self.args.payload)
            };
            self.connections[index].template = template;
        }
    }

    /// The connections beside the others stop reading.
    pub(crate) fn stall(&mut self) -> io::Result<()> {
        self.connections[self.stalls()].iter().try_for_each(|c| c.ignore(&self.epoll))
    }
}

fn refused(head: &[u8]) -> io::Error {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    io::Error::other(format!("the server answered {}", String::from_utf8_lossy(line)))
}

fn content_length(head: &[u8]) -> Option<usize> {
    str::from_utf8(head).ok()?.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}
