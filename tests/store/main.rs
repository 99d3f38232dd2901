//! What is kept: the contract of `Store`, and what it survives.

mod contract;
mod crash;
mod recovery;

#[path = "../common/stored.rs"]
mod stored;
