//! The contract as one TypeScript file.

mod call;
mod file;
mod socket;
mod text;
mod types;
