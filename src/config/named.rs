//! The keys of `[[feed]]`: feeds of several channels, or of some of their posts; and those of a choice of posts, which a
//! `[[channel]]` may have, too.

use super::{
    FeedSpec,
    read::settings,
    section::{Section, Word},
};
use crate::{
    feed::{Destination, Filter, Kind, Pattern, Settings, exclusions},
    model::{ChannelName, ReactionLimit, plain_emoji},
};

/// First parts of addresses that are the server's own, and some that it may come to need.
const RESERVED: [&str; 13] = [
    "export", "feeds", "health", "healthz", "hub", "media", "metrics", "readyz", "robots", "search", "status", "t",
    "tags",
];
/// Of a feed's name, in characters.
const LONGEST_NAME: usize = 64;

/// Whether addresses that begin so are the server's own, or may come to be.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name.to_ascii_lowercase().as_str())
}

/// A `[[feed]]`; `others` are those before it. The caller sees to it that its channels are polled.
pub fn named_feed(section: Section<'_>, defaults: &Settings, others: &[FeedSpec]) -> Option<FeedSpec> {
    let settings = settings(&section, defaults.clone());
    let filter = filter(&section);
    let title = section.text("title").map(|word| word.text.to_owned());
    let name = section.required_text("name").and_then(|word| match misnamed(word.text, others) {
        Some(message) => {
            section.refuse(&word, message);
            None
        }
        None => {
            section.enter(&word);
            Some(word.text.to_owned())
        }
    });
    let channels = channels(&section);
    section.finish();
    Some(FeedSpec { name: name?, title, channels: channels?, filter, settings, ttl_minutes: 0 })
}

/// What is wrong with the name of a feed.
fn misnamed(name: &str, others: &[FeedSpec]) -> Option<String> {
    if !(1..=LONGEST_NAME).contains(&name.len())
        || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    {
        return Some(format!("must be 1 to {LONGEST_NAME} letters, digits, - and _"));
    }
    if is_reserved(name) {
        return Some("is an address of the server's own; choose another name".to_owned());
    }
    let taken = others.iter().any(|spec| spec.name.eq_ignore_ascii_case(name));
    taken.then(|| "is the name of a channel or feed above; choose another name".to_owned())
}

/// At least one, each once.
fn channels(section: &Section<'_>) -> Option<Vec<ChannelName>> {
    let mut names: Vec<ChannelName> = Vec::new();
    let Some(words) = section.texts("channels") else {
        section.refuse_section("channels is missing; it must list at least one, as in [\"dlinnlp\"]".to_owned());
        return None;
    };
    for word in &words {
        match word.text.parse::<ChannelName>() {
            Err(error) => section.refuse(word, error.reason()),
            Ok(name) if names.contains(&name) => section.refuse(word, "is there already; each channel once".to_owned()),
            Ok(name) => names.push(name),
        }
    }
    if words.is_empty() {
        section.refuse_section("channels must name at least one channel".to_owned());
    }
    (!names.is_empty()).then_some(names)
}

/// `kind`, `tag` and `match`, and with `not` what to leave out: the same choice as by a query, and expressions and
/// reactions.
pub fn filter(section: &Section<'_>) -> Filter {
    let tag = |word: &Word<'_>| {
        let tag = word.text.trim().trim_start_matches('#').to_lowercase();
        if tag.is_empty() {
            section.refuse(word, "must be a hashtag, as in \"nlp\"".to_owned());
        }
        tag
    };
    let tags = |key| section.texts(key).unwrap_or_default().iter().map(tag).collect();
    let excluded = section.texts("not").unwrap_or_default();
    let not_to = |word: &Word<'_>| Destination::from_word(word.text);
    let limit = |(emoji, figure)| ReactionLimit { emoji: plain_emoji(emoji), figure };
    let reactions = section.numbers("not_reactions", 1..=1_000_000_000).unwrap_or_default();
    let kinds = section.texts("kind").unwrap_or_default();
    Filter {
        kinds: kinds.iter().filter_map(|word| kind(section, word, &Kind::words())).collect(),
        not: excluded
            .iter()
            .filter(|word| not_to(word).is_none())
            .filter_map(|word| kind(section, word, &exclusions()))
            .collect(),
        not_to: excluded.iter().filter_map(not_to).collect(),
        tags: tags("tag"),
        not_tags: tags("not_tag"),
        pattern: pattern(section, "match"),
        not_pattern: pattern(section, "not_match"),
        not_reactions: reactions.into_iter().map(limit).collect(),
        ..Filter::default()
    }
}

fn kind(section: &Section<'_>, word: &Word<'_>, allowed: &str) -> Option<Kind> {
    let kind = Kind::from_word(word.text);
    if kind.is_none() {
        section.refuse(word, format!("must be one of {allowed}"));
    }
    kind
}

fn pattern(section: &Section<'_>, key: &'static str) -> Option<Pattern> {
    let word = section.text(key)?;
    match Pattern::new(word.text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            section.refuse(&word, format!("is no expression of the regex crate: {}", reason(&error)));
            None
        }
    }
}

/// The crate's message without its drawing of the place, in one line.
fn reason(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
