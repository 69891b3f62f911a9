//! The program's `main`, which is called once for each application: an isolate may have several.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;

use tokio::sync::oneshot;

use super::log;
use crate::app::{Built, hand_over};
use crate::error::BoxError;
use crate::guard::caught;
use crate::platform;
use crate::platform::workers::bindings::Bindings;
use crate::platform::workers::glue;

/// What `#[main]` makes of the body of a program.
pub(crate) type Main = fn() -> Pin<Box<dyn Future<Output = ExitCode>>>;

thread_local! {
    static MAIN: Cell<Option<Main>> = const { Cell::new(None) };
    static APPLICATIONS: RefCell<Vec<Rc<Built>>> = const { RefCell::new(Vec::new()) };
}

/// Notes the program's `main`; called once, when the module starts.
pub(crate) fn note(main: Main) {
    MAIN.set(Some(main));
    if cfg!(not(panic = "unwind")) {
        // Nothing catches a panic: the instance is lost, and the objects in it must know first.
        std::panic::set_hook(Box::new(|info| glue::broken(&info.to_string())));
    } else {
        std::panic::set_hook(Box::new(|info| platform::write_line(info)));
    }
}

/// Runs `main` until it serves, and returns the number of the application.
pub(super) async fn start(bindings: Bindings) -> Result<usize, BoxError> {
    let main = MAIN.get().ok_or("this program has no `#[jstack_runtime::main]`")?;
    let (hand, handed) = oneshot::channel();
    let mut hand = Some(hand);
    let mut main = Box::pin(caught(bindings.scope(main)));
    platform::spawn(async move {
        // Whatever else runs in this isolate must not see the bindings of this application.
        let _ = poll_fn(move |cx| {
            let poll = || bindings.scope(|| main.as_mut().poll(cx));
            let (left, polled) = hand_over::scope(hand.take(), poll);
            hand = left;
            polled
        })
        .await;
    });
    let built = handed.await.map_err(|_| {
        "`main` ended without serving: it must await `App::run`; an error that it returned is above"
    })?;
    log::install();
    built.settings.print_for_workers(&built.context.node().broker().describe());
    Ok(APPLICATIONS.with_borrow_mut(|all| {
        all.push(Rc::new(built));
        all.len() - 1
    }))
}

/// An application by its number.
pub(super) fn application(number: usize) -> Result<Rc<Built>, BoxError> {
    APPLICATIONS
        .with_borrow(|all| all.get(number).cloned())
        .ok_or_else(|| "no such application".into())
}
