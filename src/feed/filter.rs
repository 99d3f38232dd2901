//! Which posts a feed wants: by kind, by hashtag, by words, by an expression. Knows nothing of where that is written,
//! a query or the configuration.

use std::{collections::BTreeSet, hash};

use regex::{Regex, RegexBuilder};

use super::{
    Destination, Kind, Spoilers, fold, item,
    title::{detail, readable_text},
};
use crate::model::{Channel, ReactionLimit, Stored};

/// Memory that an expression may take once compiled, and again for the automaton that it is run on.
const PATTERN_BYTES: usize = 1 << 20;

/// An expression of the regex crate, which takes time in proportion to the text, whatever the expression.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Why `text` is no expression, or that it is too large a one, in the error.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        RegexBuilder::new(text).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build().map(Self)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl hash::Hash for Pattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

/// What a post must be to be wanted. The default wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Of one of these kinds, if there are any.
    pub kinds: BTreeSet<Kind>,
    /// Of none of these.
    pub not: BTreeSet<Kind>,
    /// With no link there.
    pub not_to: BTreeSet<Destination>,
    /// With one of these hashtags, if there are any; lower case, without `#`.
    pub tags: BTreeSet<String>,
    /// With none of these.
    pub not_tags: BTreeSet<String>,
    /// With all of these words, or parts of words; lower case, and compared as [`fold`] has them.
    pub words: BTreeSet<String>,
    /// With none of these.
    pub not_words: BTreeSet<String>,
    pub pattern: Option<Pattern>,
    pub not_pattern: Option<Pattern>,
    /// With none of these reached, by the figures last stored.
    pub not_reactions: BTreeSet<ReactionLimit>,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the `channel`'s post is wanted.
    pub fn admits(&self, channel: &Channel, stored: &Stored) -> bool {
        let is = |kind: &Kind| kind.is(stored);
        (self.kinds.is_empty() || self.kinds.iter().any(is))
            && !self.not.iter().any(is)
            && !self.not_to.iter().any(|destination| destination.is_linked(channel, &stored.post))
            && !self.not_reactions.iter().any(|limit| limit.is_reached(&stored.post.reactions))
            && self.admits_tags(stored)
            && self.admits_text(stored)
    }

    fn admits_tags(&self, stored: &Stored) -> bool {
        if self.tags.is_empty() && self.not_tags.is_empty() {
            return true;
        }
        let tags: Vec<String> = item::tags(&stored.post).iter().map(|tag| tag.to_lowercase()).collect();
        (self.tags.is_empty() || tags.iter().any(|tag| self.tags.contains(tag)))
            && !tags.iter().any(|tag| self.not_tags.contains(tag))
    }

    fn admits_text(&self, stored: &Stored) -> bool {
        let Self { words, not_words, pattern, not_pattern, .. } = self;
        let has_words = !(words.is_empty() && not_words.is_empty());
        if !has_words && pattern.is_none() && not_pattern.is_none() {
            return true;
        }
        let text = text(stored);
        let folded = if has_words { fold(&text) } else { String::new() };
        words.iter().all(|word| folded.contains(&fold(word)))
            && !not_words.iter().any(|word| folded.contains(&fold(word)))
            && pattern.as_ref().is_none_or(|pattern| pattern.0.is_match(&text))
            && !not_pattern.as_ref().is_some_and(|pattern| pattern.0.is_match(&text))
    }
}

/// All text that a search looks at: that of the post, spoilers too, and the titles of its files, polls and previews.
fn text(stored: &Stored) -> String {
    let mut text = readable_text(&stored.post, Spoilers::Text);
    for part in &stored.post.parts {
        text += &detail(part);
        text.push('\n');
    }
    text
}
