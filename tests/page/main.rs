//! Upstream's pages: what is read of them, and what becomes of each kind of post.

mod around;
mod captures;
mod faults;
mod message;
mod rich;
mod snapshots;

#[path = "../common/blocks.rs"]
mod blocks;
