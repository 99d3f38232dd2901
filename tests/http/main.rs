//! HTTP as readers meet it: most of it through `serve::handle` without a socket, the rest through real connections.

mod access;
mod coding;
mod conditional;
mod delta;
mod documents;
mod health;
mod history;
mod hub;
mod hub_rules;
mod hub_trouble;
mod limits;
#[path = "../common/memory.rs"]
mod memory;
mod merged;
mod merged_history;
mod merging;
mod pages;
mod podcast;
mod push;
mod routes;
mod selection;
mod server;
mod shelf;
mod subscriber;
mod world;
