//! What a subscriber asks for (WebSub, section 5.1). Pure.

use chrono::TimeDelta;
use url::{Url, form_urlencoded};

use crate::fetch::{is_public, literal};

/// Secrets are shorter than this (WebSub, section 5.1).
const SECRET_BYTES: usize = 200;
const CALLBACK_BYTES: usize = 2000;
const DEFAULT_LEASE: TimeDelta = TimeDelta::days(10);
const LEAST_LEASE: TimeDelta = TimeDelta::minutes(5);
const MOST_LEASE: TimeDelta = TimeDelta::days(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Subscribe,
    Unsubscribe,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

/// A request that makes sense, not yet known to be meant by the callback's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub mode: Mode,
    pub topic: String,
    pub callback: Url,
    pub secret: Option<String>,
    /// What is granted, whatever was asked for.
    pub lease: TimeDelta,
}

impl Request {
    /// The callback's host, as subscriptions are counted by it.
    pub fn host(&self) -> &str {
        self.callback.host_str().unwrap_or_default()
    }
}

/// Why a request is not taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("hub.mode must be subscribe or unsubscribe.")]
    Mode,
    #[error("hub.topic is missing.")]
    NoTopic,
    #[error("hub.topic is no feed of this server; take the address that the feed's own self link names.")]
    ForeignTopic,
    #[error("hub.callback must be an http or https address of at most 2000 bytes, without a user or a password.")]
    Callback,
    #[error("hub.callback leads to an address that is not public.")]
    PrivateCallback,
    #[error("hub.secret must be shorter than 200 bytes.")]
    Secret,
    #[error("hub.lease_seconds must be a number of seconds.")]
    Lease,
    #[error("This topic has as many subscriptions as it may have.")]
    TopicFull,
    #[error("The callback's host has as many subscriptions as it may have.")]
    HostFull,
    #[error("Too many requests are being verified; try again in a while.")]
    Busy,
}

/// Reads a form-encoded request. Whether the topic is one of ours is the caller's to check.
pub fn parse(body: &[u8], allow_private_callbacks: bool) -> Result<Request, Refusal> {
    let fields: Vec<_> = form_urlencoded::parse(body).collect();
    let field = |name| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
    let mode = match field("hub.mode") {
        Some("subscribe") => Mode::Subscribe,
        Some("unsubscribe") => Mode::Unsubscribe,
        _ => return Err(Refusal::Mode),
    };
    let topic = field("hub.topic").filter(|topic| !topic.is_empty()).ok_or(Refusal::NoTopic)?.to_owned();
    let callback = field("hub.callback").and_then(callback).ok_or(Refusal::Callback)?;
    if !allow_private_callbacks && literal(&callback).is_some_and(|address| !is_public(address)) {
        return Err(Refusal::PrivateCallback);
    }
    let secret = field("hub.secret").filter(|secret| !secret.is_empty()).map(str::to_owned);
    if secret.as_ref().is_some_and(|secret| secret.len() >= SECRET_BYTES) {
        return Err(Refusal::Secret);
    }
    let lease = match field("hub.lease_seconds").filter(|seconds| !seconds.is_empty()) {
        None => DEFAULT_LEASE,
        Some(seconds) => lease(seconds.parse().map_err(|_| Refusal::Lease)?),
    };
    Ok(Request { mode, topic, callback, secret, lease })
}

fn callback(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok().filter(|_| text.len() <= CALLBACK_BYTES)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    url.set_fragment(None);
    plain.then_some(url)
}

fn lease(seconds: u64) -> TimeDelta {
    let asked = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(MOST_LEASE);
    asked.clamp(LEAST_LEASE, MOST_LEASE)
}
