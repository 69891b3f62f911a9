//! Frames that no client sends.

use std::time::{Duration, Instant};

use jstack_runtime::Limits;
use jstack_tests::client::{frame, header};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};

async fn closed_with(bytes: &[u8]) -> Frame {
    let server = Server::start(limits()).await;
    let mut other = Client::chat(server.address).await.expect("a chat");
    let mut client = Client::chat(server.address).await.expect("a chat");
    // A server that closes in the middle of a flood resets it.
    let _ = client.send(bytes).await;
    let end = client.end().await;
    assert!(other.is_well().await);
    end
}

fn code(frame: &Frame) -> u16 {
    match frame {
        Frame::Close(code, _) => *code,
        _ => 0,
    }
}

/// CVE-2022-35922 (rust-websocket): memory is reserved by the declared length, and the process
/// dies. CVE-2016-10542 (ws): a payload of any size.
#[tokio::test]
async fn a_declared_length_of_2_to_the_63_is_refused_by_its_header() {
    for length in [1 << 63, u64::MAX, (1 << 63) - 1, 1 << 32, 65 * 1024] {
        let end = closed_with(&header(0x81, length)).await;
        assert!(matches!(code(&end), 1009 | 1002), "{length}: {end:?}");
    }
    let end = closed_with(&header(0x81, 65 * 1024)).await;
    assert_eq!(code(&end), 1009);
}

/// CVE-2020-36049 (socket.io-parser): memory by concatenation.
#[tokio::test]
async fn a_flood_of_fragments_is_cut_off() {
    let mut bytes = frame(1, false, b"[");
    for _ in 0..10_000 {
        bytes.extend_from_slice(&frame(0, false, b" "));
    }
    let end = closed_with(&bytes).await;
    assert!(matches!(code(&end), 1008 | 1009), "{end:?}");
}

/// CVE-2026-48779 (ws): a million empty fragments. CVE-2026-69185 (socket.io-parser): nothing, at
/// any length.
#[tokio::test]
async fn empty_continuations_are_cut_off() {
    let mut bytes = frame(1, false, b"");
    bytes.extend_from_slice(&frame(0, false, b"").repeat(1_000_000));
    let end = closed_with(&bytes).await;
    assert!(matches!(end, Frame::Close(1008 | 1009, _) | Frame::End), "{end:?}");
}

/// Fragments together may not be longer than a message.
#[tokio::test]
async fn fragments_that_grow_beyond_the_limit_are_cut_off() {
    let mut bytes = frame(1, false, &[b' '; 60_000]);
    bytes.extend_from_slice(&frame(0, true, &[b' '; 60_000]));
    assert_eq!(code(&closed_with(&bytes).await), 1009);
}

#[tokio::test]
async fn a_flood_of_control_frames_is_cut_off() {
    for opcode in [9, 10] {
        let end = closed_with(&frame(opcode, true, b"x").repeat(100_000)).await;
        assert!(matches!(end, Frame::Close(1008, _) | Frame::End), "{opcode}: {end:?}");
    }
}

/// CVE-2022-21676 (engine.io): reserved bits end the process; a decompression bomb needs one.
#[tokio::test]
async fn reserved_bits_opcodes_and_frames_without_mask_are_protocol_errors() {
    let mut unmasked = vec![0x81, 2];
    unmasked.extend_from_slice(b"[]");
    let long_ping = frame(9, true, &[0; 126]);
    let cases = [
        header(0x81 | 0x40, 1),
        header(0x81 | 0x20, 1),
        header(0x81 | 0x10, 1),
        header(0x83, 1),
        header(0x8f, 1),
        header(0x09, 1),
        header(0x80, 1),
        unmasked,
        long_ping,
        frame(8, true, &[3]),
        frame(8, true, &1005u16.to_be_bytes()),
        frame(8, true, &[0x03, 0xe8, 0xff, 0xfe]),
    ];
    for bytes in cases {
        let end = closed_with(&bytes).await;
        assert!(matches!(code(&end), 1002 | 1007), "{bytes:?}: {end:?}");
    }
}

#[tokio::test]
async fn text_that_is_no_utf8_closes_with_1007() {
    for bytes in [
        &b"[\"echo\",\"\xff\"]"[..],
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        b"\"\xe2\x82",
    ] {
        assert_eq!(code(&closed_with(&frame(1, true, bytes)).await), 1007, "{bytes:?}");
    }
}

/// CVE-2016-10518, CVE-2026-45736 (ws): memory of others in a pong or a close frame.
#[tokio::test]
async fn a_pong_and_a_close_hold_exactly_what_was_sent() {
    let server = Server::start(limits()).await;
    for payload in [&b""[..], b"100", &[0xaa; 125]] {
        let mut client = Client::chat(server.address).await.expect("a chat");
        client.send(&frame(9, true, payload)).await.expect("sent");
        assert_eq!(client.next().await, Frame::Control(10, payload.to_vec()));
        client.send(&frame(8, true, b"\x0f\xa0bye")).await.expect("sent");
        let end = client.end().await;
        assert!(
            matches!(&end, Frame::Close(4000, reason) if reason.is_empty() || reason == "bye"),
            "{end:?}"
        );
    }
}

/// CVE-2020-35896 (ws-rs): the outgoing buffer of one connection grows without limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_closed_and_costs_the_others_nothing() {
    let limits = Limits { queue_bytes: 256 * 1024, ..limits() };
    let mut server = Server::start(limits).await;
    let stalled = Client::chat(server.address).await.expect("a chat");
    let mut other = Client::chat(server.address).await.expect("a chat");
    let text = "x".repeat(16 * 1024);
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        let (mut texts, mut slowest) = (0, Duration::ZERO);
        let mut last = Instant::now();
        while texts < 2000 {
            assert_ne!(other.next_text().await, "", "the reader that keeps up was closed");
            slowest = slowest.max(last.elapsed());
            (last, texts) = (Instant::now(), texts + 1);
            let _ = heard.send(());
        }
        slowest
    });
    // Every message waits for the reader who keeps up, so that it is never its fault.
    let emit = async {
        for _ in 0..2000 {
            jstack_tests::app::say(&server.io, &text).await.expect("taken");
            if hears.recv().await.is_none() {
                break;
            }
        }
    };
    let ((), slowest) = tokio::join!(emit, reading);
    println!("longest pause of the reader beside: {:?}", slowest.expect("no panic"));
    let reason = tokio::time::timeout(Duration::from_secs(10), server.gone.recv()).await;
    let reason = reason.expect("the stalled reader is closed").expect("a reason");
    assert_eq!(reason.code(), 1013, "{reason}");
    drop(stalled);
}
