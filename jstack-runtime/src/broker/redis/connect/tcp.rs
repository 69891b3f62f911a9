//! TCP settings.

use std::time::Duration;

use ::redis::ConnectionInfo;
use ::redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};

/// Adds settings with which the kernel, too, notices a silent peer.
pub(crate) fn with_keepalive(info: ConnectionInfo) -> ConnectionInfo {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(3))
        .with_retries(3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(10));
    info.set_tcp_settings(settings)
}
