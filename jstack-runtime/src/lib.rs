//! Typed real-time endpoints on axum.
