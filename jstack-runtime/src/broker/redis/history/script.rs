//! The scripts that keep the histories, and the keys that they keep them in.
//!
//! A log is a list, whose entries have contiguous offsets. Against a stream, one command appends
//! any number of messages, trimming to a count is exact, and an entry costs about ten bytes more
//! than its text. An offset is found by arithmetic: the meta hash knows the offset of the last.

use std::fmt::Write as _;
use std::sync::LazyLock;

use ::redis::Cmd;
use sha1::{Digest, Sha1};

use crate::platform::random;

/// Appends and publishes.
pub(crate) static APPEND: LazyLock<Script> =
    LazyLock::new(|| Script::of(include_str!("append.lua")));
/// Reads a page or the end.
pub(crate) static READ: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("read.lua")));
/// Forgets the entries.
pub(crate) static CLEAR: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("clear.lua")));

/// Fails if this user lacks a right that the others need.
pub(crate) static CHECK: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("check.lua")));

/// The first lines of every script.
const OPEN: &str = include_str!("open.lua");

/// A script, and the digest by which Redis knows it once it was loaded.
pub(crate) struct Script {
    text: String,
    digest: String,
}

impl Script {
    fn of(body: &str) -> Self {
        let text = format!("{OPEN}{body}");
        let digest = Sha1::digest(&text).iter().fold(String::new(), |mut digest, byte| {
            let _ = write!(digest, "{byte:02x}");
            digest
        });
        Self { text, digest }
    }

    /// The command that runs the script for a channel, still without the script's arguments. With
    /// its digest alone if the server is believed to know it, and otherwise with its text.
    pub(crate) fn command(&self, is_loaded: bool, channel: &[u8], size: usize) -> Cmd {
        let mut command = Cmd::with_capacity(12, size + 4 * channel.len() + 128);
        if is_loaded {
            command.arg("EVALSHA").arg(&self.digest);
        } else {
            command.arg("EVAL").arg(&self.text);
        }
        command.arg(2).arg(log_key(channel)).arg(meta_key(channel));
        command
    }
}

/// The epoch that a script begins if it has to. Each call brings another: no two epochs are equal.
pub(crate) fn fresh_epoch() -> String {
    format!("{:016x}", random())
}

/// The key of a channel's entries: in the slot of the channel, whose name has no braces.
fn log_key(channel: &[u8]) -> Vec<u8> {
    [b"{", channel, b"}:log"].concat()
}

/// The key of what is known about a channel's entries.
fn meta_key(channel: &[u8]) -> Vec<u8> {
    [b"{", channel, b"}:meta"].concat()
}
