//! The contract as one TypeScript file.

mod file;
mod text;
mod types;
