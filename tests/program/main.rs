//! The real program: its commands, its signals, its sockets, its log.

mod backfill;
mod cdn;
mod cli;
mod daemon;
mod demand;
mod drift;
mod facts;
mod follow;
mod limits;
mod log_lines;
mod media;
mod proxies;
mod reactions;
mod reload;
mod socket;
mod transcode;
mod validators;

#[path = "../common/program.rs"]
mod program;
#[path = "../common/stored.rs"]
mod stored;
#[path = "../upstream/mod.rs"]
mod upstream;
