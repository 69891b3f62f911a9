//! What waits to be sent: while there is no connection, and while the network has enough to send.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::failure;
use crate::client::inward::Class;
use crate::error::{Error, Result};

/// Beyond so many unsent bytes, events that may be dropped or replaced are not added.
const FULL: usize = 64 * 1024;

/// A frame that waits.
pub(super) struct Kept {
    pub(super) event: String,
    pub(super) text: String,
    /// A request's id: it ends by itself, and is reliable whatever its event is.
    pub(super) id: Option<String>,
    since: Instant,
    /// Where a newer one replaces it: the event and the key of a `latest` one.
    slot: Option<String>,
}

/// What becomes of a frame.
pub(super) enum Fate {
    /// It goes out now.
    Send(String),
    Kept,
    /// It is volatile, and there is nobody to take it.
    Dropped,
}

pub(super) struct Outbox {
    /// Of events that are not reliable. Empty before the first `$welcome`, so until then all are.
    pub(super) classes: BTreeMap<String, Class>,
    /// In their order. While the socket is open, only `latest` events are here.
    waiting: VecDeque<Kept>,
    most: usize,
    age: Duration,
}

impl Outbox {
    pub(super) fn new(most: usize, age: Duration) -> Self {
        Self { classes: BTreeMap::new(), waiting: VecDeque::new(), most, age }
    }

    /// Sends, keeps or drops a frame; `sending` is how much waits for the network, where it is open.
    pub(super) fn add(
        &mut self,
        event: &str,
        text: String,
        id: Option<String>,
        sending: Option<usize>,
    ) -> Result<Fate> {
        let class = self.class(event, id.as_deref());
        let slot = slot(&class, event, &text);
        if slot.is_some() {
            // The one that waits is older than this one.
            self.waiting.retain(|kept| kept.slot != slot);
        }
        match sending {
            Some(bytes) if class == Class::Reliable || bytes <= FULL => {
                return Ok(Fate::Send(text));
            }
            _ if class == Class::Volatile => return Ok(Fate::Dropped),
            _ => {}
        }
        if self.waiting.len() >= self.most {
            return Err(failure::overflow(event));
        }
        let (event, since) = (event.to_owned(), Instant::now());
        self.waiting.push_back(Kept { event, text, id, since, slot });
        Ok(Fate::Kept)
    }

    /// Takes out a request that ended before it was sent.
    pub(super) fn remove(&mut self, id: &str) {
        self.waiting.retain(|kept| kept.id.as_deref() != Some(id));
    }

    /// Takes the next frame that goes out now, or was kept for too long.
    pub(super) fn next(&mut self, sending: usize) -> Option<Result<Kept, (String, Error)>> {
        let classes = &self.classes;
        let mut at = 0;
        while let Some(kept) = self.waiting.get(at) {
            let class = match &kept.id {
                Some(_) => Class::Reliable,
                None => classes.get(&kept.event).cloned().unwrap_or(Class::Reliable),
            };
            if class == Class::Volatile {
                // Kept before the first connection, which named the classes.
                self.waiting.remove(at);
                continue;
            }
            if class != Class::Reliable && sending > FULL {
                at += 1;
                continue;
            }
            let kept = self.waiting.remove(at)?;
            if kept.id.is_none() && kept.since.elapsed() > self.age {
                let error = failure::expired(&kept.event);
                return Some(Err((kept.event, error)));
            }
            return Some(Ok(kept));
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    fn class(&self, event: &str, id: Option<&str>) -> Class {
        match id {
            Some(_) => Class::Reliable,
            None => self.classes.get(event).cloned().unwrap_or(Class::Reliable),
        }
    }
}

/// The place in which a `latest` event replaces an older one.
fn slot(class: &Class, event: &str, text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Pair(serde::de::IgnoredAny, Value);
    let Class::Latest(field) = class else { return None };
    let key = field.as_ref().and_then(|field| {
        let Pair(_, mut data) = serde_json::from_str(text).ok()?;
        data.get_mut(field).map(Value::take)
    });
    Some(format!("{event} {}", key.unwrap_or_default()))
}
