//! Polling against a stand-in for upstream, with the real store: mostly on a simulated clock.

mod backfill;
mod delay;
mod following;
mod hostile_upstream;
mod on_demand;
mod rounds;
mod schedule;
mod sockets;
mod spread;
mod together;
mod trouble;
mod verdict;
mod week;

#[path = "../simulation/mod.rs"]
mod simulation;
#[path = "../upstream/mod.rs"]
mod upstream;
