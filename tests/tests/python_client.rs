//! Python's `websockets` against the engine below the events: what is tested is in
//! `tests/python/interop.py`.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod suites;

#[tokio::test]
#[ignore = "run by ./check: needs Python"]
async fn python_websockets_gets_back_what_it_sends() {
    let (plain, deflate) = suites::echoes().await;
    suites::run_python("interop.py", &[("JSTACK_ECHO", plain.as_os_str())]).await;
    let deflate = [("JSTACK_ECHO", deflate.as_os_str()), ("JSTACK_DEFLATE", "1".as_ref())];
    suites::run_python("interop.py", &deflate).await;
}
