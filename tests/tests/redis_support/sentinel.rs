//! Sentinels of a test's own, ended with it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Server, free_port, until};

/// Three Sentinels that watch one master and its replica.
pub struct Sentinels(Vec<Sentinel>);

pub struct Sentinel {
    pub port: u16,
    dir: PathBuf,
    child: Child,
}

impl Sentinels {
    /// Starts them, and waits until they know the replica and each other. A master that does not
    /// answer for `patience` is taken for dead.
    pub async fn start(master: &Server, patience: Duration) -> Self {
        let sentinels = Self((0..3).map(|_| Sentinel::start(master, patience)).collect());
        until("the Sentinels know of all", || sentinels.0.iter().all(Sentinel::is_ready)).await;
        sentinels
    }

    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.0.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
        format!("redis+sentinel://{}/mymaster", hosts.join(","))
    }

    pub fn ports(&self) -> [u16; 3] {
        [self.0[0].port, self.0[1].port, self.0[2].port]
    }

    /// After how long they take the master for dead from now on.
    pub fn set_patience(&self, patience: Duration) {
        let milliseconds = patience.as_millis().to_string();
        for it in &self.0 {
            it.cli(&["sentinel", "set", "mymaster", "down-after-milliseconds", &milliseconds]);
        }
    }

    /// Asks for a failover. They may refuse it, as when the replica is not up to date.
    pub fn fail_over(&self) -> bool {
        self.0[0].cli(&["sentinel", "failover", "mymaster"]).trim() == "OK"
    }
}

impl Sentinel {
    fn start(master: &Server, patience: Duration) -> Self {
        let port = free_port();
        let dir =
            std::env::temp_dir().join(format!("jstack-sentinel-{}-{port}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let config = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds mymaster {}\n\
             sentinel failover-timeout mymaster 5000\n",
            master.port,
            patience.as_millis(),
        );
        fs::write(dir.join("sentinel.conf"), config).unwrap();
        let child = Command::new("redis-server")
            .args(["sentinel.conf", "--sentinel"])
            .current_dir(&dir)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { port, dir, child }
    }

    fn cli(&self, args: &[&str]) -> String {
        let out =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(args).output();
        String::from_utf8_lossy(&out.unwrap().stdout).into_owned()
    }

    /// It sees the replica and the other Sentinels.
    fn is_ready(&self) -> bool {
        let master = self.cli(&["sentinel", "master", "mymaster"]);
        let fields: Vec<_> = master.lines().map(str::trim).collect();
        let of = |name| fields.iter().position(|field| *field == name).map(|at| fields[at + 1]);
        of("num-slaves") == Some("1") && of("num-other-sentinels") == Some("2")
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
