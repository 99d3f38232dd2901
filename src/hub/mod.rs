//! Push by WebSub (W3C Recommendation of 23 January 2018): subscribers are told of changes instead of asking for them.
//!
//! `request`, `subscriptions`, `progress` and `address` are the rules, purely; [`Hub`] is the hub of the daemon's own,
//! [`Outside`] tells one elsewhere. Both look at the topics' versions once a second, and keep what they have told,
//! so that a change is told even if the daemon was down in between. Knows neither upstream nor how feeds are made.

mod book;
mod callback;
mod outside;
mod own;
mod progress;
mod request;
mod subscriptions;

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

pub use callback::signature;
pub use outside::Outside;
pub use own::Hub;
pub use progress::{Progress, Seen};
pub use request::{Mode, Refusal, Request, parse};
pub use subscriptions::{Lease, Outcome, Subscriptions, Task};

/// What a hub takes on and how patient it is.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Most subscriptions to one topic.
    pub per_topic: usize,
    /// Most subscriptions of one callback host.
    pub per_host: usize,
    /// Whether callbacks may lead into private networks and to this machine.
    pub allow_private_callbacks: bool,
    /// How often topics are looked at.
    pub tick: Duration,
    /// After the first failed delivery; doubled after each further one, up to an hour.
    pub first_retry: TimeDelta,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            per_topic: 1000,
            per_host: 100,
            allow_private_callbacks: false,
            tick: Duration::from_secs(1),
            first_retry: TimeDelta::seconds(30),
        }
    }
}

/// A topic as a reader would get it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Digest of where the topic's channels stand.
    pub heads: u64,
    pub bytes: Bytes,
    pub content_type: &'static str,
}

impl Document {
    /// What to remember of it once it has been told.
    pub fn seen(&self) -> Seen {
        let digest = Sha256::digest(&self.bytes).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        Seen { heads: self.heads, digest }
    }
}

/// Where hubs have the topics from. A topic is known by the address of its document.
pub trait Topics: Send + Sync + 'static {
    /// All topics.
    fn addresses(&self) -> Vec<String>;
    /// As [`Document::heads`], without the document; cheap. `None` for what is no topic, and while it cannot be told.
    fn heads(&self, topic: &str) -> impl Future<Output = Option<u64>> + Send;
    /// Somebody is subscribed to the topic, who reads it without ever asking for it.
    fn subscribed(&self, _topic: &str) {}
    /// `None` for what is no topic, and while it cannot be made anew.
    fn document(&self, topic: &str) -> impl Future<Output = Option<Document>> + Send;
}

/// The field that names the hub and the topic (WebSub, section 4).
pub fn link(hub: &str, topic: &str) -> String {
    format!("<{hub}>; rel=\"hub\", <{topic}>; rel=\"self\"")
}
