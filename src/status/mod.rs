//! How channels stand: the words for it, what is known at this moment, and what has happened. Written by `poll`, shown
//! by `serve`. Knows neither upstream nor HTTP.

mod board;
pub mod events;
mod news;

pub use board::{Board, HostStatus, Progress, State, Status};
pub use news::News;
