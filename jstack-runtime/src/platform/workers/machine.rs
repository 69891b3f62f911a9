//! The clock, timers, tasks and random numbers of JavaScript.
//!
//! The clock, timers and random numbers of `std` and tokio trap there, or are the same in every
//! instance. These are JavaScript's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::ops::Add;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use js_sys::Uint8Array;
use tokio::sync::oneshot;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};

/// The maps of `std` with a key that is not the same in every instance.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
pub(crate) type HashSet<T> = std::collections::HashSet<T, RandomState>;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(into: &Uint8Array) -> Uint8Array;

    // Node returns an object, which converts to its number.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Closure<dyn FnMut()>, milliseconds: i32) -> f64;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: f64);
}

/// A moment by `Date.now()`. On Workers this clock does not move while code runs.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Instant(f64);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(js_sys::Date::now())
    }

    /// The moment at which `Date.now()` was that.
    pub(crate) fn at(milliseconds: f64) -> Self {
        Self(milliseconds)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    pub(crate) fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// Zero if the clock was set back.
    pub(crate) fn duration_since(&self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64((self.0 - earlier.0) / 1000.0).unwrap_or_default()
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time.as_secs_f64() * 1000.0)
    }
}

/// Milliseconds since 1970, by the clock on the wall.
pub(crate) fn unix_millis() -> u64 {
    Duration::try_from_secs_f64(js_sys::Date::now() / 1000.0)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

thread_local! {
    /// Closures that JavaScript will call, by their timers. They cannot live in a [`Sleep`], which
    /// must be `Send` as all that handlers wait for.
    static CALLBACKS: RefCell<BTreeMap<u64, Closure<dyn FnMut()>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Waits for a timer.
pub(crate) struct Sleep {
    timer: Option<f64>,
    fired: oneshot::Receiver<()>,
    /// Keeps `fired` open where there is no timer.
    _never: Option<oneshot::Sender<()>>,
}

/// Waits for `time`. A timer cannot be set for more than 24.8 days, so that longer ones never end.
pub(crate) fn sleep(time: Duration) -> Sleep {
    let (fire, fired) = oneshot::channel();
    // A millisecond more than none: it must not end too early.
    let Ok(milliseconds) = i32::try_from(time.as_nanos().div_ceil(1_000_000)) else {
        return Sleep { timer: None, fired, _never: Some(fire) };
    };
    // A panic elsewhere cannot leave it half done.
    let mut fire = AssertUnwindSafe(Some(fire));
    let callback = Closure::new(move || {
        if let Some(fire) = fire.take() {
            let _ = fire.send(());
        }
    });
    let timer = set_timeout(&callback, milliseconds);
    CALLBACKS.with_borrow_mut(|callbacks| callbacks.insert(timer.to_bits(), callback));
    Sleep { timer: Some(timer), fired, _never: None }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _ = ready!(Pin::new(&mut self.fired).poll(cx));
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            clear_timeout(timer);
            CALLBACKS.with_borrow_mut(|callbacks| callbacks.remove(&timer.to_bits()));
        }
    }
}

/// The time given to [`timeout`] is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// Runs a future for at most `time`. A future that never waits sets no timer.
pub(crate) async fn timeout<F: Future>(time: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut timer = None;
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(done) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        let timer = timer.get_or_insert_with(|| sleep(time));
        Pin::new(timer).poll(cx).map(|()| Err(Elapsed))
    })
    .await
}

/// There is no budget: every task runs until it waits.
pub(crate) fn unconstrained<F>(future: F) -> F {
    future
}

/// See [`unconstrained`].
pub(crate) fn poll_proceed(_: &mut Context<'_>) -> Poll<Proceed> {
    Poll::Ready(Proceed)
}

/// What [`poll_proceed`] returns.
pub(crate) struct Proceed;

impl Proceed {
    #[allow(clippy::unused_self, reason = "tokio's has something to do")]
    pub(crate) fn made_progress(&self) {}
}

/// A number that nobody foresees.
pub(crate) fn random() -> u64 {
    let bytes = Uint8Array::new_with_length(8);
    get_random_values(&bytes);
    let mut number = [0; 8];
    bytes.copy_to(&mut number);
    u64::from_ne_bytes(number)
}

/// Keys for hashes, drawn for each instance of the module and each map.
#[derive(Clone)]
pub(crate) struct RandomState(u64, u64);

impl RandomState {
    pub(crate) fn new() -> Self {
        Self(random(), random())
    }
}

impl fmt::Debug for RandomState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nobody may read the key.
        f.debug_struct("RandomState").finish_non_exhaustive()
    }
}

impl Default for RandomState {
    fn default() -> Self {
        Self::new()
    }
}

impl BuildHasher for RandomState {
    type Hasher = Keyed;

    fn build_hasher(&self) -> Keyed {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher.write_u64(self.1);
        Keyed(hasher)
    }
}

/// The hash of `std`, with the key as the first bytes that it hashes.
pub(crate) struct Keyed(DefaultHasher);

impl Hasher for Keyed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
