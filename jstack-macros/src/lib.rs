//! The procedural macros of `jstack-runtime`, which re-exports and documents them.
