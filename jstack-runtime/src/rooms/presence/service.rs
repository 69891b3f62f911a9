//! The hub's part of presence: connections join, leave and set their states, and clients watch.

use std::sync::Arc;

use http::StatusCode;
use serde_json::value::RawValue;

use super::model::Connection;
use super::personal::{Identity, Joined};
use super::state::{CheckState, Presence};
use crate::error::{Error, Result};
use crate::outbound::Frame;
use crate::platform;
use crate::protocol::frames;
use crate::protocol::member_view::MemberView;
use crate::protocol::presence::{listing, membership};
use crate::rooms::hub::Hub;
use crate::rooms::member::Member;
use crate::rooms::name;

/// The longest state that a client may set, and the longest info of a member, in bytes.
const LONGEST: usize = 2048;
/// The longest key, in bytes.
const LONGEST_KEY: usize = 200;

impl Hub {
    /// Turns on presence for the procedure. Only the first call has an effect.
    pub(crate) fn set_presence(&self, check: CheckState) {
        let _ = self.presence.set(Arc::new(Presence::new(check)));
    }

    pub(crate) fn presence(&self) -> Option<&Arc<Presence>> {
        self.presence.get()
    }

    fn must_have_presence(&self) -> Result<&Arc<Presence>> {
        self.presence().ok_or_else(|| {
            Error::internal("the procedure is not mounted, or it was mounted without `presence`")
        })
    }

    /// Sets the identity of a connection. From now on it is listed in all rooms that it joins or
    /// has joined. Without an identity, its id is its key.
    pub(crate) fn introduce(&self, member: &Arc<Member>, identity: Option<Result<Identity>>) {
        let Some(presence) = self.presence() else { return };
        let identity = identity
            .unwrap_or_else(|| {
                let info = Arc::from(RawValue::NULL.to_owned());
                Ok(Identity { key: member.id.to_string().into(), info })
            })
            .and_then(checked);
        let identity = match identity {
            Ok(identity) => identity,
            Err(error) => {
                let cause =
                    error.cause().map_or_else(|| error.message().to_owned(), ToString::to_string);
                let procedure = self.procedure();
                return tracing::error!(
                    procedure,
                    cause,
                    "a connection is not listed: its `#[member]` cannot be"
                );
            }
        };
        let mut personal = member.personal().lock();
        if personal.closed {
            return;
        }
        let mut state = presence.state.lock();
        for joined in personal.rooms.iter().filter(|joined| !joined.hidden) {
            state.enter(&joined.room, &identity.key, connection(member, &identity, joined));
        }
        personal.identity = Some(identity);
        presence.wake.notify_one();
    }

    /// Adds a connection to a room that it has joined.
    pub(in crate::rooms) fn note_join(&self, member: &Arc<Member>, room: &str, hidden: bool) {
        let Some(presence) = self.presence() else { return };
        let mut personal = member.personal().lock();
        // It may have left meanwhile.
        let is_known = personal.rooms.iter().any(|joined| &*joined.room == room);
        if personal.closed || is_known || !member.is_in(room) {
            return;
        }
        let now = platform::unix_millis();
        let joined = Joined { room: room.into(), hidden, state: None, since: now, at: now };
        if let Some(identity) = personal.identity.as_ref().filter(|_| !hidden) {
            let connection = connection(member, identity, &joined);
            presence.state.lock().enter(&joined.room, &identity.key, connection);
            presence.wake.notify_one();
        }
        personal.rooms.push(joined);
        // With a history, the join itself announces it, with the room's position.
        if member.profile.is_v1() && !self.has_history() {
            self.push(member, &Frame::new(membership(room, true)));
        }
    }

    /// Removes a connection from a room that it has left.
    pub(in crate::rooms) fn note_leave(&self, member: &Arc<Member>, room: &str) {
        let Some(presence) = self.presence() else { return };
        let mut personal = member.personal().lock();
        let Some(at) = personal.rooms.iter().position(|joined| &*joined.room == room) else {
            return;
        };
        let joined = personal.rooms.swap_remove(at);
        leave(presence, member, personal.identity.as_ref(), &joined);
        if member.profile.is_v1() && !self.has_history() {
            self.push(member, &Frame::new(membership(room, false)));
        }
    }

    /// Removes a connection that has ended.
    pub(in crate::rooms) fn note_end(&self, member: &Arc<Member>) {
        let Some(presence) = self.presence() else { return };
        let mut personal = member.personal().lock();
        personal.closed = true;
        for joined in std::mem::take(&mut personal.rooms) {
            leave(presence, member, personal.identity.as_ref(), &joined);
        }
    }

    /// Sets the state of a connection from its client's JSON. `null` removes it.
    pub(crate) fn say(&self, member: &Arc<Member>, room: &str, json: &str) -> Result {
        let presence = self.presence().ok_or_else(unsupported)?;
        if json.len() > LONGEST {
            let message =
                format!("a state may be {LONGEST} bytes long, this one has {}", json.len());
            return Err(Error::with_code(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
        }
        let said = if json == "null" { None } else { Some(Arc::from((presence.check)(json)?)) };
        self.set_state(member, room, said)
    }

    /// Sets the state of a connection in a room.
    pub(crate) fn set_state(
        &self,
        member: &Arc<Member>,
        room: &str,
        said: Option<Arc<RawValue>>,
    ) -> Result {
        let presence = self.must_have_presence()?;
        if said.as_ref().is_some_and(|said| said.get().len() > LONGEST) {
            return Err(Error::internal(format!("a state may be {LONGEST} bytes long")));
        }
        let mut personal = member.personal().lock();
        let key = personal.identity.as_ref().map(|identity| identity.key.clone());
        let joined = personal.rooms.iter_mut().find(|joined| &*joined.room == room);
        let Some(joined) = joined else { return Err(not_in()) };
        (joined.state, joined.at) = (said, platform::unix_millis());
        if let Some(key) = key.filter(|_| !joined.hidden) {
            let (room, said) = (&joined.room, joined.state.clone());
            presence.state.lock().set_state(room, &key, member.id, said, joined.at);
            presence.wake.notify_one();
        }
        Ok(())
    }

    /// Carries out a client's `$state`.
    pub(in crate::rooms) fn answer_state(
        &self,
        member: &Arc<Member>,
        room: &str,
        json: &str,
        id: Option<&str>,
    ) {
        let frame = match (self.say(member, room, json), id) {
            (Ok(()), None) => return,
            (Ok(()), Some(id)) => frames::ok(b"null", id),
            (Err(error), Some(id)) => frames::err(&error, id),
            (Err(error), None) => frames::error(Some("$state"), &error),
        };
        self.push(member, &Frame::new(frame));
    }

    /// Carries out a client's `$presence`.
    pub(in crate::rooms) fn answer_watch(
        &self,
        member: &Arc<Member>,
        room: &str,
        off: bool,
        id: Option<&str>,
    ) {
        let Some(presence) = self.presence() else {
            return self.refuse(member, id, &unsupported());
        };
        let personal = member.personal().lock();
        if personal.closed || !personal.rooms.iter().any(|joined| &*joined.room == room) {
            // A connection that has left watches no longer anyway.
            return if off { self.confirm(member, id) } else { self.refuse(member, id, &not_in()) };
        }
        let mut state = presence.state.lock();
        if off {
            state.model.unwatch(room, member.id);
            return self.confirm(member, id);
        }
        let Some(id) = id else { return };
        let list = state.model.watch(room, member.id, member.clone());
        let me = personal.identity.as_ref().map(|identity| &*identity.key);
        // Under the lock: differences come after the list that they differ from.
        let frame = listing(list.n, me, &list.members, list.count, id);
        self.push(member, &Frame::new(frame));
    }

    fn confirm(&self, member: &Arc<Member>, id: Option<&str>) {
        if let Some(id) = id {
            self.push(member, &Frame::new(frames::ok(b"null", id)));
        }
    }

    fn refuse(&self, member: &Arc<Member>, id: Option<&str>, error: &Error) {
        if let Some(id) = id {
            self.push(member, &Frame::new(frames::err(error, id)));
        }
    }

    /// The members of a room, in every process.
    pub(crate) async fn present(&self, room: &str) -> Result<Vec<MemberView>> {
        name::check(room)?;
        let presence = self.must_have_presence()?;
        self.settle_presence().await?;
        Ok(presence.state.lock().model.list(room))
    }

    /// How many members a room has.
    pub(crate) async fn count_present(&self, room: &str) -> Result<usize> {
        name::check(room)?;
        let presence = self.must_have_presence()?;
        self.settle_presence().await?;
        Ok(presence.state.lock().model.count(room))
    }
}

fn leave(presence: &Presence, member: &Member, identity: Option<&Identity>, joined: &Joined) {
    let mut state = presence.state.lock();
    state.model.unwatch(&joined.room, member.id);
    if let Some(identity) = identity.filter(|_| !joined.hidden) {
        state.leave(&joined.room, &identity.key, member.id);
        presence.wake.notify_one();
    }
}

fn connection(member: &Member, identity: &Identity, joined: &Joined) -> Connection {
    Connection {
        id: member.id,
        info: identity.info.clone(),
        state: joined.state.clone(),
        since: joined.since,
        at: joined.at,
    }
}

/// Refuses an identity that is too long: every watcher would pay for it.
fn checked(identity: Identity) -> Result<Identity> {
    let (key, info) = (identity.key.len(), identity.info.get().len());
    if !(1..=LONGEST_KEY).contains(&key) {
        return Err(Error::internal(format!(
            "a member's key has 1 to {LONGEST_KEY} bytes, this one has {key}"
        )));
    }
    if info > LONGEST {
        return Err(Error::internal(format!(
            "what is said about a member may be {LONGEST} bytes long, this has {info}"
        )));
    }
    Ok(identity)
}

#[cold]
fn not_in() -> Error {
    Error::forbidden("you are not in that room")
}

#[cold]
fn unsupported() -> Error {
    Error::with_code(
        StatusCode::NOT_IMPLEMENTED,
        "unsupported",
        "this procedure does not show who is in its rooms",
    )
}
