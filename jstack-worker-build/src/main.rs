//! `jstack-worker-build`: builds an application of `jstack-runtime` for Cloudflare Workers.
//!
//! ```text
//! cargo build --target wasm32-unknown-unknown ─▶ wasm-bindgen, as a library ─▶ build/worker
//!     index.js          the Worker and its Durable Object, for wrangler to bundle
//!     pkg/              the module and its glue
//! ```
//!
//! It needs cargo and nothing else: no other tool is fetched or called.

mod arguments;
mod cargo;
mod glue;
mod unwinding;

use std::process::ExitCode;

use arguments::Wanted;

/// Why it cannot go on: a sentence for whoever called it.
type Failure = String;

fn main() -> ExitCode {
    match arguments::read(std::env::args().skip(1)) {
        Ok(Wanted::Help) => {
            println!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Ok(Wanted::Build(options)) => match build(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => failed(&why),
        },
        Err(why) => failed(&why),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::FAILURE
}

fn build(options: &arguments::Options) -> Result<(), Failure> {
    let unwinding = unwinding::choose(options.panic)?;
    eprintln!("jstack-worker-build: {unwinding}");
    let module = cargo::build(options, unwinding)?;
    glue::write(&module, &options.out, options.profile)?;
    eprintln!("jstack-worker-build: {} is ready", options.out.join("index.js").display());
    Ok(())
}
