//! Masking: the exclusive-or with four repeated bytes that every client frame carries.

/// Unmasks `payload` in place. `offset` is how many bytes of the frame came before it.
///
/// Works on words of eight bytes, which the compiler widens to what the machine has.
#[inline]
pub(crate) fn unmask(payload: &mut [u8], key: [u8; 4], offset: u64) {
    let mut key = key;
    // The remainder of four always fits.
    key.rotate_left((offset & 3) as usize);
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);

    let (words, tail) = payload.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byte_by_byte(payload: &mut [u8], key: [u8; 4], offset: usize) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[(i + offset) % 4];
        }
    }

    #[test]
    fn words_give_what_single_bytes_give_at_every_length_and_offset() {
        let key = [0x12, 0x34, 0x56, 0x78];
        let longest = if cfg!(miri) { 20 } else { 130 };
        for length in 0..longest {
            for offset in 0..8 {
                let mut ours: Vec<u8> = (0..length).collect();
                let mut theirs = ours.clone();
                unmask(&mut ours, key, offset);
                byte_by_byte(&mut theirs, key, usize::try_from(offset).unwrap());
                assert_eq!(ours, theirs, "length {length}, offset {offset}");
            }
        }
    }

    #[test]
    fn unaligned_payloads_are_unmasked_like_aligned_ones() {
        let key = [1, 2, 3, 4];
        for start in 0..8 {
            let mut ours: Vec<u8> = (0..40).collect();
            let mut theirs = ours.clone();
            unmask(&mut ours[start..], key, 0);
            byte_by_byte(&mut theirs[start..], key, 0);
            assert_eq!(ours, theirs);
        }
    }
}
