//! The states that a channel may be in, with all the words for them.

use serde::{Deserialize, Serialize};

/// How a channel stands with upstream. Stored posts are served in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not polled yet.
    New,
    Ok,
    /// A preview without posts.
    Empty,
    /// Nothing new for a month.
    Quiet,
    RateLimited,
    /// Upstream answers with errors, or with pages that are not understood.
    UpstreamError,
    Unreachable,
    /// The channel is withheld from those who ask from here.
    Restricted,
    /// The name exists but has no preview.
    NoPreview,
    NotFound,
    Private,
    IsGroup,
    IsUser,
    /// The name now shows another channel's posts.
    Renamed,
    /// The pages changed in a way that the parser does not know.
    Drift,
}

impl State {
    /// The snake_case word of health and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Quiet => "quiet",
            Self::RateLimited => "rate_limited",
            Self::UpstreamError => "upstream_error",
            Self::Unreachable => "unreachable",
            Self::Restricted => "restricted",
            Self::NoPreview => "no_preview",
            Self::NotFound => "not_found",
            Self::Private => "private",
            Self::IsGroup => "is_group",
            Self::IsUser => "is_user",
            Self::Renamed => "renamed",
            Self::Drift => "drift",
        }
    }

    /// What people read of it.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "waiting for its first poll",
            Self::Ok => "up to date",
            Self::Empty => "no posts yet",
            Self::Quiet => "quiet for a month",
            Self::RateLimited => "Telegram asks to wait",
            Self::UpstreamError => "Telegram answers with errors",
            Self::Unreachable => "Telegram cannot be reached",
            Self::Restricted => "withheld by Telegram",
            Self::NoPreview => "no public preview",
            Self::NotFound => "not found on Telegram",
            Self::Private => "private",
            Self::IsGroup => "a group, not a channel",
            Self::IsUser => "a user, not a channel",
            Self::Renamed => "the name shows another channel now",
            Self::Drift => "Telegram's pages have changed",
        }
    }

    /// What a person can do about it; None where nothing is amiss.
    pub fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::New | Self::Ok | Self::Empty | Self::Quiet => return None,
            Self::RateLimited => "nothing to do: polling goes on, slower; if it lasts, lower poll.requests_per_minute",
            Self::UpstreamError => "nothing to do: it is tried again; if it lasts, look at the address in a browser",
            Self::Unreachable => "check this machine's connection, its DNS and upstream.proxy; it is tried again",
            Self::Restricted => "Telegram withholds it where you are; a proxy elsewhere (upstream.proxy) may help",
            Self::NoPreview => "ask its owner to switch the preview on, or remove the channel",
            Self::NotFound => "check the spelling; if the channel was renamed, configure its new name",
            Self::Private => "remove it: a private channel has no preview",
            Self::IsGroup => "remove it: a group has no preview",
            Self::IsUser => "remove it: a person or a bot has no posts",
            Self::Renamed => "find the channel's new name; to follow the other one, use a store of its own",
            Self::Drift => "posts are stored as far as they are understood; look for a newer version",
        })
    }

    /// Whether nothing is amiss.
    pub fn is_fine(self) -> bool {
        matches!(self, Self::New | Self::Ok | Self::Empty | Self::Quiet)
    }

    /// Whether what upstream shows of the channel is read and stored in it.
    pub fn is_read(self) -> bool {
        self.is_fine() || self == Self::Drift
    }

    /// Whether it may pass without anybody doing anything.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::RateLimited | Self::UpstreamError | Self::Unreachable)
    }
}
