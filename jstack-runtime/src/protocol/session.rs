//! `Session`: decides what an incoming message means, before any handler sees it.
//!
//! A state machine without I/O, clock or task. The driver feeds it each message of a connection
//! with the time of its arrival, and carries out the step that it returns:
//!
//! ```text
//!  bytes ─▶ frame::Decoder ─▶ Input ─▶ Session::handle ─▶ Step
//!                                                          ├ Message   to the handlers, in order
//!                                                          ├ Send      a frame to this client
//!                                                          ├ Control   a `$…` frame, at once
//!                                                          ├ Refused   it came too fast
//!                                                          ├ Close     the connection ends
//!                                                          └ Idle      nothing to do
//! ```
//!
//! Rates, flood control, pings and every `$…` frame are decided here. Handlers see events only.
//! `$token` is the one `$…` frame that goes to the handlers: it runs code of the application that
//! borrows the session.

use super::codec::{self, WireMessage};
use super::control::{Control, read_control};
use super::frames;
use super::profile::Profile;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::Error;
use crate::frame::{self, Opcode};
use crate::rate::{Count, Rate};

/// A message as it came from the wire.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    /// Code and reason, if there were any.
    Close(Option<(u16, &'a str)>),
}

/// The step that the driver must take.
pub(crate) enum Step<'a> {
    /// Pass it to the handlers, in the order of arrival.
    Message(WireMessage<'a>),
    /// Send this frame.
    Send(Vec<u8>),
    /// Carry out a frame of the protocol.
    Control(Control<'a>),
    /// The message came too fast and was dropped.
    Refused {
        reply: Option<Vec<u8>>,
        closing: Option<CloseReason>,
    },
    /// End the connection.
    Close(CloseReason),
    Idle,
}

/// The rates that a session enforces.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) messages: Rate,
    /// Ten times the rate: beyond it, the connection ends.
    pub(crate) flood: Rate,
}

/// The state of one connection's protocol.
#[derive(Default)]
pub(crate) struct Session {
    profile: Profile,
    messages: Count,
    /// `$…` frames, which have a rate of their own.
    control: Count,
    /// Messages that arrived too fast.
    flood: Count,
    /// The time from which the next `rate` error may be sent.
    tell_from: u64,
}

impl Session {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }

    /// Counts a text that goes to the handlers, as nearly all do; `false` says that
    /// [`handle`](Self::handle) must decide, and that nothing was counted.
    #[inline]
    pub(crate) fn passes(&mut self, text: &str, rates: &Rates, now: u64) -> bool {
        self.kind(text) == codec::Kind::Ordinary && self.messages.try_acquire(rates.messages, now)
    }

    /// Handles one message; `now` is its arrival in nanoseconds since any fixed moment.
    #[inline]
    pub(crate) fn handle<'a>(&mut self, input: Input<'a>, rates: Rates, now: u64) -> Step<'a> {
        match input {
            Input::Text(text) => match self.kind(text) {
                codec::Kind::Control if self.profile.is_v1() => self.control(text, rates, now),
                kind => {
                    if !self.messages.try_acquire(rates.messages, now) {
                        return self.refused(text, rates.flood, now);
                    }
                    match kind {
                        codec::Kind::Ping => Step::Send(frames::pong()),
                        _ => Step::Message(WireMessage::Text(text)),
                    }
                }
            },
            Input::Binary(bytes) => {
                if !self.messages.try_acquire(rates.messages, now) {
                    return self.refused("", rates.flood, now);
                }
                Step::Message(WireMessage::Binary(bytes))
            }
            Input::Ping(payload) => {
                if self.messages.try_acquire(rates.messages, now) {
                    Step::Send(frame::control(Opcode::Pong, payload).to_vec())
                } else {
                    self.too_fast(rates.flood, now).map_or(Step::Idle, Step::Close)
                }
            }
            Input::Pong => self.too_fast(rates.flood, now).map_or(Step::Idle, Step::Close),
            Input::Close(said) => {
                let (code, reason) = said.unwrap_or((1005, ""));
                Step::Close(CloseReason::new(ClosedBy::Client, code, reason.to_owned()))
            }
        }
    }

    #[inline]
    fn kind(&self, text: &str) -> codec::Kind {
        if self.profile == Profile::Raw { codec::Kind::Ordinary } else { codec::kind(text) }
    }

    fn control<'a>(&mut self, text: &'a str, rates: Rates, now: u64) -> Step<'a> {
        if !self.control.try_acquire(rates.messages, now) {
            return self.refused(text, rates.flood, now);
        }
        match read_control(text) {
            // It runs code of the application, which borrows the session.
            Control::Token => Step::Message(WireMessage::Text(text)),
            Control::Ignored => Step::Idle,
            Control::Invalid { error, id } => Step::Send(frames::err(&error, &id)),
            Control::Unsupported(id) => Step::Send(frames::err(&unsupported(), &id)),
            control => Step::Control(control),
        }
    }

    /// Drops a message that arrived too fast. A request is answered; the flood limit bounds these
    /// answers. Others are reported once a second, so that a flood does not cause a flood of answers.
    #[cold]
    fn refused<'a>(&mut self, text: &str, flood: Rate, now: u64) -> Step<'a> {
        let closing = self.too_fast(flood, now);
        let error = || {
            Error::too_many_requests(
                "you send too fast: messages were dropped (limit `rate` a second)",
            )
        };
        let request = self.profile.is_v1().then(|| codec::request_id(text)).flatten();
        let reply = match request {
            Some(id) => Some(frames::err(&error(), &id)),
            None if now < self.tell_from || self.profile == Profile::Raw => None,
            None => {
                self.tell_from = now + 1_000_000_000;
                Some(frames::error(None, &error()))
            }
        };
        Step::Refused { reply, closing }
    }

    /// Counts messages that arrive too fast, and ends a connection that does not stop.
    #[cold]
    fn too_fast(&mut self, flood: Rate, now: u64) -> Option<CloseReason> {
        if self.flood.try_acquire(flood, now) {
            return None;
        }
        Some(CloseReason::fixed(ClosedBy::Limit, 1008, "too many messages: see the limit `rate`"))
    }
}

fn unsupported() -> Error {
    Error::with_code(
        http::StatusCode::NOT_IMPLEMENTED,
        "unsupported",
        "this server does not know that request",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rates(rate: u32, burst: u32) -> Rates {
        Rates { messages: Rate::new(rate, burst), flood: Rate::new(rate * 10, burst * 10) }
    }

    fn text<'a>(session: &mut Session, text: &'a str) -> Step<'a> {
        session.handle(Input::Text(text), rates(100, 100), SECOND)
    }

    fn sent(step: Step<'_>) -> String {
        let Step::Send(frame) = step else { panic!("not a frame to send") };
        let start = frame.iter().position(|byte| *byte == b'[').unwrap();
        String::from_utf8(frame[start..].to_vec()).unwrap()
    }

    #[test]
    fn a_ping_is_answered_whatever_its_spacing_and_profile() {
        for profile in [Profile::Base, Profile::V1] {
            let mut session = Session::new(profile);
            for ping in [r#"["ping",null]"#, r#" [ "ping" , {"a":1} ] "#] {
                assert_eq!(sent(text(&mut session, ping)), r#"["pong",null]"#);
            }
        }
    }

    #[test]
    fn events_and_malformed_frames_go_to_the_handlers_in_order() {
        let mut session = Session::new(Profile::V1);
        for frame in [r#"["message",1]"#, "not json", r#"["ping"]"#, r#"["$token","t",{"i":"1"}]"#]
        {
            assert!(matches!(text(&mut session, frame), Step::Message(_)), "{frame}");
        }
    }

    #[test]
    fn dollar_frames_are_events_to_the_base_profile_and_control_to_v1() {
        let frame = r#"["$ok",null,{"i":"s1"}]"#;
        assert!(matches!(text(&mut Session::new(Profile::Base), frame), Step::Message(_)));
        let step = text(&mut Session::new(Profile::V1), frame);
        assert!(matches!(step, Step::Control(Control::Answer { id: 1, .. })));
    }

    #[test]
    fn unknown_dollar_frames_are_ignored_and_unknown_requests_get_their_answer() {
        let mut session = Session::new(Profile::V1);
        assert!(matches!(text(&mut session, r#"["$news",1]"#), Step::Idle));
        let answer = sent(text(&mut session, r#"["$news",1,{"i":"a"}]"#));
        assert!(answer.starts_with(r#"["$err",{"code":"unsupported""#), "{answer}");
        assert!(answer.ends_with(r#"{"i":"a"}]"#), "{answer}");
    }

    #[test]
    fn each_request_that_comes_too_fast_gets_its_answer() {
        let mut session = Session::new(Profile::V1);
        let limits = rates(1, 1);
        let request = r#"["a",1,{"i":"7"}]"#;
        assert!(matches!(session.handle(Input::Text(request), limits, SECOND), Step::Message(_)));
        for _ in 0..5 {
            let Step::Refused { reply, .. } = session.handle(Input::Text(request), limits, SECOND)
            else {
                panic!("not refused")
            };
            assert!(reply.unwrap().ends_with(br#"{"i":"7"}]"#));
        }
    }

    #[test]
    fn a_flood_ends_the_connection() {
        let mut session = Session::new(Profile::Base);
        let limits = rates(1, 1);
        let mut reported = 0;
        for n in 0.. {
            match session.handle(Input::Text(r#"["a",1]"#), limits, SECOND) {
                Step::Message(_) => assert_eq!(n, 0),
                Step::Refused { reply, closing } => {
                    reported += usize::from(reply.is_some());
                    if let Some(reason) = closing {
                        assert_eq!((reason.code(), n), (1008, 11));
                        break;
                    }
                }
                _ => panic!("neither passed nor refused"),
            }
        }
        assert_eq!(reported, 1);
    }
}
