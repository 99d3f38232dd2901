//! What is kept: the promises of `Store`, and what it survives.

mod crash;
mod formats;
mod local;
mod promises;
mod recovery;
mod small;

#[path = "../common/memory.rs"]
mod memory;
#[path = "../common/stored.rs"]
mod stored;
