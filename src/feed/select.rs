//! What a reader chooses by a query: `?kind=photo,video&not=forward&tag=nlp&q=word&limit=20`. One choice has one
//! spelling, so that one choice is one address, whoever writes it. Knows nothing of HTTP.

use std::{collections::BTreeSet, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::{Filter, Kind};
use crate::model::{PostId, Time};

/// More values of one key are refused.
pub const MOST_VALUES: usize = 10;
/// Longer values are refused; in characters.
pub const LONGEST_VALUE: usize = 64;
/// The largest `limit`, as in the configuration.
pub const MOST_POSTS: usize = 1000;

/// Of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// All but the unreserved characters of RFC 3986 2.3.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a feed that has an address of its own. The default is the feed itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// The posts before this one, as far as one document of the archive goes; `None` for the current feed.
    pub before: Option<PostId>,
    /// The same of a merged feed, whose archive goes by time: what was published before this, a whole second.
    pub until: Option<Time>,
    pub filter: Filter,
    /// So many posts instead of the feed's own number.
    pub limit: Option<usize>,
}

/// Which document of an archive: the one that ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Before this post of the feed's one channel.
    Post(PostId),
    /// Before this time, in all channels of the feed.
    Time(Time),
}

/// A query whose value makes no sense; the message says what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}={value}: {allowed}.")]
pub struct Refusal {
    pub key: &'static str,
    pub value: String,
    pub allowed: String,
}

impl Selection {
    /// Reads a query, still percent-encoded; keys that are not known are left out. `posts` is the feed's own number,
    /// which need not be said.
    pub fn parse(query: &str, posts: usize) -> Result<Self, Refusal> {
        let mut selection = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let filter = &mut selection.filter;
            match key.as_ref() {
                "before" => selection.before = number("before", &value, 2..=u64::MAX)?.map(PostId),
                "kind" => add(&mut filter.kinds, "kind", listed(&value), kind("kind"))?,
                "limit" => selection.limit = number("limit", &value, 1..=MOST_POSTS as u64)?.map(|n| n as usize),
                "not" => add(&mut filter.not, "not", listed(&value), kind("not"))?,
                "q" => add(&mut filter.words, "q", value.split_whitespace(), text("q"))?,
                "tag" => add(&mut filter.tags, "tag", listed(&value), text("tag"))?,
                "until" => selection.until = number("until", &value, 1..=LAST_SECOND)?.and_then(second),
                _ => {}
            }
        }
        // One document has one end.
        selection.until = selection.until.filter(|_| selection.before.is_none());
        if selection.end().is_some() || selection.limit == Some(posts) {
            selection.limit = None;
        }
        Ok(selection)
    }

    /// The one spelling of it, without `?`; empty for the feed itself.
    pub fn query(&self) -> String {
        let Self { before, until, filter, limit } = self;
        let words = |kinds: &BTreeSet<Kind>| joined(kinds.iter().map(|kind| kind.as_str()), ",");
        let pairs = [
            ("before", before.map(|id| id.to_string()).unwrap_or_default()),
            ("kind", words(&filter.kinds)),
            ("limit", limit.map(|limit| limit.to_string()).unwrap_or_default()),
            ("not", words(&filter.not)),
            ("q", joined(filter.words.iter().map(String::as_str), "%20")),
            ("tag", joined(filter.tags.iter().map(String::as_str), ",")),
            ("until", until.map(|until| until.timestamp().to_string()).unwrap_or_default()),
        ];
        let said: Vec<String> =
            pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!("{key}={value}")).collect();
        said.join("&")
    }

    /// The same choice from another part of the history.
    pub fn at(&self, before: Option<PostId>) -> Self {
        Self { before, until: None, ..self.clone() }
    }

    /// The same choice from the document of the archive that ends there; from the current feed if there is no end.
    pub fn ending(&self, end: Option<End>) -> Self {
        match end {
            Some(End::Time(until)) => Self { until: Some(until), ..self.at(None) },
            Some(End::Post(before)) => self.at(Some(before)),
            None => self.at(None),
        }
    }

    /// Where the document ends that is chosen from the archive.
    pub fn end(&self) -> Option<End> {
        self.before.map(End::Post).or(self.until.map(End::Time))
    }
}

/// What is chosen, for the title of the feed: `photo, video, not forward, #nlp, word`.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Filter { kinds, not, tags, words, .. } = &self.filter;
        let kinds = kinds.iter().map(|kind| kind.as_str().to_owned());
        let not = not.iter().map(|kind| format!("not {}", kind.as_str()));
        let tags = tags.iter().map(|tag| format!("#{tag}"));
        f.write_str(&kinds.chain(not).chain(tags).chain(words.iter().cloned()).collect::<Vec<_>>().join(", "))
    }
}

fn joined<'v>(values: impl Iterator<Item = &'v str>, separator: &str) -> String {
    values.map(|value| utf8_percent_encode(value, VALUE).to_string()).collect::<Vec<_>>().join(separator)
}

fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

fn refuse<T>(key: &'static str, value: &str, allowed: String) -> Result<T, Refusal> {
    Err(Refusal { key, value: value.chars().take(LONGEST_VALUE).collect(), allowed })
}

fn number(key: &'static str, value: &str, allowed: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
    match value.trim().parse() {
        Ok(number) if allowed.contains(&number) => Ok(Some(number)),
        _ if value.trim().is_empty() => Ok(None),
        _ => refuse(key, value, format!("must be a number from {} to {}", allowed.start(), allowed.end())),
    }
}

fn second(number: u64) -> Option<Time> {
    Time::from_timestamp(i64::try_from(number).ok()?, 0)
}

fn add<'v, T: Ord>(
    values: &mut BTreeSet<T>,
    key: &'static str,
    words: impl Iterator<Item = &'v str>,
    read: impl Fn(&str) -> Result<T, Refusal>,
) -> Result<(), Refusal> {
    for word in words.filter(|word| !word.is_empty()) {
        values.insert(read(word)?);
        if values.len() > MOST_VALUES {
            return refuse(key, word, format!("at most {MOST_VALUES} values"));
        }
    }
    Ok(())
}

fn kind(key: &'static str) -> impl Fn(&str) -> Result<Kind, Refusal> {
    move |word| match Kind::from_word(&word.to_lowercase()) {
        Some(kind) => Ok(kind),
        None => refuse(key, word, format!("must be among {}", Kind::words())),
    }
}

fn text(key: &'static str) -> impl Fn(&str) -> Result<String, Refusal> {
    move |word| {
        let bare = if key == "tag" { word.trim_start_matches('#') } else { word };
        let folded = bare.to_lowercase();
        match folded.chars().count() {
            0 => refuse(key, word, "a hashtag has letters behind its #".to_owned()),
            1..=LONGEST_VALUE => Ok(folded),
            _ => refuse(key, word, format!("at most {LONGEST_VALUE} characters in one word")),
        }
    }
}
