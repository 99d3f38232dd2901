//! The files of posts: the addresses of our own that stand for them, and what these lead to.

mod address;
mod cache;
mod download;
mod facts;
mod keeper;
mod kind;
mod objects;
mod present;
mod refresh;
mod transcode;

pub use objects::{Digest, Entry, Listed, Objects, Place};
pub use present::{Found, Present, Unread};
pub use refresh::{Refreshes, Renewal};

pub use address::{Address, Addresses, File, is_of_web};
pub use cache::{Cache, Figures, Opened, Reading, Rules};
pub use download::{Download, Progress, Why};
pub use facts::Facts;
pub use keeper::{Care, Looks, keep};
pub use kind::SAVED;
pub use transcode::version as ffmpeg_version;
