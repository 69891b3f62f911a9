//! What the kernel says about the processes measured.

use std::fs;

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// CPU seconds of these processes: every thread, ended ones too, user and kernel. The sum of
/// `utime` and `stime` in `/proc/<pid>/stat`, without its steps of 10 ms.
pub(crate) fn cpu(pids: &[i32]) -> nix::Result<f64> {
    let mut seconds = 0.0;
    for pid in pids {
        let time = clock_getcpuclockid(Pid::from_raw(*pid))?.now()?;
        seconds += time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9;
    }
    Ok(seconds)
}

/// CPU seconds of this process.
pub(crate) fn own_cpu() -> nix::Result<f64> {
    let time = ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

/// Ticks in user mode and in the kernel.
pub(crate) fn ticks(pids: &[i32]) -> (u64, u64) {
    let mut sum = (0, 0);
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may contain anything, the fields are counted from the third.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let mut times = fields.split_whitespace().skip(11).map(|n| n.parse().unwrap_or(0));
        sum.0 += times.next().unwrap_or(0);
        sum.1 += times.next().unwrap_or(0);
    }
    sum
}

/// Resident KiB. Socket buffers are the kernel's and not in it.
pub(crate) fn rss(pids: &[i32]) -> u64 {
    let one = |pid: &i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    pids.iter().filter_map(one).sum()
}
