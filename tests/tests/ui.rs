//! What the compiler says: one mistake a file, and what its message must teach in its first line.
//!
//! The messages are those of the toolchain that the repository pins; `TRYBUILD=overwrite` writes them
//! again. They do not depend on whether `rust-src` is installed: none quotes it.

#[test]
fn every_mistake_has_one_message_that_says_what_to_type() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
