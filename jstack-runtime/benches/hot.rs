//! The hot functions of a message's way, one by one.
//!
//! `cargo bench -p jstack-runtime --features fuzzing --bench hot`

#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement, not part of the library")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jstack_runtime::__private::Event;
use jstack_runtime::fuzzing::{self, FanOut, FrameMessage, FrameStream};
use jstack_runtime::prelude::*;

/// What `benches/ours` sends.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    #[garde(length(chars, min = 1, max = 64))]
    room_id: String,
    #[garde(length(chars, min = 1, max = 2000))]
    message: String,
    #[garde(length(chars, min = 1, max = 64))]
    author: String,
}

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(Post),
}

const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

fn message() -> Post {
    Post { room_id: "r1".into(), message: "x".repeat(47), author: "a".into() }
}

/// A message of 100 bytes as a client sends it.
fn text() -> String {
    let data = serde_json::to_string(&message()).unwrap();
    let text = format!(r#"["message",{data}]"#);
    assert_eq!(text.len(), 100);
    text
}

fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap()];
    frame.extend(KEY);
    frame.extend(text.bytes().zip(KEY.into_iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn decode(c: &mut Criterion) {
    let text = text();
    let mut group = c.benchmark_group("decode");
    group.bench_function("an event of 100 bytes", |b| {
        assert_eq!(fuzzing::event::<Chat>(&text, 64), Some("message"));
        b.iter(|| fuzzing::event::<Chat>(black_box(&text), 64));
    });
    group.bench_function("a frame of 100 bytes", |b| {
        let (frame, mut stream) = (masked(&text), FrameStream::new(1 << 16, 128, false));
        b.iter_batched_ref(
            || frame.clone(),
            |frame| {
                let mut length = 0;
                stream
                    .feed(frame, |message| {
                        if let FrameMessage::Text(text) = message {
                            length = text.len();
                        }
                    })
                    .unwrap();
                assert_eq!(length, 100);
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn encode(c: &mut Criterion) {
    let event = Event::<Post, Chat>::new("message", Chat::Message);
    let (message, mut buffer) = (message(), Vec::new());
    c.bench_function("encode/an event of 100 bytes", |b| {
        b.iter(|| fuzzing::text_frame(&event, black_box(&message), &mut buffer).unwrap());
    });
}

fn unmask(c: &mut Criterion) {
    let mut group = c.benchmark_group("unmask");
    for length in [100_u32, 4096, 65536] {
        let mut payload = vec![7; length as usize];
        group.throughput(Throughput::Bytes(u64::from(length)));
        group.bench_function(format!("{length} bytes"), |b| {
            b.iter(|| fuzzing::unmask(black_box(&mut payload), KEY));
        });
    }
    group.finish();
}

fn fan_out(c: &mut Criterion) {
    /// Messages between two times that the queues are emptied.
    const MESSAGES: u32 = 16;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (text, mut buffer) = (text(), Vec::new());
    let mut group = c.benchmark_group("fan-out push");
    for members in [1_u32, 10, 1000] {
        let room = runtime.block_on(FanOut::new(members as usize)).unwrap();
        let heard = runtime.block_on(async {
            room.publish(text.as_bytes(), &mut buffer).await.unwrap();
            room.drain().await
        });
        assert_eq!(heard, 102 * members as usize, "everybody hears it");
        group.throughput(Throughput::Elements(u64::from(members * MESSAGES)));
        group.bench_function(format!("16 messages to {members}"), |b| {
            b.iter_batched(
                || runtime.block_on(room.drain()),
                |_| {
                    runtime.block_on(async {
                        for _ in 0..MESSAGES {
                            room.publish(text.as_bytes(), &mut buffer).await.unwrap();
                        }
                    });
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(hot, decode, encode, unmask, fan_out);
criterion_main!(hot);
