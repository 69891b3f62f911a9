//! Each thread's spare buffers. A connection owns a buffer only while something waits in it.

use std::cell::RefCell;

/// Spare buffers kept for each thread.
const SPARES: usize = 1024;
/// A larger buffer is freed instead of kept.
const LARGEST: usize = 8 * 1024;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Takes a spare buffer, or makes one. It is empty.
pub(super) fn take() -> Vec<u8> {
    // `try_with`, because a thread that is ending has no spares any more.
    SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

/// Returns a buffer to the spares of this thread.
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
