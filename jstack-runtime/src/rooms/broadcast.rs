//! One message on its way to many queues.

use super::member::Member;
use crate::broker::Publication;
#[cfg(feature = "deflate")]
use crate::frame;
use crate::outbound::Frame;

/// One message's frame, plain and, once it is needed, compressed.
pub(super) struct Broadcast<'a> {
    plain: Frame<'a>,
    #[cfg(feature = "deflate")]
    json: &'a [u8],
    /// `None` if compression does not pay.
    #[cfg(feature = "deflate")]
    compressed: std::cell::OnceCell<Option<Frame<'a>>>,
}

impl<'a> Broadcast<'a> {
    pub(super) fn new(message: &Publication<'a>) -> Self {
        Self {
            plain: Frame::new(message.frame()),
            #[cfg(feature = "deflate")]
            json: message.json(),
            #[cfg(feature = "deflate")]
            compressed: std::cell::OnceCell::new(),
        }
    }

    #[cfg(not(feature = "deflate"))]
    pub(super) fn frame_for(&self, _: &Member) -> &Frame<'a> {
        &self.plain
    }

    #[cfg(feature = "deflate")]
    pub(super) fn frame_for(&self, member: &Member) -> &Frame<'a> {
        if !member.deflate.is_some_and(|window| frame::fits(window, self.json.len())) {
            return &self.plain;
        }
        let compress = || frame::deflate::text_frame(self.json).map(Frame::new);
        self.compressed.get_or_init(compress).as_ref().unwrap_or(&self.plain)
    }
}
