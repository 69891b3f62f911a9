//! Typed real-time endpoints on axum.

#[allow(dead_code, unused_imports, reason = "used by ws/")]
mod frame;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
