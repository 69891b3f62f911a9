//! Pages in a real Chromium: what is tested is in `tests/node/client/browser.test.mjs`,
//! `chat-page.test.mjs` and `board.test.mjs` beside it.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod suites;

#[tokio::test]
#[ignore = "run by ./check: needs Chromium and redis-server"]
async fn two_pages_chat_in_a_browser_by_plain_javascript_and_by_use_web_socket() {
    // With all features, because that is what other suites build: it must not be two programs.
    let chat = suites::build("chat", &["--all-features"]).await;
    suites::run("browser.test.mjs", &[("JSTACK_CHAT", chat.as_os_str())]).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Chromium"]
async fn the_chat_page_works_on_a_desktop_on_a_phone_by_keyboard_and_after_losses() {
    let chat = suites::build("chat", &["--all-features"]).await;
    suites::run("chat-page.test.mjs", &[("JSTACK_CHAT", chat.as_os_str())]).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Chromium, and the page that npm builds"]
async fn the_board_shows_cursors_people_and_comments_and_renews_its_token() {
    let board = suites::build("board", &["--all-features"]).await;
    suites::run("board.test.mjs", &[("JSTACK_BOARD", board.as_os_str())]).await;
}
