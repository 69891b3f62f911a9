use super::*;

fn frame(length: usize) -> Vec<u8> {
    let mut buffer = vec![0; crate::frame::HEADROOM + length];
    let at = crate::frame::write_header(&mut buffer, crate::frame::Opcode::Text, false);
    buffer.split_off(at)
}

const LIMITS: QueueLimits = QueueLimits { bytes: 100_000, frames: 10 };

fn closing() -> &'static [u8] {
    b"\x88\x00"
}

#[test]
fn a_full_queue_becomes_its_close_frame() {
    let out = Outbound::new();
    let one = frame(10);
    for _ in 0..10 {
        assert_eq!(out.push(&Frame::new(&one), LIMITS, closing), Pushed::Queued);
    }
    assert_eq!(out.push(&Frame::new(&one), LIMITS, closing), Pushed::Overflow);
    assert_eq!(out.waiting(), 2);
    assert_eq!(out.push(&Frame::new(&one), LIMITS, closing), Pushed::Closed);
    assert_eq!(out.close(b"\x88\x00"), None);
}

#[tokio::test]
async fn the_newest_frame_of_a_key_goes_out_before_the_last_frame_and_nothing_after_it() {
    let out = Outbound::new();
    out.attach_task();
    out.mark_blocked();
    let key: &dyn Fn() -> Box<[u8]> = &|| b"key"[..].into();
    let pushed =
        out.push_sheddable(&Frame::new(frame(1)), LIMITS, closing, &Sheddable::Latest(key));
    assert_eq!((pushed, out.waiting()), (Pushed::Queued, 0));
    assert_eq!(out.close(closing()), Some(Pushed::Queued));
    let chunks = out.take().await.expect("an open queue");
    let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes().to_vec()).collect();
    assert_eq!(bytes, [&frame(1)[..], closing()].concat());
    out.wrote(bytes.len(), 2);
    let mut more = std::pin::pin!(out.take());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(more.as_mut().poll(&mut context).is_pending());
    assert!(out.is_empty());
}

#[test]
fn bytes_limit_what_waits_as_frames_do() {
    let out = Outbound::new();
    let large = frame(60_000);
    assert_eq!(out.push(&Frame::new(&large), LIMITS, closing), Pushed::Queued);
    assert_eq!(out.push(&Frame::new(&large), LIMITS, closing), Pushed::Overflow);
}

#[test]
fn a_close_says_whether_another_was_first_or_nothing_goes_out_any_more() {
    let out = Outbound::new();
    assert_eq!(out.close(b"\x88\x00"), Some(Pushed::Queued));
    assert_eq!(out.close(b"\x88\x00"), None);
    let dead = Outbound::new();
    dead.kill();
    assert!(dead.is_dead());
    assert_eq!(dead.close(b"\x88\x00"), Some(Pushed::Closed));
}
