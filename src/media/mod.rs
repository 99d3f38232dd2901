//! The files of posts: the addresses of our own that stand for them, and what these lead to.

mod address;
mod present;
mod refresh;

pub use present::{Found, Present};
pub use refresh::{Refreshes, Renewal};

pub use address::{Address, Addresses, File, is_of_web, path};
