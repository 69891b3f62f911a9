//! Requests that become a WebSocket, and those that do not.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Version};

use crate::frame::handshake::{Accepted, Refusal, check};

const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
const GOOD: [(&str, &str); 4] =
    [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-version", "13"), KEY];

/// As a server sees them: the same name may come twice.
fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(name.parse::<HeaderName>().unwrap(), value);
    }
    map
}

fn get(pairs: &[(&str, &str)]) -> Result<Accepted, Refusal> {
    check(&Method::GET, Version::HTTP_11, &headers(pairs), None, false)
}

/// The good headers with this one replaced, or left out if there is no value.
fn with(name: &str, values: &[&str]) -> Result<Accepted, Refusal> {
    let mut pairs: Vec<_> = GOOD.into_iter().filter(|(other, _)| *other != name).collect();
    pairs.extend(values.iter().map(|value| (name, *value)));
    get(&pairs)
}

#[test]
fn the_example_of_the_rfc_is_answered_with_its_accept_value() {
    let accepted = get(&GOOD).unwrap();
    assert_eq!(accepted.accept.unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(accepted.deflate, None);
}

#[test]
fn token_lists_are_read_whatever_their_case_and_place() {
    for connection in ["upgrade", "keep-alive, Upgrade", "keep-alive,UPGRADE ,x", ", ,upgrade,"] {
        assert!(with("connection", &[connection]).is_ok(), "{connection}");
    }
    assert!(with("connection", &["keep-alive", "upgrade"]).is_ok());
    for upgrade in ["WebSocket", "h2c, websocket", "websocket\t"] {
        assert!(with("upgrade", &[upgrade]).is_ok(), "{upgrade}");
    }
}

#[test]
fn words_that_only_contain_the_token_are_not_it() {
    for connection in ["upgrades", "xupgrade", "up grade", "", "keep-alive"] {
        assert!(matches!(with("connection", &[connection]), Err(Refusal::BadRequest(_))));
    }
    assert!(matches!(with("connection", &[]), Err(Refusal::BadRequest(_))));
}

#[test]
fn a_plain_get_is_told_that_this_is_a_websocket() {
    assert_eq!(get(&[]), Err(Refusal::NotWebSocket));
    assert_eq!(get(&[("upgrade", "h2c"), ("connection", "upgrade")]), Err(Refusal::NotWebSocket));
    assert_eq!(get(&[("upgrade", "websockets")]), Err(Refusal::NotWebSocket));
}

#[test]
fn a_key_without_an_upgrade_blames_the_proxy() {
    let Err(Refusal::BadRequest(reason)) = with("upgrade", &[]) else { panic!() };
    assert!(reason.contains("proxy"), "{reason}");
}

#[test]
fn other_versions_than_13_are_refused_as_such() {
    for version in ["12", "14", "8", "7", "0", "013", "13, 8", "", "websocket", "1 3"] {
        assert_eq!(with("sec-websocket-version", &[version]), Err(Refusal::Version), "{version}");
    }
    assert_eq!(with("sec-websocket-version", &[]), Err(Refusal::Version));
    assert_eq!(with("sec-websocket-version", &["13", "13"]), Err(Refusal::Version));
    assert!(with("sec-websocket-version", &[" 13 "]).is_ok());
}

#[test]
fn a_key_is_sixteen_bytes_in_base64() {
    for key in ["AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+w==", " dGhlIHNhbXBsZSBub25jZQ=="]
    {
        assert!(with(KEY.0, &[key]).is_ok(), "{key}");
    }
    for key in [
        "",
        "==",
        "AAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAA====",
        "AAAAAAAAAAAAAAAAAAAA-_==",
        "AAAAAAAAAAA AAAAAAAAAA==",
        "SGVsbG8sIHdvcmxkIQ==",
        "ÄAAAAAAAAAAAAAAAAAAAA==",
    ] {
        assert!(matches!(with(KEY.0, &[key]), Err(Refusal::BadRequest(_))), "{key}");
    }
    assert!(matches!(with(KEY.0, &[]), Err(Refusal::BadRequest(_))));
    assert!(matches!(with(KEY.0, &[KEY.1, KEY.1]), Err(Refusal::BadRequest(_))));
}

#[test]
fn only_get_may_ask_for_an_upgrade() {
    for method in [Method::POST, Method::PUT, Method::HEAD, Method::OPTIONS, Method::CONNECT] {
        let result = check(&method, Version::HTTP_11, &headers(&GOOD), None, false);
        assert_eq!(result, Err(Refusal::Method), "{method}");
    }
}

#[test]
fn http_1_0_cannot_become_a_websocket() {
    let result = check(&Method::GET, Version::HTTP_10, &headers(&GOOD), None, false);
    assert!(matches!(result, Err(Refusal::BadRequest(_))));
}

#[test]
fn an_extended_connect_needs_a_version_and_no_key() {
    let connect = |protocol, pairs: &[(&str, &str)]| {
        check(&Method::CONNECT, Version::HTTP_2, &headers(pairs), protocol, false)
    };
    let version = ("sec-websocket-version", "13");
    assert_eq!(connect(Some("websocket"), &[version]).unwrap().accept, None);
    assert_eq!(connect(Some("websocket"), &[]), Err(Refusal::Version));
    assert!(matches!(connect(Some("connect-udp"), &[version]), Err(Refusal::BadRequest(_))));
    assert_eq!(connect(None, &[version]), Err(Refusal::Method));
}

#[test]
fn other_http_2_requests_are_refused() {
    let ask = |method| check(&method, Version::HTTP_2, &headers(&GOOD), None, false);
    assert_eq!(ask(Method::GET), Err(Refusal::NotWebSocket));
    assert_eq!(ask(Method::POST), Err(Refusal::Method));
}

#[test]
fn deflate_is_agreed_on_only_if_it_is_allowed_and_built_in() {
    let mut pairs = GOOD.to_vec();
    pairs.push(("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"));
    let ask = |deflate| {
        check(&Method::GET, Version::HTTP_11, &headers(&pairs), None, deflate).unwrap().deflate
    };
    assert_eq!(ask(false), None);
    assert_eq!(ask(true).is_some(), cfg!(feature = "deflate"));
}

#[test]
fn hostile_headers_are_refused_without_a_panic_and_in_linear_time() {
    let long = if cfg!(miri) { 1_000 } else { 1_000_000 };
    for value in [",".repeat(long), "upgrade ".repeat(long / 8), "\u{e9}".repeat(long / 2)] {
        for (name, _) in GOOD {
            if name == "sec-websocket-version" {
                assert_eq!(with(name, &[&value]), Err(Refusal::Version));
            } else {
                assert!(with(name, &[&value]).is_err());
            }
        }
    }
}
