//! The program of the README, as printed: `build.rs` takes it from there.
#![allow(missing_docs, reason = "as printed")]

include!(concat!(env!("OUT_DIR"), "/readme.rs"));
