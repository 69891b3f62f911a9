//! The locks and wake-ups of the outbound side, which loom's model checker can take the place of.
//!
//! `--cfg jstack_loom` and not `--cfg loom`: the latter would also take tokio's network away.

#[cfg(not(jstack_loom))]
pub(crate) use {parking_lot::Mutex, parking_lot::MutexGuard, tokio::sync::Notify};

#[cfg(jstack_loom)]
pub(crate) use model::{Mutex, MutexGuard, Notify};

#[cfg(jstack_loom)]
#[allow(clippy::expect_used, reason = "only in the model, where nothing poisons a lock")]
mod model {
    use loom::sync::Condvar;

    pub(crate) use loom::sync::MutexGuard;

    #[derive(Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("not poisoned")
        }
    }

    /// tokio's `Notify`, one permit and one that waits; waiting blocks the model's thread.
    #[derive(Default)]
    pub(crate) struct Notify {
        permit: Mutex<bool>,
        given: Condvar,
    }

    impl Notify {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn notify_one(&self) {
            *self.permit.lock() = true;
            self.given.notify_one();
        }

        pub(crate) async fn notified(&self) {
            let mut permit = self.permit.lock();
            while !*permit {
                permit = self.given.wait(permit).expect("not poisoned");
            }
            *permit = false;
        }
    }
}
