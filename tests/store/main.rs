//! What is kept: the contract of `Store`, and what it survives.

mod contract;
mod crash;
mod formats;
mod recovery;
mod small;

#[path = "../common/stored.rs"]
mod stored;
