//! Redis behind TLS: reached when its certificate is known, refused when it is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod redis_support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jstack_runtime::Redis;
use jstack_runtime::broker::Scope;
use redis_support::{Process, Server, free_port, message, text};

const URL: &str = "JSTACK_TEST_TLS_REDIS";
const ROOM: Scope<'static> = Scope::Room("general");

fn openssl(dir: &Path, args: &str) {
    let done =
        Command::new("openssl").args(args.split_whitespace()).current_dir(dir).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Not a test: what runs with the certificates that the environment names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below, which sets the environment"]
async fn publishes_and_listens() {
    let Ok(url) = std::env::var(URL) else { return };
    match Redis::connect(&url).await {
        Err(error) => println!("refused: {error}"),
        Ok(redis) => {
            let process = Process::new(Arc::new(redis));
            process.join(ROOM).await.unwrap();
            process.publish(ROOM, &text(1)).await.unwrap();
            process.rooms.until(ROOM, |items| items == [message(1)]).await;
            println!("heard");
        }
    }
}

#[test]
#[ignore = "run by ./check: needs redis-server and openssl"]
fn a_redis_behind_tls_is_reached_if_its_certificate_is_known() {
    let dir = std::env::temp_dir().join(format!("jstack-tls-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    openssl(
        &dir,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca",
    );
    openssl(
        &dir,
        "req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=localhost",
    );
    fs::write(dir.join("san"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .unwrap();
    openssl(
        &dir,
        "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out redis.pem -days 2 -extfile san",
    );
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let port = free_port();
    let server = Server::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("redis.pem"),
        "--tls-key-file",
        &file("redis.key"),
        "--tls-ca-cert-file",
        &file("ca.pem"),
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "s3cret",
        "--protected-mode",
        "no",
    ]);
    let with = |certificates: &str| {
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "publishes_and_listens", "--ignored", "--nocapture"])
            .env(URL, format!("rediss://:s3cret@localhost:{port}"))
            .env("SSL_CERT_FILE", certificates)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let out = with(&file("ca.pem"));
    assert!(out.contains("heard"), "{out}");
    // A certificate that signed nothing.
    openssl(
        &dir,
        "req -x509 -newkey rsa:2048 -nodes -keyout no.key -out no.pem -days 2 -subj /CN=no",
    );
    let out = with(&file("no.pem"));
    assert!(out.contains("refused: ") && !out.contains("s3cret"), "{out}");
    drop(server);
    fs::remove_dir_all(&dir).unwrap();
}
