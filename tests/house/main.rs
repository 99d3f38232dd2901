//! The house itself: its layers, its documents, its configuration.

mod config_environment;
mod config_feeds;
mod config_upstream;
mod layers;
mod packaging;
mod security;
