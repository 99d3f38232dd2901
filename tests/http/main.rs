//! HTTP as readers meet it: most of it through `serve::handle` without a socket, the rest through real connections.

mod access;
mod coding;
mod conditional;
mod delta;
mod documents;
mod health;
mod limits;
mod memory;
mod pages;
mod routes;
mod server;
mod world;
