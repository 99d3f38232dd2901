//! Formatted text, in the shapes that Telegram knows.

use serde::{Deserialize, Serialize};

/// A run of formatted text. Nesting is bounded by the parser, so recursion over it is safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    /// Plain characters, without markup or line breaks. Custom emoji are here as their character.
    Text(String),
    Break,
    Styled(Style, Vec<Inline>),
    /// An absolute address, repaired and unescaped, around its text.
    Link {
        href: String,
        text: Vec<Inline>,
    },
    /// A hashtag with its `#`, as written, and the address of its search page.
    Hashtag {
        tag: String,
        href: String,
    },
    Quote {
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        expandable: bool,
        text: Vec<Inline>,
    },
    /// A block of code, line breaks as `\n`.
    Pre {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        text: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    Bold,
    Italic,
    Underline,
    Strike,
    Code,
    Mark,
    Spoiler,
}

/// The characters of `text`, breaks as `\n`, quotes and code blocks on lines of their own.
pub fn plain_text(text: &[Inline]) -> String {
    let mut out = String::new();
    append_plain(text, &mut out);
    out
}

fn append_plain(text: &[Inline], out: &mut String) {
    for inline in text {
        match inline {
            Inline::Text(characters) => out.push_str(characters),
            Inline::Break => out.push('\n'),
            Inline::Styled(_, inner) | Inline::Link { text: inner, .. } => append_plain(inner, out),
            Inline::Hashtag { tag, .. } => out.push_str(tag),
            Inline::Quote { text: inner, .. } => on_own_lines(out, |out| append_plain(inner, out)),
            Inline::Pre { text, .. } => on_own_lines(out, |out| out.push_str(text)),
        }
    }
}

fn on_own_lines(out: &mut String, write: impl FnOnce(&mut String)) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    write(out);
    if !out.ends_with('\n') {
        out.push('\n');
    }
}
