//! The commands that publish a load: messages of one channel that wait together share one.
//!
//! It costs nothing when there is no backlog, for then there is one message. When there is, it
//! spares Redis, ourselves and whoever listens all but one of a channel's commands.

use ::redis::{Cmd, Pipeline, RedisWrite, ToRedisArgs};

use super::batch::{self, HEAD, LENGTH, LONGEST, MOST};
use super::load::Load;

/// The commands, and who is published by which.
pub(super) struct Gathered {
    pub(super) commands: Pipeline,
    /// Of each message of the load, the place of its command.
    pub(super) by: Vec<usize>,
}

/// Messages of one channel: a part of the list that has them by channel.
struct Group {
    /// The place of its first message in the load.
    first: usize,
    from: usize,
    to: usize,
}

/// Writes the commands for a load. The messages of one channel stay in order; of several channels,
/// the one with the earliest message comes first.
pub(super) fn gather(publish: &str, load: &Load) -> Gathered {
    let messages: Vec<_> = load.messages().collect();
    let mut order: Vec<_> = load.series().zip(0..).collect();
    order.sort_unstable();
    let mut groups = groups(&order, |at| messages[at].1.len());
    groups.sort_unstable_by_key(|group| group.first);
    let mut by = vec![0; messages.len()];
    let mut commands = Pipeline::with_capacity(groups.len());
    for (place, group) in groups.iter().enumerate() {
        let places = &order[group.from..group.to];
        for &(_, at) in places {
            by[at] = place;
        }
        let channel = messages[group.first].0;
        let payload = Payload { places, messages: &messages };
        let size = publish.len() + channel.len() + payload.size();
        let mut command = Cmd::with_capacity(3, size);
        command.arg(publish).arg(channel).arg(payload);
        commands.add_command(command);
    }
    Gathered { commands, by }
}

/// Divides what is sorted by channel into what may go out together.
fn groups(order: &[(u64, usize)], length: impl Fn(usize) -> usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut bytes = 0;
    for (n, &(series, first)) in order.iter().enumerate() {
        let more = LENGTH + length(first);
        match groups.last_mut() {
            Some(last)
                if series != 0
                    && series == order[last.from].0
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

/// What is published of a group: one message as it is, several as a batch.
struct Payload<'a> {
    places: &'a [(u64, usize)],
    /// Channel and payload of each message of the load.
    messages: &'a [(&'a [u8], &'a [u8])],
}

impl Payload<'_> {
    fn parts(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.places.iter().map(|&(_, at)| self.messages[at].1)
    }

    /// About as many bytes, and not fewer.
    fn size(&self) -> usize {
        self.parts().map(|part| LENGTH + part.len()).sum::<usize>() + HEAD
    }
}

impl ToRedisArgs for Payload<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        match self.places {
            [(_, at)] => out.write_arg(self.messages[*at].1),
            // It is written to memory, which does not fail.
            _ => drop(batch::write(&mut out.writer_for_next_arg(), self.parts())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::load::{Parcel, Size};
    use super::*;

    fn load(messages: &[(u64, &str, &str)]) -> Load {
        let mut load = Load::default();
        for &(series, channel, payload) in messages {
            let size = Size { channel: channel.len(), payload: payload.len() };
            let parcel = Parcel { size, series, done: None, expires: Instant::now() };
            load.push(channel.as_bytes(), payload.as_bytes(), parcel);
        }
        load
    }

    /// Channel and payload of each command.
    fn commands(gathered: &Gathered) -> Vec<(String, Vec<u8>)> {
        let args = gathered.commands.cmd_iter().map(|command| {
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
        let load = load(&[(9, "a", "1"), (4, "b", "2"), (9, "a", "3"), (9, "a", "4")]);
        let gathered = gather("PUBLISH", &load);
        let expected = [("a".to_owned(), batch(&["1", "3", "4"])), ("b".to_owned(), b"2".to_vec())];
        assert_eq!(commands(&gathered), expected);
        assert_eq!(gathered.by, [0, 1, 0, 0]);
    }

    #[test]
    fn signs_of_life_go_out_by_themselves() {
        let load = load(&[(0, "p", "1"), (0, "p", "2"), (0, "q", "3")]);
        let gathered = gather("PUBLISH", &load);
        let one = |channel: &str, payload: &str| (channel.to_owned(), payload.as_bytes().to_vec());
        assert_eq!(commands(&gathered), [one("p", "1"), one("p", "2"), one("q", "3")]);
        assert_eq!(gathered.by, [0, 1, 2]);
    }

    #[test]
    fn a_batch_has_bounds_and_what_is_beyond_goes_into_the_next() {
        let many = vec![(1, "a", "x"); MOST + 1];
        let gathered = gather("PUBLISH", &load(&many));
        let commands = commands(&gathered);
        assert_eq!(commands[0].1, batch(&["x"; MOST]));
        assert_eq!(commands[1].1, b"x");
        assert_eq!(gathered.by, [vec![0; MOST], vec![1]].concat());

        let half = "x".repeat((LONGEST - HEAD) / 2 - LENGTH);
        let fit = [(1, "a", &*half), (1, "a", &*half)];
        let gathered = gather("PUBLISH", &load(&fit));
        assert_eq!(gathered.by, [0, 0]);
        let longer = format!("{half}xx");
        let gathered = gather("PUBLISH", &load(&[(1, "a", &*half), (1, "a", &*longer)]));
        assert_eq!(gathered.by, [0, 1]);
        let large = "x".repeat(LONGEST);
        let gathered = gather("PUBLISH", &load(&[(1, "a", &*large), (1, "a", "y"), (1, "a", "z")]));
        assert_eq!(gathered.by, [0, 1, 1]);
    }
}
