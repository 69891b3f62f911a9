//! The life of the connection: dialled, open, lost, dialled again, closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::inbox::Item;
use super::presence::Presence;
use super::requests::Pending;
use super::room::Room;
use super::state::{Core, LASTING, Phase};
use crate::client::closing::{End, judge};
use crate::client::failure::{self, millis};
use crate::client::incoming::{Gap, GapReason};
use crate::client::inward::Welcome;
use crate::client::status::{Profile, Status};
use crate::error::Error;
use crate::platform;

impl Core {
    /// Begins an attempt; `true`: it offers the profile `v1`.
    pub(in crate::client) fn begin(&mut self) -> bool {
        self.phase = Phase::Dialing(Instant::now() + self.options.connect_timeout);
        self.bye = None;
        self.v1 = false;
        self.say();
        let plain = std::mem::take(&mut self.plain);
        !plain && !self.options.base_only
    }

    /// Connects at once where a delay runs, and opens again what was closed.
    pub(in crate::client) fn connect(&mut self) {
        match self.phase {
            Phase::Closed => {
                self.attempts = 0;
                self.lost_at = None;
                self.refused = false;
                self.cause = None;
            }
            Phase::Waiting(_) => {}
            _ => return,
        }
        self.phase = Phase::Dial;
        self.say();
    }

    /// Closes for good.
    pub(in crate::client) fn close(&mut self, code: u16, reason: &str) {
        if self.phase == Phase::Closed {
            return;
        }
        self.close_with = (code, reason.to_owned());
        let was_open = self.is_up();
        self.finish(code, None);
        self.down(&failure::closed(), was_open, false);
    }

    /// Drops the connection, if there is one, and dials again at once.
    pub(in crate::client) fn restart(&mut self) {
        self.close_with = (1000, String::new());
        if self.is_up() {
            let mut end = End::of(failure::lost("connecting again"));
            end.after = Some(Duration::ZERO);
            self.lost(end);
        }
        self.connect();
        if matches!(self.phase, Phase::Dialing(_)) {
            self.phase = Phase::Dial;
        }
    }

    /// The handshake is done.
    pub(in crate::client) fn shaken(&mut self, v1: bool) {
        self.heard_at = Instant::now();
        self.v1 = v1;
        if v1 {
            return;
        }
        if !self.options.base_only {
            let why = "the server, or a proxy before it, did not select jstack.v1";
            self.report(None, failure::unsupported(why));
        }
        self.opened(None);
    }

    pub(super) fn opened(&mut self, welcome: Option<Welcome>) {
        let now = Instant::now();
        let (idle, more) = self.options.heartbeat;
        self.patience = match &welcome {
            Some(welcome) => welcome.ping.map_or(idle, millis) + more,
            None => idle,
        };
        self.heard_at = now;
        self.pinged_at = None;
        self.stable_at = Some(now + LASTING);
        self.spoken |= welcome.is_some();
        let history = welcome.as_ref().is_some_and(|welcome| welcome.history);
        if let Some(mut welcome) = welcome {
            self.outbox.classes = welcome.classes();
            self.longest = welcome.max.unwrap_or(usize::MAX);
            self.expires(welcome.ttl);
            self.id = Some(welcome.id);
        } else {
            self.id = None;
            self.outbox.classes.clear();
            self.longest = usize::MAX;
            let why = "this server answers no requests: it speaks the base profile";
            self.fail_requests(&failure::unsupported(why), false);
        }
        // Before anything that may follow the hole. Rooms with a history find out by themselves.
        if let Some(since) = self.away_since.take()
            && !history
        {
            let since = since.into_std();
            let gap = Gap { room: None, reason: GapReason::Offline, missed: None, since };
            self.inbox.put(Item::Gap(gap));
        }
        self.phase = Phase::Opening;
    }

    /// The hooks have run: what waited goes out.
    pub(in crate::client) fn up(&mut self) {
        if self.phase != Phase::Opening {
            return;
        }
        self.phase = Phase::Up;
        let profile = if self.v1 { Profile::V1 } else { Profile::Base };
        let since = Instant::now().into_std();
        self.status.send_replace(Status::Open { since, profile });
        self.flush();
    }

    /// How long the credentials are good: another token is asked for at four fifths.
    pub(in crate::client) fn expires(&mut self, ttl: Option<f64>) {
        let due = ttl
            .filter(|ttl| *ttl > 0.0 && self.options.renews)
            .map(|ttl| Instant::now() + millis(ttl * 0.8).max(Duration::from_secs(1)));
        self.token_at = due;
    }

    /// The stream has ended, with this close code.
    pub(in crate::client) fn ended(&mut self, code: u16, reason: &str) {
        let was_open = self.is_up();
        let bye = self.bye.take();
        let end = judge(code, reason, was_open, bye.as_ref(), self.v1);
        self.lost(end);
    }

    /// An attempt failed before its stream was a WebSocket; `offered`: with the profile.
    ///
    /// Some proxies refuse a subprotocol that they do not know. So after two attempts that failed, each
    /// such failure is followed at once by an attempt without. A server that has spoken the profile once
    /// is never tried without.
    pub(in crate::client) fn missed(&mut self, end: End, offered: bool) {
        if offered && !end.is_final && !end.unauthorized && !self.spoken {
            self.missed += 1;
            if self.missed > 1 {
                self.cause = Some(Arc::new(end.cause));
                self.plain = true;
                self.phase = Phase::Dial;
                return;
            }
        }
        self.lost(end);
    }

    /// The connection, or an attempt at one, is over.
    pub(in crate::client) fn lost(&mut self, mut end: End) {
        if self.phase == Phase::Closed {
            return;
        }
        let was_open = self.is_up();
        if end.unauthorized && self.options.renews && !self.refused {
            // Once: another refusal, of a new token, is final.
            self.refused = true;
            end.is_final = false;
            end.after.get_or_insert(Duration::ZERO);
        }
        if end.is_final {
            self.finish(end.code, Some(Arc::new(failure::copy(&end.cause))));
            self.down(&end.cause, was_open, false);
            return;
        }
        let now = Instant::now();
        let (first, longest) = self.options.backoff;
        let most = first.saturating_mul(2u32.saturating_pow(self.attempts)).min(longest);
        let delay = end.after.unwrap_or_else(|| jitter(most));
        self.attempts = self.attempts.saturating_add(1);
        if was_open {
            self.lost_at = Some(now);
        }
        self.phase = Phase::Waiting(now + delay);
        self.down(&end.cause, was_open, true);
        self.cause = Some(Arc::new(end.cause));
        self.say();
    }

    pub(super) fn finish(&mut self, code: u16, cause: Option<Arc<Error>>) {
        self.phase = Phase::Closed;
        self.status.send_replace(Status::Closed { code, cause });
    }

    pub(super) fn down(&mut self, cause: &Error, was_open: bool, will_retry: bool) {
        self.id = None;
        self.token_at = None;
        self.stable_at = None;
        self.drain_at = None;
        if will_retry {
            self.out.clear();
        }
        if was_open {
            self.away_since = Some(Instant::now());
        }
        let is_closed = cause.code() == "closed";
        if !is_closed {
            self.fail_requests(
                &failure::lost("the connection was lost; it may have been done"),
                true,
            );
        }
        self.requests.pending.retain(|_, pending| matches!(pending, Pending::Call { .. }));
        self.again.clear();
        self.rooms.values_mut().for_each(Room::down);
        self.presences.values_mut().for_each(Presence::down);
        if !will_retry {
            self.fail_requests(cause, false);
            self.outbox.clear();
        }
    }

    /// The status of a connection that is on its way.
    pub(super) fn say(&mut self) {
        let status = match (self.lost_at, &self.cause) {
            (Some(since), Some(cause)) => Status::Reconnecting {
                attempt: self.attempts,
                retry_at: match self.phase {
                    Phase::Waiting(at) => Some(at.into_std()),
                    _ => None,
                },
                since: since.into_std(),
                lost: since.elapsed() >= LASTING,
                cause: cause.clone(),
            },
            _ => Status::Connecting { attempt: self.attempts + 1 },
        };
        self.status.send_replace(status);
    }

    /// Why the last attempt failed.
    pub(in crate::client) fn cause(&self) -> Option<Arc<Error>> {
        self.cause.clone()
    }
}

/// A random part of `most`.
fn jitter(most: Duration) -> Duration {
    #[allow(clippy::cast_precision_loss, reason = "a share of a delay")]
    let share = (platform::random() >> 11) as f64 / (1u64 << 53) as f64;
    most.mul_f64(share)
}
