//! Which posts a feed wants: by kind, by hashtag, by words, by an expression. Knows nothing of where that is written,
//! a query or the configuration.

use std::{collections::BTreeSet, hash};

use regex::{Regex, RegexBuilder};

use super::{
    Kind, Spoilers, item,
    title::{detail, readable_text},
};
use crate::model::Stored;

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
    /// With one of these hashtags, if there are any; lower case, without `#`.
    pub tags: BTreeSet<String>,
    /// With all of these words, or parts of words; lower case.
    pub words: BTreeSet<String>,
    pub pattern: Option<Pattern>,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn admits(&self, stored: &Stored) -> bool {
        let is = |kind: &Kind| kind.is(stored);
        (self.kinds.is_empty() || self.kinds.iter().any(is))
            && !self.not.iter().any(is)
            && (self.tags.is_empty()
                || item::tags(&stored.post).iter().any(|tag| self.tags.contains(&tag.to_lowercase())))
            && self.admits_text(stored)
    }

    fn admits_text(&self, stored: &Stored) -> bool {
        if self.words.is_empty() && self.pattern.is_none() {
            return true;
        }
        let text = text(stored);
        let lower = if self.words.is_empty() { String::new() } else { text.to_lowercase() };
        self.words.iter().all(|word| lower.contains(word)) && self.pattern.as_ref().is_none_or(|p| p.0.is_match(&text))
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
