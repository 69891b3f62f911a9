//! The history: the last messages of each room, in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::post::Message;

/// Messages kept for each room.
const KEPT: usize = 100;
/// Rooms kept: strangers may name as many as they like, and must not fill the memory.
const ROOMS: usize = 1000;

/// The last messages of each room.
#[derive(Clone, Default)]
pub(crate) struct Store {
    rooms: Arc<Mutex<HashMap<String, VecDeque<Message>>>>,
}

impl Store {
    /// Keeps a message.
    pub(crate) fn save(&self, message: &Message) {
        // A panic elsewhere cannot have left half a message behind.
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= ROOMS && !rooms.contains_key(&message.room_id) {
            return;
        }
        let room = rooms.entry(message.room_id.clone()).or_default();
        if room.len() == KEPT {
            room.pop_front();
        }
        room.push_back(message.clone());
    }

    /// The last `limit` messages of a room, oldest first.
    pub(crate) fn recent(&self, room: &str, limit: usize) -> Vec<Message> {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(room) = rooms.get(room) else { return Vec::new() };
        room.iter().skip(room.len().saturating_sub(limit)).cloned().collect()
    }

    /// Deletes the messages of a room.
    pub(crate) fn clear(&self, room: &str) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).remove(room);
    }
}
