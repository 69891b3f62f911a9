//! Lengths of a server's frames, read from their headers.

/// The frames in `bytes`, which starts with one.
pub(crate) fn frames_in(bytes: &[u8]) -> usize {
    let (mut start, mut frames) = (0, 0);
    while start < bytes.len() {
        start += frame_length(&bytes[start..]);
        frames += 1;
    }
    frames
}

/// The length of the server's frame that `bytes` starts with, header included.
pub(crate) fn frame_length(bytes: &[u8]) -> usize {
    let big = |range: std::ops::Range<usize>| {
        bytes.get(range).unwrap_or_default().iter().fold(0usize, |n, b| n << 8 | usize::from(*b))
    };
    match bytes.get(1) {
        Some(127) => big(2..10) + 10,
        Some(126) => big(2..4) + 4,
        Some(short) => usize::from(*short) + 2,
        None => bytes.len().max(1),
    }
}
