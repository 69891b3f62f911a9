//! What the two directions share.

use super::api::Api;
use super::entry::Channels;
use super::outbox::Outbox;
use super::reports::Report;
use crate::sync::Mutex;

pub(super) struct Inner {
    pub(super) api: Api,
    /// The prefix of channel names, encoded.
    pub(super) prefix: String,
    /// Identifies this application in envelopes.
    pub(super) origin: u64,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) channels: Mutex<Channels>,
    pub(super) publishing: Report,
    pub(super) listening: Report,
}
