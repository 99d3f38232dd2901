//! How channels stand: the words for it, what is known at this moment, and what has happened. Written by `poll`, shown
//! by `serve`. Knows neither upstream nor HTTP.

mod board;
pub mod events;
mod health;
mod news;
mod state;

pub use board::{Board, HostStatus, HubStatus, Progress, Status};
pub use health::Health;
pub use news::News;
pub use state::State;

use crate::model::{ChannelName, Time};

/// What the first look at a channel showed that somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstLook {
    pub name: ChannelName,
    pub found: State,
    /// When it is looked at again.
    pub again: Time,
}
