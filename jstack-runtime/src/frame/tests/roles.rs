//! The two roles: what a client writes, a server reads, and the other way round.

use super::super::*;

const LENGTHS: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 70_000];

fn text(step: Option<Message<'_>>) -> String {
    match step {
        Some(Message::Text(text)) => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

fn config() -> DecoderConfig {
    DecoderConfig { max_message: 1 << 20, max_fragments: 8 }
}

#[test]
fn a_server_reads_what_a_client_writes() {
    for length in LENGTHS {
        let payload = "x".repeat(length);
        let mut bytes = Vec::new();
        write_masked(&mut bytes, Opcode::Text, payload.as_bytes(), [1, 2, 3, 4]);
        let step = Decoder::new(false)
            .decode(&mut bytes, &config())
            .unwrap()
            .message
            .map(|m| text(Some(m)));
        assert_eq!(step.as_deref(), Some(&*payload), "{length}");
    }
}

#[test]
fn a_client_reads_what_a_server_writes_however_it_is_split() {
    for length in LENGTHS {
        let mut buffer = vec![0; HEADROOM];
        buffer.resize(HEADROOM + length, b'x');
        let start = write_header(&mut buffer, Opcode::Text, false);
        let frame = &buffer[start..];
        for split in [1, 2, 3, 9, 10, 11].into_iter().filter(|split| *split < frame.len()) {
            let mut decoder = Decoder::of_server();
            let (mut head, mut tail) = (frame[..split].to_vec(), frame[split..].to_vec());
            assert!(decoder.decode(&mut head, &config()).unwrap().message.is_none());
            let found = text(decoder.decode(&mut tail, &config()).unwrap().message);
            assert_eq!(found.len(), length, "{length} split at {split}");
        }
    }
}

#[test]
fn each_role_refuses_the_frames_of_its_own() {
    let mut masked = Vec::new();
    write_masked(&mut masked, Opcode::Ping, b"a", [1, 2, 3, 4]);
    let error = Decoder::of_server().decode(&mut masked, &config()).unwrap_err();
    assert_eq!((error.code, error.reason), (1002, "server frame is masked"));
    let mut plain = control(Opcode::Ping, b"a").to_vec();
    let error = Decoder::new(false).decode(&mut plain, &config()).unwrap_err();
    assert_eq!((error.code, error.reason), (1002, "client frame is not masked"));
}
