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
fn whatever_part_is_written_the_rest_is_counted_right() {
    let lengths = [3, 200, 5000, 70_000, 1, 0, 4500, 9];
    let frames: Vec<_> = lengths.iter().map(|n| frame(*n)).collect();
    let all: Vec<u8> = frames.concat();
    for step in [1, 7, 999, 4096, 70_001] {
        let mut queue = Queue::default();
        for frame in &frames {
            queue.append(&Frame::new(frame));
        }
        let mut done = 0;
        while queue.bytes > 0 {
            let n = step.min(queue.bytes);
            queue.advance(n);
            done += n;
            let mut ends = 0;
            let whole = frames
                .iter()
                .filter(|f| {
                    ends += f.len();
                    ends <= done
                })
                .count();
            assert_eq!(queue.frames, frames.len() - whole, "after {done} by {step}");
            assert_eq!(queue.bytes, all.len() - done);
        }
        assert!(queue.front.is_empty() && queue.tail.is_empty() && queue.written == 0);
    }
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

#[test]
fn the_frame_that_is_half_written_survives_a_cut() {
    let mut queue = Queue::default();
    let (first, second) = (frame(50), frame(60));
    queue.append(&Frame::new(&first));
    queue.append(&Frame::new(&second));
    queue.advance(20);
    queue.drop_backlog();
    queue.append(&Frame::new(b"\x88\x00"));
    assert_eq!(queue.tail[queue.written..], [&first[20..], b"\x88\x00"].concat());
    assert_eq!(queue.bytes, first.len() - 20 + 2);
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

#[test]
fn whole_frames_are_counted_and_one_is_never_cut() {
    let bytes = [frame(10), frame(20), frame(5000)].concat();
    for (least, expected) in [(1, (12, 1)), (12, (12, 1)), (13, (34, 2)), (9999, (5038, 3))] {
        assert_eq!(whole_frames(&bytes, least), expected);
    }
    assert_eq!(whole_frames(&[], 5), (0, 0));
}
