//! The worker and the server as two programs, with a Redis between them.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::process::{Child, Command};
use tokio_tungstenite::connect_async;

/// A port that nobody uses.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a program that ends with the test.
fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

#[tokio::test]
#[ignore = "run by ./check: needs redis-server"]
async fn progress_of_the_worker_reaches_those_who_watch_the_job() {
    let (redis_port, port) = (free_port(), free_port());
    let url = format!("redis://127.0.0.1:{redis_port}");
    let settings = ["--port", &redis_port.to_string(), "--save", "", "--bind", "127.0.0.1"];
    let _redis = start(Command::new("redis-server").args(settings));
    let address = format!("127.0.0.1:{port}");
    let server = env!("CARGO_BIN_EXE_job-server");
    let _server = start(Command::new(server).args(["serve", &address]).env("REDIS_URL", &url));

    let jobs = format!("ws://{address}/api/post/jobs");
    let (mut ann, _) = loop {
        match connect_async(&jobs).await {
            Ok(open) => break open,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    // Until Redis is up, the server answers with an error.
    loop {
        ann.send(r#"["watch",42]"#.into()).await.unwrap();
        let answer = ann.next().await.unwrap().unwrap().to_string();
        if answer == r#"["watching",42]"# {
            break;
        }
        assert!(answer.starts_with(r#"["error""#), "{answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    for (job, is_watched) in [("7", false), ("42", true)] {
        let mut worker = Command::new(env!("CARGO_BIN_EXE_worker"));
        assert!(worker.arg(job).env("REDIS_URL", &url).status().await.unwrap().success());
        if is_watched {
            for percent in [0, 50, 100] {
                let heard = ann.next().await.unwrap().unwrap().to_string();
                assert_eq!(heard, format!(r#"["progress",{percent}]"#));
            }
        }
    }
}
