//! Names, ids and descriptions of channels.

use std::{fmt, hash, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{MediaUrl, Time, paths::own_path};

/// A public channel's name as its owner or the configuration spells it, for example `AI_News_Official`.
///
/// Telegram compares names without regard to case, and so do `Eq` and `Hash`; [`fmt::Display`] keeps the spelling.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(String);

/// What is no channel's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\": {}", .text.escape_debug(), self.reason())]
pub struct InvalidName {
    text: String,
    /// What it is, if it is an address of Telegram's own.
    other: Option<&'static str>,
}

impl InvalidName {
    /// Why it is none, as the end of a sentence that begins with it.
    pub fn reason(&self) -> String {
        match self.other {
            Some(other) => format!("is {other}, no channel"),
            None => "must be a channel's name of 2 to 32 letters, digits and underscores, as in dlinnlp, @dlinnlp or \
                     https://t.me/s/dlinnlp"
                .to_owned(),
        }
    }
}

impl ChannelName {
    /// The spelling as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which names are compared and stored.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for ChannelName {
    type Err = InvalidName;

    /// Takes `name`, `@name`, `t.me/name`, `https://t.me/s/name` and the same under telegram.me and telegram.dog.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let trimmed = text.trim();
        let bare = strip_address(trimmed).unwrap_or_else(|| trimmed.strip_prefix('@').unwrap_or(trimmed));
        let other = own_path(bare);
        if other.is_none() && is_name(bare) {
            Ok(Self(bare.to_owned()))
        } else {
            Err(InvalidName { text: text.to_owned(), other })
        }
    }
}

fn is_name(bare: &str) -> bool {
    (2..=32).contains(&bare.len())
        && bare.starts_with(|c: char| c.is_ascii_alphabetic())
        && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn strip_address(text: &str) -> Option<&str> {
    let rest = text.split_once("://").filter(|(scheme, _)| scheme.to_ascii_lowercase().starts_with("http"));
    let rest = rest.map_or(text, |(_, rest)| rest);
    let (host, path) = rest.split_once('/')?;
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    ["t.me", "telegram.me", "telegram.dog"].contains(&host).then_some(())?;
    let mut parts = path.split(['/', '?', '#']);
    let first = parts.next().unwrap_or_default();
    let named = if first.eq_ignore_ascii_case("s") { parts.next().filter(|name| !name.is_empty()) } else { None };
    Some(named.unwrap_or(first))
}

impl PartialEq for ChannelName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ChannelName {}

impl hash::Hash for ChannelName {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for ChannelName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ChannelName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ChannelName {
    type Error = InvalidName;

    /// As records have it: a name that was taken once is read again, whatever it is taken for today.
    fn try_from(text: String) -> Result<Self, InvalidName> {
        if is_name(&text) { Ok(Self(text)) } else { Err(InvalidName { text, other: None }) }
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.0
    }
}

/// Telegram's own number of a channel: positive, and the same after a rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(pub u64);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a page says of its channel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChannelInfo {
    pub title: String,
    /// Plain text, lines separated by `\n`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Address of the avatar. It rotates between loads, so it never decides whether something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// Telegram's warning labels, such as `scam` or `fake`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// A channel as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub id: ChannelId,
    /// The name under which the channel was asked for, the newest of several.
    pub name: ChannelName,
    /// The names before that, which lead to it still, unless another channel was given one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<ChannelName>,
    /// The slug as first seen. Guids are made from it and it never changes, whatever the channel is called later.
    pub slug: String,
    /// The slug that pages show now; differs from `slug` after a rename.
    pub current_slug: String,
    pub info: ChannelInfo,
    pub first_seen: Time,
    /// When `info` was last stored; bounds how often a rotated avatar address is renewed.
    pub info_seen: Time,
}

impl Channel {
    /// Whether both are the same but for the address of the picture, and when it was seen.
    pub fn is_same_but_for_addresses(&self, other: &Self) -> bool {
        let info = ChannelInfo { photo: self.info.photo.clone(), ..other.info.clone() };
        let has_photo = self.info.photo.is_some() == other.info.photo.is_some();
        has_photo && *self == Self { info, info_seen: self.info_seen, ..other.clone() }
    }

    /// Whether it was asked for under `name`.
    pub fn goes_by(&self, name: &ChannelName) -> bool {
        self.name == *name || self.names.contains(name)
    }

    /// Whether its posts bear that name on Telegram, or bore it when they were first seen.
    pub fn bears(&self, name: &str) -> bool {
        [&self.slug, &self.current_slug].into_iter().any(|slug| slug.eq_ignore_ascii_case(name))
    }

    /// The channel, asked for under `name` from now on.
    pub fn called(mut self, name: &ChannelName) -> Self {
        let before = std::mem::replace(&mut self.name, name.clone());
        self.names.push(before);
        self.names.retain(|other| other != name);
        self
    }

    /// The channel with the names that it had `before`, when records did not keep them yet.
    pub fn after(mut self, before: Option<Self>) -> Self {
        let names = before.into_iter().flat_map(|before| before.names.into_iter().chain([before.name]));
        let lost: Vec<_> = names.filter(|name| !self.goes_by(name)).collect();
        self.names.splice(..0, lost);
        self
    }
}
