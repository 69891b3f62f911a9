//! A thread's spare buffers: a connection owns one only while something waits in it.

use std::cell::RefCell;

/// Spare buffers kept for each thread.
const SPARES: usize = 1024;
/// A buffer that grew beyond this is given back to the allocator.
const LARGEST: usize = 8 * 1024;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer.
pub(super) fn take() -> Vec<u8> {
    // A thread that is ending has no spares any more.
    SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

/// Gives a buffer back.
pub(super) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > LARGEST {
        return;
    }
    buffer.clear();
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARES {
            spare.push(buffer);
        }
    });
}
