//! The locks and wake-ups of rooms and queues; under loom, those of its model checker.
//!
//! `--cfg jstack_loom` and not `--cfg loom`: the latter would also take tokio's network away.

#[cfg(not(jstack_loom))]
pub(crate) use {
    parking_lot::{Mutex, MutexGuard, RwLock},
    tokio::sync::{Notify, OnceCell},
};

#[cfg(jstack_loom)]
pub(crate) use model::{Mutex, MutexGuard, Notify, OnceCell, RwLock};

#[cfg(jstack_loom)]
#[allow(clippy::expect_used, reason = "only in the model, where nothing poisons a lock")]
mod model {
    use std::sync::OnceLock;

    use loom::sync::{Condvar, RwLockReadGuard, RwLockWriteGuard};

    pub(crate) use loom::sync::MutexGuard;

    #[derive(Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

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

    #[derive(Default)]
    pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect("not poisoned")
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect("not poisoned")
        }
    }

    /// tokio's `OnceCell`: a caller that comes during an initialisation blocks the model's thread
    /// until its end, and tries itself if it failed.
    #[derive(Default)]
    pub(crate) struct OnceCell<T> {
        value: OnceLock<T>,
        begun: Mutex<bool>,
        ended: Condvar,
    }

    impl<T> OnceCell<T> {
        pub(crate) fn new() -> Self {
            Self { value: OnceLock::new(), begun: Mutex::default(), ended: Condvar::new() }
        }

        pub(crate) fn initialized(&self) -> bool {
            let _turn = self.begun.lock();
            self.value.get().is_some()
        }

        pub(crate) async fn get_or_try_init<E, F: Future<Output = Result<T, E>>>(
            &self,
            init: impl FnOnce() -> F,
        ) -> Result<&T, E> {
            {
                let mut begun = self.begun.lock();
                while *begun {
                    begun = self.ended.wait(begun).expect("not poisoned");
                }
                if let Some(value) = self.value.get() {
                    return Ok(value);
                }
                *begun = true;
            }
            let made = init().await;
            let mut begun = self.begun.lock();
            *begun = false;
            // Still locked: a caller that sees the end must see the result.
            let made = made.map(|value| self.value.get_or_init(|| value));
            drop(begun);
            self.ended.notify_all();
            made
        }
    }
}
