//! The open loop: messages are sent when they are due, whatever comes back.
//!
//! Each is stamped with the moment at which it was due. What a slow server delays is so counted as its
//! latency, and not left out because nothing was sent meanwhile.

use std::io;

use crate::args::Publish;
use crate::swarm::Swarm;

impl Swarm {
    /// From now on messages are sent when they are due.
    pub(crate) fn keep_pace(&mut self) {
        self.paced = Some((self.now(), 0));
    }

    /// Sends what is due by now.
    pub(crate) fn send_what_is_due(&mut self) -> io::Result<()> {
        let (Some((start, mut sent)), Some(rate)) = (self.paced, self.args.rate) else {
            return Ok(());
        };
        if !self.looping {
            return Ok(());
        }
        let due = ((self.now() - start) as f64 / 1e9 * rate) as u64;
        while sent < due {
            let at = start + (sent as f64 / rate * 1e9) as u64;
            let index = match self.args.publish {
                Publish::Each => (sent % self.args.connections as u64) as usize,
                Publish::One => 0,
            };
            let connection = &mut self.connections[index];
            let frame = connection.template.stamped(at).to_vec();
            connection.send(&self.epoll, &frame)?;
            self.tally.sent += 1;
            sent += 1;
        }
        self.paced = Some((start, sent));
        Ok(())
    }
}
