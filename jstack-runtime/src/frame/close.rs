//! The payload of a close frame.

use super::FrameError;

/// The payload of a close frame that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CloseFrame<'a> {
    pub(crate) code: u16,
    pub(crate) reason: &'a str,
}

/// Reads a close frame's payload; an empty one has neither code nor reason.
pub(super) fn parse(payload: &[u8]) -> Result<Option<CloseFrame<'_>>, FrameError> {
    if payload.is_empty() {
        return Ok(None);
    }
    let Some((code, reason)) = payload.split_first_chunk() else {
        return Err(FrameError::protocol("close frame with half a code"));
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(FrameError::protocol("close code must not be sent"));
    }
    let Ok(reason) = std::str::from_utf8(reason) else {
        return Err(FrameError::data("close reason is not valid UTF-8"));
    };
    Ok(Some(CloseFrame { code, reason }))
}

/// Codes that a close frame may contain: those registered for the wire, and the ranges for libraries
/// (3000) and applications (4000). 1004 has no meaning; 1005, 1006 and 1015 are what an endpoint
/// reports to its own user.
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
