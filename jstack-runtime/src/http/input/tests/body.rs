//! From the body.

use super::*;

#[tokio::test]
async fn a_body_may_be_plain_json() {
    let text = r#" {"roomId":"a","count":3,"note":"{\"json\":\"b\"}"} "#;
    let expected = New { room_id: "a".into(), count: 3, note: Some("b".into()) };
    assert_eq!(post::<New>(text).await.unwrap(), Some(expected));
    assert_eq!(post::<u32>("5").await.unwrap(), Some(5));
    assert_eq!(post::<bool>(" true ").await.unwrap(), Some(true));
    assert_eq!(post::<Vec<u32>>("[1,2]").await.unwrap(), Some(vec![1, 2]));
    assert_eq!(post::<String>(r#""{\"json\":1}""#).await.unwrap().unwrap(), r#"{"json":1}"#);
    assert_eq!(post::<Value>("null").await.unwrap(), Some(Value::Null));
    assert_eq!(post::<Page>("null").await.unwrap(), None);
    let found = issues(post::<Page>(r#"{"limit":"5"}"#).await);
    assert_eq!(found[0].0, "limit");
    assert_eq!(issues(post::<Page>(r#"{"limit":1,"limit":2}"#).await).len(), 1);
}

#[tokio::test]
async fn an_undefined_element_of_an_array_is_null() {
    let body =
        r#"{"0":"{\"json\":1}","1":"{\"json\":null,\"meta\":{\"values\":[\"undefined\"]}}"}"#;
    assert_eq!(post::<Vec<Option<u8>>>(body).await.unwrap(), Some(vec![Some(1), None]));
}

#[tokio::test]
async fn an_empty_body_is_no_input_whatever_its_type() {
    assert_eq!(post_as::<Page>(None, Body::empty()).await.unwrap(), None);
    assert_eq!(post_as::<Page>(Some("text/plain"), Body::empty()).await.unwrap(), None);
    assert_eq!(post_as::<Page>(None, chunks(&[])).await.unwrap(), None);
    assert_eq!(post_as::<Page>(None, chunks(&["", ""])).await.unwrap(), None);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_with_the_position() {
    for (text, position) in [
        ("{\"a\":1,\n}", "line 2 column 1"),
        ("{\"a\":1} x", "column 9"),
        ("{\"a\":01}", "column 7"),
        ("{", "column 1"),
        ("[1,", "column 3"),
        ("nul", "column 3"),
        ("5 5", "column 3"),
        (" ", "column 1"),
        ("limit=5", "column 1"),
        ("{\"a\":\"\u{1}\"}", "column 6"),
    ] {
        let error = post::<Page>(text).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST, "{text}: {error}");
        assert!(error.message().starts_with("the body is not JSON: "), "{error}");
        assert!(error.message().contains(position), "{text}: {error}");
    }
    let error = post::<Page>(&b"{\"title\":\"\xff\"}"[..]).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert_eq!(error.message(), "the body is not UTF-8 from byte 10 on");
}

#[tokio::test]
async fn only_json_passes_as_a_content_type() {
    for good in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/vnd.api+json",
    ] {
        assert!(post_as::<Page>(Some(good), "{}".into()).await.is_ok(), "{good}");
    }
    for bad in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonp",
        "json",
        "",
    ] {
        let error = post_as::<Page>(Some(bad), "{}".into()).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{bad}");
        assert!(error.message().contains("application/json"), "{error}");
    }
    let error = post_as::<Page>(None, chunks(&["{}"])).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(error.message().ends_with("it has none"), "{error}");
}

#[tokio::test]
async fn a_form_of_a_foreign_page_is_refused_where_there_is_no_input_too() {
    let request = async |content_type: &'static str, mut body: Body| {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
        no_input(&headers.into_iter().collect(), &mut body).await.map_err(|error| error.status())
    };
    let refused = Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(request(form, "a=b".into()).await, refused);
    assert_eq!(request(form, chunks(&["", "a=b"])).await, refused);
    assert_eq!(request("text/plain", "{}".into()).await, refused);
    assert_eq!(request("application/json", "{}".into()).await, Ok(()));
    // None of these says in advance that there is nothing in it, but for the first.
    for empty in [Body::empty(), chunks(&[]), chunks(&["", ""])] {
        assert_eq!(request("text/plain", empty).await, Ok(()));
    }
}

#[tokio::test]
async fn half_of_a_character_is_a_422_that_names_the_field_in_every_form() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code, reason = "for its schema and its errors only")]
    struct Cut {
        text: String,
        n: Option<u8>,
    }
    impl crate::payload::Payload for Cut {}
    for body in [
        r#"{"text":"cut \ud83d"}"#,
        r#"{"n":"{\"json\":5}","text":"\ud83d cut"}"#,
        r#"{"text":"{\"json\":\"cut \\ud83d\"}"}"#,
        r#"{"text":"{\"json\":\"cut \\udc00\",\"meta\":{\"values\":[\"bigint\"]}}"}"#,
        r#"{"text":"cut \udead","\ud83d":1}"#,
    ] {
        let error = post::<Cut>(body).await.unwrap_err();
        assert_eq!(error.status(), 422, "{body}: {error}");
        assert_eq!(error.issues()[0].path, "text", "{body}");
        assert!(error.message().contains("half of a character"), "{error}");
    }
    let sent = "text=%7B%22json%22%3A%22cut%20%5Cud83d%22%7D";
    let error = query::<Cut>(sent).unwrap_err();
    assert_eq!((error.status().as_u16(), &*error.issues()[0].path), (422, "text"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_written_in_another_way_is_read_or_refused_by_name() {
    let marked = "\u{feff}{\"limit\":3}";
    assert_eq!(post::<Page>(marked).await.unwrap().unwrap().limit, Some(3));
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = post::<Page>(utf16).await.unwrap_err();
    assert_eq!(error.message(), "the body is UTF-16; JSON travels as UTF-8");
    let error = post::<Page>(&b"\x1f\x8b\x08\0"[..]).await.unwrap_err();
    assert!(error.message().contains("gzip"), "{error}");
    for (encoding, status) in [("gzip", 415), ("br", 415), ("identity", 200), ("Identity", 200)] {
        let (parts, ()) = Request::post("/")
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(())
            .unwrap()
            .into_parts();
        let read = posted::<Page>(&parts, Body::from("{}"), 1000).await;
        let found = read.as_ref().map_or_else(|error| error.status().as_u16(), |_| 200);
        assert_eq!(found, status, "{encoding}: {read:?}");
        if let Err(error) = read {
            assert!(error.message().contains(&format!("content-encoding: {encoding}")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_limit_of_a_layer_is_a_limit() {
    let limited = http_body_util::Limited::new(Body::from("{\"limit\":3000000}"), 5);
    let error = post::<Page>(Body::new(limited)).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE, "{error}");
}

#[tokio::test]
async fn a_body_that_is_refused_is_not_asked_for() {
    let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let post = async |content_type: &str, limit: usize| {
        let (parts, ()) = Request::post("/")
            .header("content-type", content_type)
            .header("expect", "100-Continue")
            .body(())
            .unwrap()
            .into_parts();
        let flag = asked.clone();
        let stream = stream::once(async move {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, std::io::Error>("{}")
        });
        let body = Body::new(Declared { body: Body::from_stream(Box::pin(stream)), length: 2 });
        posted::<Page>(&parts, body, limit).await
    };
    assert_eq!(post("text/plain", 1000).await.unwrap_err().status(), 415);
    assert_eq!(post("application/json", 1).await.unwrap_err().status(), 413);
    assert!(!asked.load(std::sync::atomic::Ordering::Relaxed));
    assert!(post("application/json", 1000).await.is_ok());
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed));
}

/// A body that says how long it is.
struct Declared {
    body: Body,
    length: u64,
}

impl hyper::body::Body for Declared {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, axum::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.length)
    }
}

#[tokio::test]
async fn a_whole_number_is_an_integer_however_it_is_written() {
    for body in [r#"{"limit":5.0}"#, r#"{"limit":"{\"json\":5.00}"}"#, r#"{"limit":0.5e1}"#] {
        assert_eq!(post::<Page>(body).await.unwrap().unwrap().limit, Some(5), "{body}");
    }
    assert_eq!(query::<Page>("limit=5.0").unwrap().unwrap().limit, Some(5));
    for body in [r#"{"limit":5.5}"#, r#"{"limit":-5.0}"#, r#"{"limit":1e400}"#] {
        let error = post::<Page>(body).await.unwrap_err();
        assert!(matches!(error.status().as_u16(), 400 | 422), "{error}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_only_so_much_more_of_it_read_and_forgotten() {
    let long = format!("\"{}\"", "x".repeat(998));
    assert_eq!(post::<String>(long.clone()).await.unwrap().unwrap().len(), 998);
    let error = post::<String>(format!("{long} ")).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(error.message().contains("1000 bytes"), "{error}");

    // A stream without a declared length, which would never end.
    let taken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let endless = stream::repeat_with(move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>("0123456789")
    });
    let error = post::<String>(Body::from_stream(endless)).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // 1000 bytes and the one too many; then eight times as many are dropped, for the client to
    // finish sending and read the answer, and the one too many again.
    assert_eq!(taken.load(std::sync::atomic::Ordering::Relaxed), 101 + 801);
}

#[tokio::test]
async fn a_body_may_come_in_pieces() {
    let body = chunks(&["{\"li", "", "mit\":", "\"{\\\"json\\\":7}\"", "}"]);
    assert_eq!(post::<Page>(body).await.unwrap().unwrap().limit, Some(7));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let broken = stream::iter([Ok("{"), Err(std::io::Error::other("reset"))]);
    let error = post::<Page>(Body::from_stream(broken)).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn deep_json_is_an_error_and_not_a_full_stack() {
    let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
    assert_eq!(post::<HashMap<String, Value>>(deep(400)).await.unwrap_err().status(), 422);
    let (parts, ()) = Request::post("/")
        .header("content-type", "application/json")
        .body(())
        .unwrap()
        .into_parts();
    let error = posted::<Value>(&parts, Body::from(deep(100_000)), usize::MAX).await;
    assert!(error.is_err());
    let error = posted::<Value>(&parts, Body::from("[".repeat(1_000_000)), usize::MAX).await;
    assert_eq!(error.unwrap_err().status(), 400);
}

#[tokio::test]
async fn an_array_that_the_stock_client_took_apart_is_one_where_objects_are_possible_too() {
    #[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
    #[serde(untagged)]
    enum Either {
        Many(Vec<String>),
        One { name: String },
    }
    #[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
    #[serde(untagged)]
    enum Keyed {
        Many(Vec<u8>),
        Map(HashMap<String, u8>),
    }
    impl Payload for Either {}
    impl Payload for Keyed {}
    let texts = |texts: &[&str]| Either::Many(texts.iter().map(|&text| text.to_owned()).collect());
    for (body, expected) in [
        (r#"{"0":"{\"json\":\"a\"}","1":"{\"json\":\"b\"}"}"#, texts(&["a", "b"])),
        ("{}", texts(&[])),
        (r#"["a"]"#, texts(&["a"])),
        (r#"{"name":"{\"json\":\"a\"}"}"#, Either::One { name: "a".to_owned() }),
    ] {
        assert_eq!(post::<Either>(body).await.unwrap(), Some(expected), "{body}");
    }
    assert_eq!(query::<Either>("0=a").unwrap(), Some(texts(&["a"])));
    // A map may have such keys.
    let map = post::<Keyed>(r#"{"0":"{\"json\":7}"}"#).await.unwrap();
    assert_eq!(map, Some(Keyed::Map(HashMap::from([("0".to_owned(), 7)]))));
}
