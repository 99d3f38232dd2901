//! What a reader chooses by a query: `?kind=photo,video&not=forward&tag=nlp&q=word&limit=20`. One choice has one
//! spelling, so that one choice is one address, whoever writes it. Knows nothing of HTTP.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::{Destination, Filter, Kind};
use crate::model::{PostId, Time};

/// More values of one key are refused.
pub const MOST_VALUES: usize = 10;
/// Longer values are refused; in characters.
pub const LONGEST_VALUE: usize = 64;
/// The largest `limit`, as in the configuration.
pub const MOST_POSTS: usize = 1000;

/// All keys of a query.
const KEYS: [&str; 9] = ["before", "kind", "limit", "not", "not_q", "not_tag", "q", "tag", "until"];

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
#[error("{asked}: {allowed}.")]
pub struct Refusal {
    /// The key, with its value if that is what is wrong.
    pub asked: String,
    pub allowed: String,
}

/// A key and its value, decoded.
pub type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// The keys and values of a query, still percent-encoded, that are for us. What trackers and caches append is for others;
/// a key that is neither theirs nor one of `known` is refused, since whoever wrote it expects something of it.
pub fn pairs<'q>(query: &'q str, known: &[&str]) -> Result<Vec<Pair<'q>>, Refusal> {
    let is_others = |key: &str| key.starts_with("utm_") || ["fbclid", "gclid", "_"].contains(&key);
    let mut found = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if known.contains(&&*key) {
            found.push((key, value));
        } else if !(is_others(&key) || key.is_empty() && value.is_empty()) {
            let asked = key.chars().take(LONGEST_VALUE).collect();
            return Err(Refusal { asked, allowed: format!("no such key; there are {}", known.join(", ")) });
        }
    }
    Ok(found)
}

impl Selection {
    /// Reads a query, still percent-encoded. `posts` is the feed's own number, which need not be said.
    pub fn parse(query: &str, posts: usize) -> Result<Self, Refusal> {
        let mut selection = Self::default();
        for (key, value) in pairs(query, &KEYS)? {
            let filter = &mut selection.filter;
            match key.as_ref() {
                "before" => selection.before = number("before", &value, 2..=u64::MAX)?.map(PostId),
                "kind" => add(&mut filter.kinds, "kind", listed(&value), kind("kind"))?,
                "limit" => selection.limit = number("limit", &value, 1..=MOST_POSTS as u64)?.map(|n| n as usize),
                "not" => exclude(filter, &value)?,
                "not_q" => add(&mut filter.not_words, "not_q", value.split_whitespace(), text("not_q"))?,
                "not_tag" => add(&mut filter.not_tags, "not_tag", listed(&value), text("not_tag"))?,
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
        let texts = |texts: &BTreeSet<String>, separator| joined(texts.iter().map(String::as_str), separator);
        let pairs = [
            ("before", before.map(|id| id.to_string()).unwrap_or_default()),
            ("kind", joined(filter.kinds.iter().map(|kind| kind.as_str()), ",")),
            ("limit", limit.map(|limit| limit.to_string()).unwrap_or_default()),
            ("not", joined(excluded(filter).into_iter(), ",")),
            ("not_q", texts(&filter.not_words, "%20")),
            ("not_tag", texts(&filter.not_tags, ",")),
            ("q", texts(&filter.words, "%20")),
            ("tag", texts(&filter.tags, ",")),
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

/// What `not` says, in the order of the alphabet.
fn excluded(filter: &Filter) -> BTreeSet<&'static str> {
    let kinds = filter.not.iter().map(|kind| kind.as_str());
    kinds.chain(filter.not_to.iter().map(|destination| destination.as_str())).collect()
}

/// What is chosen, for the title of the feed: `photo, video, not forward, #nlp, word`.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Filter { kinds, tags, not_tags, words, not_words, .. } = &self.filter;
        let kinds = kinds.iter().map(|kind| kind.as_str().to_owned());
        let not = excluded(&self.filter).into_iter().map(|word| format!("not {word}"));
        let tags = tags.iter().map(|tag| format!("#{tag}"));
        let not_tags = not_tags.iter().map(|tag| format!("not #{tag}"));
        let not_words = not_words.iter().map(|word| format!("not {word}"));
        let chosen = kinds.chain(not).chain(tags).chain(not_tags).chain(words.iter().cloned()).chain(not_words);
        f.write_str(&chosen.collect::<Vec<_>>().join(", "))
    }
}

fn joined<'v>(values: impl Iterator<Item = &'v str>, separator: &str) -> String {
    values.map(|value| utf8_percent_encode(value, VALUE).to_string()).collect::<Vec<_>>().join(separator)
}

fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

fn refuse<T>(key: &'static str, value: &str, allowed: String) -> Result<T, Refusal> {
    let value: String = value.chars().take(LONGEST_VALUE).collect();
    Err(Refusal { asked: format!("{key}={value}"), allowed })
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

/// Kinds and destinations.
fn exclude(filter: &mut Filter, value: &str) -> Result<(), Refusal> {
    let is_destination = |word: &&str| Destination::from_word(&word.to_lowercase()).is_some();
    let (destinations, kinds): (Vec<&str>, Vec<&str>) = listed(value).partition(is_destination);
    filter.not_to.extend(destinations.iter().filter_map(|word| Destination::from_word(&word.to_lowercase())));
    add(&mut filter.not, "not", kinds.into_iter(), kind("not"))
}

/// What `not` may name, for a message about what is none of that.
pub fn exclusions() -> String {
    let destinations = Destination::ALL.map(Destination::as_str).join(", ");
    format!("{}, {destinations}", Kind::words())
}

fn kind(key: &'static str) -> impl Fn(&str) -> Result<Kind, Refusal> {
    move |word| match Kind::from_word(&word.to_lowercase()) {
        Some(kind) => Ok(kind),
        None => {
            let words = if key == "not" { exclusions() } else { Kind::words() };
            refuse(key, word, format!("must be among {words}"))
        }
    }
}

fn text(key: &'static str) -> impl Fn(&str) -> Result<String, Refusal> {
    move |word| {
        let bare = if key.ends_with("tag") { word.trim_start_matches('#') } else { word };
        let folded = bare.to_lowercase();
        match folded.chars().count() {
            0 => refuse(key, word, "must hold letters or other signs to be seen".to_owned()),
            1..=LONGEST_VALUE => Ok(folded),
            _ => refuse(key, word, format!("at most {LONGEST_VALUE} characters in one word")),
        }
    }
}
