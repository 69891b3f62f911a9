//! permessage-deflate without context takeover: every message is compressed by itself.
//!
//! So a connection keeps no state, a broadcast is compressed once for all its members, and the
//! (large) states of zlib belong to the threads that use them.

use std::cell::Cell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::FrameError;

/// What a sync flush ends with and a message leaves out (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

const CORRUPT: FrameError = FrameError::data("compressed message cannot be inflated");

thread_local! {
    static COMPRESS: Cell<Option<Compress>> = const { Cell::new(None) };
    static DECOMPRESS: Cell<Option<Decompress>> = const { Cell::new(None) };
}

/// Compresses a message, once for all its receivers, and appends it to `out`.
///
/// `false`, and `out` as it was, if that would not make it shorter: then it is sent as it is.
pub(crate) fn compress(payload: &[u8], out: &mut Vec<u8>) -> bool {
    // A thread that is ending has no pool any more; it makes a state of its own.
    let mut state = COMPRESS
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_else(|| Compress::new(Compression::fast(), false));
    state.reset();
    let start = out.len();
    let shorter = compress_with(&mut state, payload, out) && out.len() - start < payload.len();
    if !shorter {
        out.truncate(start);
    }
    _ = COMPRESS.try_with(|pool| pool.set(Some(state)));
    shorter
}

/// Messages shorter than this do not pay for being compressed.
const WORTH_IT: usize = 512;

/// A compressed text frame, header included; `None` where compressing does not pay.
pub(crate) fn text_frame(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < WORTH_IT {
        return None;
    }
    let mut buffer = vec![0; super::HEADROOM];
    if !compress(payload, &mut buffer) {
        return None;
    }
    let start = super::write_header(&mut buffer, super::Opcode::Text, true);
    Some(buffer.split_off(start))
}

fn compress_with(state: &mut Compress, payload: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    // What comes out as long as it went in is thrown away, so there is no need for more room.
    out.reserve(payload.len() + TAIL.len());
    if state.compress_vec(payload, out, FlushCompress::Sync).is_err() || out.len() == out.capacity()
    {
        return false;
    }
    match out[start..].strip_suffix(&TAIL) {
        Some(message) => {
            let end = start + message.len();
            out.truncate(end);
            true
        }
        None => false,
    }
}

/// Inflates a message of at most `max` bytes.
///
/// The limit is checked as the output grows, so a bomb costs no more memory than a message.
pub(super) fn inflate(message: &[u8], max: usize) -> Result<Vec<u8>, FrameError> {
    let mut state =
        DECOMPRESS.try_with(Cell::take).ok().flatten().unwrap_or_else(|| Decompress::new(false));
    let mut out = Vec::new();
    let result = inflate_part(&mut state, message, max, &mut out)
        .and_then(|()| inflate_part(&mut state, &TAIL, max, &mut out));
    state.reset(false);
    _ = DECOMPRESS.try_with(|pool| pool.set(Some(state)));
    result.map(|()| out)
}

fn inflate_part(
    state: &mut Decompress,
    mut input: &[u8],
    max: usize,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    loop {
        if out.len() == out.capacity() {
            // One byte beyond the limit distinguishes a message that fits from one that does not.
            let step = out.len().max(1024);
            out.reserve_exact(step.min((max - out.len()).saturating_add(1)));
        }
        let before = state.total_in();
        let status =
            state.decompress_vec(input, out, FlushDecompress::Sync).map_err(|_| CORRUPT)?;
        let read = usize::try_from(state.total_in() - before).map_err(|_| CORRUPT)?;
        input = input.get(read..).unwrap_or_default();
        if out.len() > max {
            return Err(FrameError::too_long());
        }
        match status {
            // A sender may end its stream (BFINAL) and go on with a new one in the same message.
            Status::StreamEnd => state.reset(false),
            Status::Ok | Status::BufError if out.len() == out.capacity() => continue,
            Status::Ok | Status::BufError if input.is_empty() => return Ok(()),
            // With room for output and input left, zlib always goes on.
            Status::Ok if read > 0 => {}
            Status::Ok | Status::BufError => return Err(CORRUPT),
        }
        if input.is_empty() {
            return Ok(());
        }
    }
}
