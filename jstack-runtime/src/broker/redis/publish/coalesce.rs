//! The commands that publish waiting messages: those of one channel share a command.
//!
//! Without a backlog there is one message, so this costs nothing. With a backlog, it saves Redis,
//! this process and every listener all but one of a channel's commands.

use ::redis::{Cmd, Pipeline, RedisWrite, ToRedisArgs};

use super::pending::PendingMessages;
use crate::broker::format::batch::{self, HEAD, LENGTH, LONGEST, MOST};
use crate::broker::format::text::{self, Form};
use crate::broker::redis::history::{APPEND, fresh_epoch};
use crate::history::Keep;

/// Milliseconds for which Redis keeps a history at most: a hundred years, which every version of
/// it can count.
const LONGEST_AGE: u64 = 100 * 365 * 24 * 60 * 60 * 1_000;

/// Commands, and which message is published by which.
pub(crate) struct Coalesced {
    pub(crate) commands: Pipeline,
    /// For each message, the index of the command that publishes it.
    pub(crate) command_of: Vec<usize>,
}

/// Messages of one channel: a range of the list that is sorted by channel.
struct Group {
    /// The index of its first message.
    first: usize,
    from: usize,
    to: usize,
}

/// How the messages of rooms with history are sent: by a script, which publishes them as well.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Appending<'a> {
    /// The replication id of the server.
    pub(crate) server: &'a str,
    /// The server is believed to know the script.
    pub(crate) is_loaded: bool,
}

/// Builds the commands. The messages of one channel stay in order. Channels are in the order of
/// their first message.
pub(crate) fn coalesce(
    publish: &str,
    pending: &PendingMessages,
    mut appending: Appending<'_>,
    form: Form,
) -> Coalesced {
    let messages: Vec<_> = pending.messages().collect();
    let keeps: Vec<_> = pending.keeps().collect();
    let mut order: Vec<_> = pending.channel_keys().zip(0..).collect();
    order.sort_unstable();
    let mut groups = groups(&order, |at| messages[at].1.len(), |at| keeps[at]);
    groups.sort_unstable_by_key(|group| group.first);
    let mut command_of = vec![0; messages.len()];
    let mut commands = Pipeline::with_capacity(groups.len());
    for (command, group) in groups.iter().enumerate() {
        let members = &order[group.from..group.to];
        for &(_, at) in members {
            command_of[at] = command;
        }
        let channel = messages[group.first].0;
        let payload = GroupPayload { members, messages: &messages, form };
        let size = publish.len() + channel.len() + payload.size();
        if let Some(keep) = keeps[group.first] {
            let mut command = APPEND.command(appending.is_loaded, channel, size);
            appending.is_loaded = true;
            command.arg(appending.server).arg(fresh_epoch()).arg(publish).arg(channel);
            payload.append_to(&mut command, keep);
            commands.add_command(command);
            continue;
        }
        let mut command = Cmd::with_capacity(3, size);
        command.arg(publish).arg(channel).arg(payload);
        commands.add_command(command);
    }
    Coalesced { commands, command_of }
}

/// Divides what is sorted by channel into what may share a command.
fn groups(
    order: &[(u64, usize)],
    length: impl Fn(usize) -> usize,
    keep: impl Fn(usize) -> Option<Keep>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut bytes = 0;
    for (n, &(channel_key, first)) in order.iter().enumerate() {
        let more = LENGTH + length(first);
        match groups.last_mut() {
            Some(last)
                if channel_key != 0
                    && channel_key == order[last.from].0
                    && keep(first) == keep(last.first)
                    && last.to - last.from < MOST
                    && bytes + more <= LONGEST =>
            {
                last.to += 1;
                bytes += more;
            }
            _ => {
                groups.push(Group { first, from: n, to: n + 1 });
                bytes = HEAD + more;
            }
        }
    }
    groups
}

/// The payload of a group's command: one message as it is, several as a batch.
struct GroupPayload<'a> {
    members: &'a [(u64, usize)],
    /// Channel and payload of every message.
    messages: &'a [(&'a [u8], &'a [u8])],
    /// Of the payload of a `PUBLISH`; a history keeps bytes.
    form: Form,
}

impl GroupPayload<'_> {
    fn parts(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.members.iter().map(|&(_, at)| self.messages[at].1)
    }

    /// Appends the arguments of the script that stores and publishes it.
    fn append_to(&self, command: &mut Cmd, keep: Keep) {
        let age = u64::try_from(keep.age.as_millis()).unwrap_or(u64::MAX).min(LONGEST_AGE);
        command.arg(keep.count.max(1)).arg(age);
        if let [(_, at)] = self.members {
            command.arg("").arg("").arg(self.messages[*at].1);
            return;
        }
        // A group has at most `MOST` messages of bounded length.
        command.arg(&batch::head(self.members.len()).unwrap_or_default());
        for part in self.parts() {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            command.arg(&length.to_be_bytes()).arg(part);
        }
    }

    /// An upper bound of its length, in bytes.
    fn size(&self) -> usize {
        self.form.length(self.parts().map(|part| LENGTH + part.len()).sum::<usize>() + HEAD)
    }
}

impl ToRedisArgs for GroupPayload<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        // It is written to memory, which does not fail.
        match (self.members, self.form) {
            ([(_, at)], Form::Bytes) => out.write_arg(self.messages[*at].1),
            ([(_, at)], Form::Text) => out.write_arg(text::write(self.messages[*at].1).as_bytes()),
            (_, Form::Bytes) => drop(batch::write(&mut out.writer_for_next_arg(), self.parts())),
            (_, Form::Text) => {
                let mut bytes = Vec::with_capacity(self.size());
                drop(batch::write(&mut bytes, self.parts()));
                out.write_arg(text::write(&bytes).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::pending::{PendingMessage, Size};
    use super::*;

    fn pending(messages: &[(u64, &str, &str)]) -> PendingMessages {
        let mut pending = PendingMessages::default();
        for &(channel_key, channel, payload) in messages {
            let size = Size { channel: channel.len(), payload: payload.len() };
            let message = PendingMessage {
                size,
                keep: None,
                channel_key,
                done: None,
                expires: Instant::now(),
            };
            pending.push(channel.as_bytes(), payload.as_bytes(), message);
        }
        pending
    }

    /// Channel and payload of each command.
    fn commands(coalesced: &Coalesced) -> Vec<(String, Vec<u8>)> {
        let args = coalesced.commands.cmd_iter().map(|command| {
            let args: Vec<_> = command
                .args_iter()
                .map(|arg| match arg {
                    ::redis::Arg::Simple(arg) => arg.to_vec(),
                    other => panic!("{other:?}"),
                })
                .collect();
            <[Vec<u8>; 3]>::try_from(args).unwrap()
        });
        args.map(|[publish, channel, payload]| {
            assert_eq!(publish, b"PUBLISH");
            (String::from_utf8(channel).unwrap(), payload)
        })
        .collect()
    }

    fn batch(parts: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        batch::write(&mut bytes, parts.iter().map(|part| part.as_bytes())).unwrap();
        bytes
    }

    #[test]
    fn messages_of_one_channel_share_a_command_and_stay_in_order() {
        let pending = pending(&[(9, "a", "1"), (4, "b", "2"), (9, "a", "3"), (9, "a", "4")]);
        let coalesced = coalesce("PUBLISH", &pending, Appending::default(), Form::Bytes);
        let expected = [("a".to_owned(), batch(&["1", "3", "4"])), ("b".to_owned(), b"2".to_vec())];
        assert_eq!(commands(&coalesced), expected);
        assert_eq!(coalesced.command_of, [0, 1, 0, 0]);
    }

    #[test]
    fn probes_go_out_alone() {
        let pending = pending(&[(0, "p", "1"), (0, "p", "2"), (0, "q", "3")]);
        let coalesced = coalesce("PUBLISH", &pending, Appending::default(), Form::Bytes);
        let one = |channel: &str, payload: &str| (channel.to_owned(), payload.as_bytes().to_vec());
        assert_eq!(commands(&coalesced), [one("p", "1"), one("p", "2"), one("q", "3")]);
        assert_eq!(coalesced.command_of, [0, 1, 2]);
    }

    #[test]
    fn messages_of_rooms_with_history_share_the_call_of_a_script() {
        let keep = Keep { count: 3, age: std::time::Duration::from_millis(1_500) };
        let mut pending = PendingMessages::default();
        for (payload, keep) in
            [("1", Some(keep)), ("2", Some(keep)), ("3", None), ("4", Some(keep))]
        {
            let size = Size { channel: 1, payload: 1 };
            let message =
                PendingMessage { size, keep, channel_key: 9, done: None, expires: Instant::now() };
            pending.push(b"a", payload.as_bytes(), message);
        }
        let appending = Appending { server: "id", is_loaded: false };
        let coalesced = coalesce("PUBLISH", &pending, appending, Form::Bytes);
        assert_eq!(coalesced.command_of, [0, 0, 1, 2], "their order is kept");
        let args: Vec<Vec<Vec<u8>>> = coalesced
            .commands
            .cmd_iter()
            .map(|command| {
                let args = command.args_iter().map(|arg| match arg {
                    ::redis::Arg::Simple(arg) => arg.to_vec(),
                    other => panic!("{other:?}"),
                });
                args.collect()
            })
            .collect();
        assert_eq!((&args[0][0][..], &args[2][0][..]), (&b"EVAL"[..], &b"EVALSHA"[..]));
        let expected: [&[u8]; 4] = [b"2", b"{a}:log", b"{a}:meta", b"id"];
        assert_eq!(args[0][2..6], expected);
        assert_ne!(args[0][6], args[2][6], "an epoch for each call");
        let many: [&[u8]; 9] =
            [b"PUBLISH", b"a", b"3", b"1500", &[2, 0, 2], &[0, 0, 0, 1], b"1", &[0, 0, 0, 1], b"2"];
        assert_eq!(args[0][7..], many);
        let one: [&[u8]; 7] = [b"PUBLISH", b"a", b"3", b"1500", b"", b"", b"4"];
        assert_eq!(args[2][7..], one);
    }

    #[test]
    fn a_batch_has_bounds_and_what_is_beyond_goes_into_the_next() {
        let many = vec![(1, "a", "x"); MOST + 1];
        let coalesced = coalesce("PUBLISH", &pending(&many), Appending::default(), Form::Bytes);
        let commands = commands(&coalesced);
        assert_eq!(commands[0].1, batch(&["x"; MOST]));
        assert_eq!(commands[1].1, b"x");
        assert_eq!(coalesced.command_of, [vec![0; MOST], vec![1]].concat());

        let half = "x".repeat((LONGEST - HEAD) / 2 - LENGTH);
        let fit = [(1, "a", &*half), (1, "a", &*half)];
        let coalesced = coalesce("PUBLISH", &pending(&fit), Appending::default(), Form::Bytes);
        assert_eq!(coalesced.command_of, [0, 0]);
        let longer = format!("{half}xx");
        let coalesced = coalesce(
            "PUBLISH",
            &pending(&[(1, "a", &*half), (1, "a", &*longer)]),
            Appending::default(),
            Form::Bytes,
        );
        assert_eq!(coalesced.command_of, [0, 1]);
        let large = "x".repeat(LONGEST);
        let coalesced = coalesce(
            "PUBLISH",
            &pending(&[(1, "a", &*large), (1, "a", "y"), (1, "a", "z")]),
            Appending::default(),
            Form::Bytes,
        );
        assert_eq!(coalesced.command_of, [0, 1, 1]);
    }
}
