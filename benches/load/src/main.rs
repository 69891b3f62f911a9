//! Loads a chat server from one thread and prints one JSON object: see `Outcome`.

mod args;
mod connection;
mod histogram;
mod pace;
mod process;
mod swarm;
mod wire;

use std::error::Error;

use bench_load::Outcome;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::args::{Args, Kind, Publish};
use crate::connection::Phase;
use crate::histogram::Histogram;
use crate::swarm::{Swarm, Tally};

/// Messages that a connection of the flood keeps in flight.
const FLOOD: u64 = 8;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let args = Args::parse();
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    if args.connections % args.rooms != 0 {
        return Err("rooms must all be of one size: connections is no multiple of rooms".into());
    }
    let mut swarm = Swarm::new(args)?;
    let mut outcome = Outcome::default();
    set_up(&mut swarm, &mut outcome)?;
    if swarm.args.kind == Kind::Idle {
        hold(&mut swarm, &mut outcome)?;
    } else {
        begin(&mut swarm)?;
        measure(&mut swarm, &mut outcome)?;
        outcome.lost = drain(&mut swarm)?;
        outcome.total = swarm.tally.sent;
        outcome.broken = swarm.broken;
        let stalled = swarm.stalls();
        if let Some(stalled) = swarm.connections[stalled].first_mut() {
            outcome.stalled = Some(stalled.autopsy()?);
        }
    }
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// Connects all; every member of every room has heard a message at the end.
fn set_up(swarm: &mut Swarm, outcome: &mut Outcome) -> Result {
    outcome.rss_before = process::rss(&swarm.args.pid);
    let before = process::cpu(&swarm.args.pid)?;
    let total = swarm.total();
    swarm.connect_more();
    swarm.pump(60.0, |swarm| swarm.open + swarm.broken as usize >= swarm.total())?;
    outcome.connections = swarm.open as u64;
    outcome.setup_cpu = process::cpu(&swarm.args.pid)? - before;
    if swarm.open < total {
        return Err(format!("{} of {total} connections opened", swarm.open).into());
    }
    swarm.prepare();
    if swarm.args.kind == Kind::Chat {
        hear_each_other(swarm)?;
    }
    Ok(())
}

/// Joining may take longer than opening, and through Redis it does: the first member of a room
/// speaks until all of it have heard something.
fn hear_each_other(swarm: &mut Swarm) -> Result {
    for _ in 0..30 {
        let mut waiting: Vec<_> =
            swarm.connections.iter().filter(|c| !c.joined).map(|c| c.room).collect();
        if waiting.is_empty() {
            break;
        }
        waiting.sort_unstable();
        waiting.dedup();
        // Connection r is the first member of room r.
        for room in waiting {
            swarm.publish(room, 1)?;
        }
        swarm.pump(1.0, |swarm| swarm.connections.iter().all(|c| c.joined))?;
    }
    // What is still under way must not be counted later.
    swarm.pump(0.2, |_| false)?;
    match swarm.connections.iter().filter(|c| !c.joined).count() {
        0 => Ok(()),
        deaf => Err(format!("{deaf} connections hear nothing of their room").into()),
    }
}

/// Silence: what a connection costs that does nothing.
fn hold(swarm: &mut Swarm, outcome: &mut Outcome) -> Result {
    let before = process::cpu(&swarm.args.pid)?;
    swarm.pump(swarm.args.secs, |_| false)?;
    // Joins that went on after the client saw its 101 belong to the set-up.
    outcome.setup_cpu += process::cpu(&swarm.args.pid)? - before;
    outcome.rss_after = process::rss(&swarm.args.pid);
    outcome.rss_peak = outcome.rss_after;
    outcome.secs = swarm.args.secs;
    outcome.broken = swarm.broken;
    Ok(())
}

/// Starts the loop and lets it warm up.
fn begin(swarm: &mut Swarm) -> Result {
    swarm.stall()?;
    swarm.tally = Tally::default();
    swarm.looping = true;
    for index in swarm.floods() {
        swarm.publish(index, FLOOD)?;
    }
    if swarm.args.rate.is_some() {
        swarm.keep_pace();
        return Ok(swarm.pump(swarm.args.warmup, |_| false)?);
    }
    let publishers = match swarm.args.publish {
        Publish::Each => swarm.args.connections,
        Publish::One => 1,
    };
    for index in 0..publishers {
        swarm.publish(index, swarm.args.window)?;
    }
    Ok(swarm.pump(swarm.args.warmup, |_| false)?)
}

fn measure(swarm: &mut Swarm, outcome: &mut Outcome) -> Result {
    let args = swarm.args.clone();
    swarm.tally.latency = Histogram::default();
    swarm.tally.polled = 0;
    let (sent, delivered) = (swarm.tally.sent, swarm.tally.delivered);
    let (user, kernel) = process::ticks(&args.pid);
    let (server, helper) = (process::cpu(&args.pid)?, process::cpu(&args.helper)?);
    let (own, start) = (process::own_cpu()?, swarm.now());
    let end = start + (args.secs * 1e9) as u64;
    while let left @ 1.. = end.saturating_sub(swarm.now()) {
        swarm.pump((left as f64 / 1e9).min(0.1), |_| false)?;
        outcome.rss_peak = outcome.rss_peak.max(process::rss(&args.pid));
    }
    outcome.server_cpu = process::cpu(&args.pid)? - server;
    outcome.helper_cpu = process::cpu(&args.helper)? - helper;
    let own = process::own_cpu()? - own;
    outcome.secs = (swarm.now() - start) as f64 / 1e9;
    outcome.sent = swarm.tally.sent - sent;
    outcome.delivered = swarm.tally.delivered - delivered;
    let (user, kernel) = {
        let now = process::ticks(&args.pid);
        ((now.0 - user) as f64, (now.1 - kernel) as f64)
    };
    outcome.server_kernel = kernel / (user + kernel).max(1.0);
    outcome.client_busy = (own - swarm.tally.polled as f64 / 1e9) / outcome.secs;
    outcome.p50_us = swarm.tally.latency.quantile(0.5);
    outcome.p99_us = swarm.tally.latency.quantile(0.99);
    outcome.p999_us = swarm.tally.latency.quantile(0.999);
    outcome.max_us = swarm.tally.latency.max();
    outcome.rss_after = process::rss(&args.pid);
    Ok(())
}

/// Waits for what is under way; returns what never came.
fn drain(swarm: &mut Swarm) -> Result<i64> {
    swarm.looping = false;
    let expected = swarm.tally.sent * swarm.args.members();
    let mut before = u64::MAX;
    while swarm.tally.delivered < expected && swarm.tally.delivered != before {
        before = swarm.tally.delivered;
        swarm.pump(1.0, |swarm| swarm.tally.delivered >= expected)?;
    }
    // Long enough for what comes twice.
    swarm.pump(0.1, |_| false)?;
    let open = swarm.connections.iter().filter(|c| c.phase == Phase::Open).count();
    if open < swarm.total() {
        eprintln!("{} connections ended early", swarm.total() - open);
    }
    Ok(expected.cast_signed() - swarm.tally.delivered.cast_signed())
}
