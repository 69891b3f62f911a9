//! The answers of the scripts, as pages.

use ::redis::{FromRedisValue, RedisResult, Value, from_redis_value};
use bytes::Bytes;

use crate::broker::format::envelope;
use crate::broker::redis::counters::COUNTERS;
use crate::history::{Entry, Epoch, GapReason, Page, Position};

/// Where a log ends, as every script answers first.
pub(crate) fn top(value: Value) -> RedisResult<Position> {
    let (epoch, offset) = from_redis_value::<(String, u64)>(value)?;
    position(&epoch, offset)
}

fn position(epoch: &str, offset: u64) -> RedisResult<Position> {
    let epoch = epoch.parse::<Epoch>().map_err(|_| {
        let kind = ::redis::ErrorKind::UnexpectedReturnType;
        ::redis::RedisError::from((kind, "the meta key of a room has no epoch"))
    })?;
    Ok(Position::new(epoch, offset))
}

/// A page, for a reader who was at `after` or reads back.
pub(crate) fn page(value: Value, after: Option<Position>) -> RedisResult<Page> {
    type Answer = (String, u64, u64, u64, u8, Vec<Vec<u8>>);

    let (epoch, offset, base, from, more, entries) = Answer::from_redis_value(value)?;
    let top = position(&epoch, offset)?;
    let gap = after.and_then(|after| {
        if after.epoch() != top.epoch() || after.offset() > top.offset() {
            Some(GapReason::Reset)
        } else if after.offset() < from {
            Some(GapReason::Expired)
        } else {
            // Between the epochs messages may be missing.
            (after.offset() < base).then_some(GapReason::Reset)
        }
    });
    let read = |bytes: Vec<u8>| {
        let read = entry(&bytes);
        if read.is_none() {
            COUNTERS.malformed.increment(1);
        }
        read
    };
    let entries = entries.into_iter().filter_map(read).collect();
    Ok(Page { top, entries, more: more != 0, gap })
}

/// Reads `<offset>:<milliseconds>:<message>`.
fn entry(bytes: &[u8]) -> Option<Entry> {
    let mut parts = bytes.splitn(3, |byte| *byte == b':');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse().ok();
    let (offset, at_millis) = (number()?, number()?);
    let message = envelope::decode(parts.next()?).ok()?;
    Some(Entry {
        offset,
        at_millis,
        json: Bytes::copy_from_slice(message.json),
        except: message.except,
        except_rooms: message
            .except_rooms
            .into_iter()
            .map(|room| room.into_owned().into())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_another_program_is_read_and_a_malformed_one_is_not() {
        let read = entry(b"57:1764265000123:[\"a\",1]").unwrap();
        assert_eq!(
            (read.offset, read.at_millis, &*read.json),
            (57, 1_764_265_000_123, &b"[\"a\",1]"[..])
        );
        for bad in
            ["", "57", "57:1", "57:1:", "x:1:[\"a\",1]", "57:-1:[\"a\",1]", "57:1:[\"$a\",1]"]
        {
            assert!(entry(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
