use super::*;

fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn check(origins: &Origins, origin: &str, host: &str, secure: bool) -> bool {
    let headers = headers(&[("origin", origin.as_bytes()), ("host", host.as_bytes())]);
    match origins.check(&headers, &Uri::from_static("/"), secure) {
        Decision::Allowed(echo) => {
            assert_eq!(echo.as_bytes(), origin.as_bytes());
            true
        }
        Decision::Refused(error) => {
            assert_eq!(error.status(), 403);
            false
        }
        Decision::Absent => panic!("{origin}"),
    }
}

/// Every kind of origin that attacks have used, or that a person may mistake for another.
const KINDS: &[(&str, bool)] = &[
    ("https://example.com", true),
    ("HTTPS://Example.COM", true),
    ("https://example.com:443", true),
    ("http://example.com", false),
    ("https://example.com:8443", false),
    ("https://example.com:80", false),
    ("https://example.com:4430", false),
    ("https://example.com:0443", false),
    ("https://example.com:", false),
    ("https://example.com:65536", false),
    ("https://example.com:443:443", false),
    ("https://example.com:-1", false),
    ("https://example.com:x", false),
    ("https://example.com.", false),
    ("https://example.com..", false),
    ("https://.example.com", false),
    ("https://www.example.com", false),
    ("https://evil-example.com", false),
    ("https://evilexample.com", false),
    ("https://example.com.evil", false),
    ("https://example.com.evil.org", false),
    ("https://example.co", false),
    ("https://example.com@evil.org", false),
    ("https://evil.org@example.com", false),
    ("https://user:pass@example.com", false),
    ("https://evil.org#example.com", false),
    ("https://evil.org?example.com", false),
    ("https://evil.org/example.com", false),
    ("https://example.com/", false),
    ("https://example.com/path", false),
    ("https://example.com?", false),
    ("https://example.com ", false),
    ("https://example.com, https://evil.org", false),
    ("https://evil.org https://example.com", false),
    ("https://exam\tple.com", false),
    ("https://example.com\\evil", false),
    ("https://*", false),
    ("https://*.example.com", false),
    ("*", false),
    ("", false),
    ("null", false),
    ("NULL", false),
    ("example.com", false),
    ("//example.com", false),
    ("https:example.com", false),
    ("https:/example.com", false),
    ("https:///example.com", false),
    ("://example.com", false),
    ("https://", false),
    ("file://", false),
    ("file:///etc/passwd", false),
    ("data:text/html,x", false),
    ("blob:https://example.com", false),
    ("javascript://example.com", false),
    ("wss://example.com", false),
    ("chrome-extension://example.com", false),
    ("https://ex%61mple.com", false),
    ("https://exämple.com", false),
    ("https://xn--exmple-cua.com", true),
    ("https://xn--exmple-cua.com.evil", false),
    ("https://[::1]", true),
    ("https://[0:0:0:0:0:0:0:1]", true),
    ("https://[::1]:443", true),
    ("https://[::1]:8443", false),
    ("https://[::2]", false),
    ("https://[::1", false),
    ("https://::1", false),
    ("https://[::1]x", false),
    ("https://[::ffff:127.0.0.1]", false),
    ("http://127.0.0.1:3000", true),
    ("http://127.0.0.1", false),
    ("http://127.1:3000", false),
    ("http://localhost:3000", true),
    ("http://localhost", false),
    ("tauri://localhost", true),
    ("tauri://localhost.evil", false),
];

#[test]
fn an_origin_matches_as_a_whole_or_not_at_all() {
    let origins = Origins::list([
        "https://example.com",
        "https://xn--exmple-cua.com",
        "https://[::1]",
        "http://127.0.0.1:3000",
        "http://localhost:3000",
        "tauri://localhost",
    ]);
    let origins = origins.unwrap();
    for (origin, expected) in KINDS {
        // The host is the attacker's to choose here, and must not matter.
        assert_eq!(check(&origins, origin, "evil.org", true), *expected, "{origin:?}");
    }
}

#[test]
fn what_no_list_can_hold_is_refused_even_where_every_origin_is_allowed() {
    let origins = Origins::any();
    let allowed = |origin: &str| check(&origins, origin, "here", false);
    assert!(allowed("https://evil.org") && allowed("http://localhost:1") && allowed("app://x"));
    for origin in ["null", "", "*", "file://", "https://a/b", "https://u@a", "example.com"] {
        assert!(!allowed(origin), "{origin:?}");
    }
}

#[test]
fn without_a_setting_the_servers_own_origin_alone_is_allowed() {
    let same = Origins::default();
    for (origin, host, secure, expected) in [
        ("http://a.example", "a.example", false, true),
        ("http://a.example", "A.Example:80", false, true),
        ("http://a.example:80", "a.example", false, true),
        ("https://a.example", "a.example", true, true),
        ("https://a.example", "a.example:443", true, true),
        ("http://localhost:8080", "localhost:8080", false, true),
        ("http://[::1]:8080", "[::1]:8080", false, true),
        ("https://a.example", "a.example", false, false),
        ("http://a.example", "a.example", true, false),
        ("http://a.example:8080", "a.example", false, false),
        ("http://a.example", "a.example:8080", false, false),
        ("http://b.example", "a.example", false, false),
        ("http://a.example", "a.example.", false, false),
        ("http://localhost:8080", "127.0.0.1:8080", false, false),
        ("http://a.example", "", false, false),
        ("http://a.example", "a.example, b.example", false, false),
        ("http://a.example", "user@a.example", false, false),
    ] {
        assert_eq!(check(&same, origin, host, secure), expected, "{origin} at {host:?}");
    }
}

#[test]
fn the_host_of_http_2_is_its_authority_and_two_hosts_are_none() {
    let same = Origins::same();
    let origin: (&str, &[u8]) = ("origin", b"http://a.example");
    let uri = Uri::from_static("http://a.example/x");
    assert!(matches!(same.check(&headers(&[origin]), &uri, false), Decision::Allowed(_)));
    let here = Uri::from_static("/x");
    assert!(matches!(same.check(&headers(&[origin]), &here, false), Decision::Refused(_)));
    let twice = headers(&[origin, ("host", b"a.example"), ("host", b"a.example")]);
    assert!(matches!(same.check(&twice, &here, false), Decision::Refused(_)));
}

#[test]
fn a_repeated_or_binary_origin_is_refused() {
    let origins = Origins::any();
    let uri = Uri::from_static("/");
    for pairs in [
        &[("origin", &b"https://a.example"[..]), ("origin", b"https://a.example")][..],
        &[("origin", b"https://a.example"), ("origin", b"")],
        &[("origin", b"https://\xff")],
    ] {
        let decision = origins.check(&headers(pairs), &uri, false);
        assert!(matches!(decision, Decision::Refused(_)), "{pairs:?}");
    }
}

#[test]
fn programs_without_an_origin_pass_but_upgrade_only_without_cookies() {
    let uri = Uri::from_static("/");
    let (plain, cookies) = (headers(&[]), headers(&[("cookie", b"id=1")]));
    let same = Origins::same();
    assert!(matches!(same.check(&plain, &uri, false), Decision::Absent));
    assert!(matches!(same.check(&cookies, &uri, false), Decision::Absent));
    assert!(matches!(same.check_upgrade(&plain, &uri, false), Decision::Absent));
    assert!(matches!(same.check_upgrade(&cookies, &uri, false), Decision::Refused(_)));
    assert!(matches!(Origins::any().check_upgrade(&cookies, &uri, false), Decision::Absent));
}

#[test]
fn a_refusal_says_which_origin_and_which_setting() {
    let refusal = |origins: &Origins, origin: &[u8]| {
        let headers = headers(&[("origin", origin), ("host", b"a.example")]);
        match origins.check(&headers, &Uri::from_static("/"), false) {
            Decision::Refused(error) => error.message().to_owned(),
            decision => panic!("{decision:?}"),
        }
    };
    let text = refusal(&Origins::same(), b"https://B.example");
    for part in ["`https://b.example`", "`App::origins`", "`JSTACK_ORIGINS`", "`http://a.example`"]
    {
        assert!(text.contains(part), "{text}");
    }
    let list = Origins::from(["https://c.example"]);
    assert!(!refusal(&list, b"https://b.example").contains("a.example"));
    let long = refusal(&list, &[b'\xe2'; 5000]);
    assert!(long.len() < 1000, "{}", long.len());
    assert!(!refusal(&list, b"\x1b[31m\ttext".strip_prefix(b"\x1b").unwrap()).contains('\t'));
}

#[test]
fn a_wildcard_stands_for_whole_labels() {
    let origins = Origins::from(["https://*.example.com", "http://*.localhost:3000"]);
    origins.start().unwrap();
    for (origin, expected) in [
        ("https://a.example.com", true),
        ("https://a.b.example.com", true),
        ("https://A.EXAMPLE.com:443", true),
        ("https://example.com", false),
        ("https://.example.com", false),
        ("https://evil-example.com", false),
        ("https://evilexample.com", false),
        ("https://a.example.com.evil.org", false),
        ("https://a.example.com:8443", false),
        ("http://a.example.com", false),
        ("https://a.example.com.", false),
        ("https://evil.org/.example.com", false),
        ("http://app.localhost:3000", true),
        ("http://localhost:3000", false),
        ("http://app.localhost", false),
    ] {
        assert_eq!(check(&origins, origin, "here", false), expected, "{origin}");
    }
}

/// The next number of a sequence that looks random and is the same in each run.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 40).unwrap()
}

#[test]
fn whatever_stands_before_a_wildcards_domain_must_end_with_a_label() {
    const LETTERS: &[char] = &['a', 'b', '-', '_', '0', '.', 'e', 'x', '*', '@', ':', '/', 'é'];
    let origins = Origins::from(["https://*.example.com"]);
    let (mut seed, mut allowed) = (1, 0);
    for _ in 0..100_000 {
        let length = next(&mut seed) % 8;
        let before: String =
            (0..length).map(|_| LETTERS[next(&mut seed) % LETTERS.len()]).collect();
        let origin = format!("https://{before}example.com");
        let is_below = before.strip_suffix('.').is_some_and(|labels| {
            labels.split('.').all(|label| {
                !label.is_empty()
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            })
        });
        allowed += usize::from(is_below);
        assert_eq!(check(&origins, &origin, "here", true), is_below, "{origin}");
    }
    assert!(allowed > 1000, "{allowed}");
}

#[test]
fn a_wrong_entry_is_told_at_start_with_what_to_write() {
    for (entry, advice) in [
        ("*", "`Origins::any()`"),
        ("null", "cannot be allowed"),
        ("example.com", "`https://example.com`"),
        ("localhost:3000", "`https://localhost:3000`"),
        ("", "begin it with a scheme"),
        ("https://example.com/", "`https://example.com`"),
        ("https://example.com/path", "`https://example.com`"),
        ("wss://example.com", "`https://example.com`"),
        ("ws://localhost:3000", "`http://localhost:3000`"),
        ("https://bücher.example", "xn--"),
        ("https://*", "first labels"),
        ("https://*.com", "two labels"),
        ("https://*.com.", "two labels"),
        ("https://*.0.0.1", "two labels"),
        ("https://*.[::1]", "two labels"),
        ("https://a.*.example.com", "first labels"),
        ("https://*example.com", "first labels"),
        ("https://example.com:*", "first labels"),
        ("https://user@example.com", "first labels"),
        ("https://example.com:99999", "first labels"),
    ] {
        let error = Origins::list([entry]).unwrap_err().to_string();
        assert!(error.contains(advice), "{entry}: {error}");
        assert!(error.contains(&format!("`{entry}`")), "{error}");
        let origins = Origins::from(["https://good.example", entry]);
        assert_eq!(origins.start().unwrap_err().to_string(), error);
        assert!(!check(&origins, "https://good.example", "good.example", true));
    }
}

#[test]
fn the_variable_reads_as_it_is_printed() {
    for text in [
        "same",
        "any",
        "",
        "https://a.example",
        "same,https://a.example:8443,https://*.b.example,tauri://localhost",
    ] {
        assert_eq!(text.parse::<Origins>().unwrap().to_string(), text);
    }
    let spaced: Origins = " https://A.example:443 , same, ".parse().unwrap();
    assert_eq!(spaced.to_string(), "same,https://a.example");
    assert!("https://a.example,*".parse::<Origins>().is_err());
    assert_eq!(Origins::from(vec!["same".to_owned()]), Origins::same());
    let nobody = Origins::from(<[&str; 0]>::default());
    assert!(!check(&nobody, "http://here", "here", false));
}
