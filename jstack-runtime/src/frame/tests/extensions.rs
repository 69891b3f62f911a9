//! Offers of permessage-deflate: which are accepted, and with which answer.

use http::HeaderValue;

use crate::frame::extensions::{NegotiatedDeflate, fits, negotiate};

const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn offer_all(offers: &[&str]) -> Option<NegotiatedDeflate> {
    let values: Vec<_> =
        offers.iter().map(|offer| HeaderValue::from_bytes(offer.as_bytes()).unwrap()).collect();
    negotiate(values.iter())
}

fn offer(offer: &str) -> Option<(String, u8)> {
    offer_all(&[offer])
        .map(|agreed| (agreed.response.to_str().unwrap().to_owned(), agreed.server_window_bits))
}

#[test]
fn usual_offers_are_accepted_without_context_takeover() {
    for text in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "  PerMessage-Deflate ;  client_no_context_takeover  ",
        "permessage-deflate; client_max_window_bits=\"12\"",
    ] {
        assert_eq!(offer(text), Some((ANSWER.to_owned(), 15)), "{text}");
    }
}

#[test]
fn a_window_asked_of_the_server_is_confirmed() {
    for bits in 9..=15 {
        let text = format!("permessage-deflate; server_max_window_bits={bits}");
        let answer = format!("{ANSWER}; server_max_window_bits={bits}");
        assert_eq!(offer(&text), Some((answer, bits)));
    }
}

#[test]
fn offers_that_cannot_be_met_or_read_are_declined() {
    for text in [
        "",
        ";",
        ",",
        "=",
        "deflate",
        "x-webkit-deflate-frame",
        "permessage-deflated",
        "permessage-bzip2",
        "constructor",
        "__proto__",
        "permessage-deflate=1",
        "permessage-deflate;",
        "permessage-deflate; unknown",
        "permessage-deflate; constructor",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=+10",
        "permessage-deflate; server_max_window_bits=-10",
        "permessage-deflate; server_max_window_bits=10.0",
        "permessage-deflate; server_max_window_bits=99999999999999999999",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"10",
        "permessage-deflate; server_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=\"\"",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
        "\"permessage-deflate\"",
        "\"permessage-deflate, permessage-deflate",
    ] {
        assert_eq!(offer(text), None, "{text}");
    }
}

#[test]
fn the_first_offer_that_can_be_met_is_taken() {
    for text in [
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
        "permessage-bzip2, permessage-deflate; client_max_window_bits, permessage-deflate",
        "x; y=\"a, permessage-deflate; server_max_window_bits=9\", permessage-deflate",
        "x; y=\"a\\\", permessage-deflate; server_max_window_bits=9\", permessage-deflate",
        ", ,,permessage-deflate",
    ] {
        assert_eq!(offer(text), Some((ANSWER.to_owned(), 15)), "{text}");
    }
    let agreed = offer_all(&["nonsense;;;", "\u{e9}", "permessage-deflate"]);
    assert_eq!(agreed.unwrap().response, ANSWER);
}

#[test]
fn shared_frames_fit_a_client_whose_window_holds_the_whole_message() {
    let agreed = |bits| NegotiatedDeflate {
        response: HeaderValue::from_static(""),
        server_window_bits: bits,
    };
    assert!(fits(agreed(9).server_window_bits, 512) && !fits(agreed(9).server_window_bits, 513));
    assert!(
        fits(agreed(14).server_window_bits, 16_384) && !fits(agreed(14).server_window_bits, 16_385)
    );
    for any in [0, 32_768, 32_769, usize::MAX] {
        assert!(
            fits(agreed(15).server_window_bits, any),
            "the full window is the one frames are compressed with"
        );
    }
}

#[test]
fn long_garbage_is_declined_in_linear_time() {
    let long = if cfg!(miri) { 500 } else { 200_000 };
    for unit in [",", ";", "\"", "\\", "a=", "permessage-deflate;", "permessage-deflate; a,"] {
        assert_eq!(offer(&unit.repeat(long)), None);
    }
}
