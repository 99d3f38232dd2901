//! Formatted text, in the shapes that Telegram knows.

use serde::{Deserialize, Serialize};

use super::{Part, Time};

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
    /// Level 1 is the largest, 6 the smallest.
    Heading {
        level: u8,
        text: Vec<Inline>,
    },
    List(Vec<ListItem>),
    Table {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        caption: Vec<Inline>,
        rows: Vec<Vec<Cell>>,
    },
    /// A fold of the author's own.
    Details {
        summary: Vec<Inline>,
        text: Vec<Inline>,
    },
    /// A line across the text.
    Rule,
    /// A picture, film, sound or the like that stands within the text.
    Figure {
        part: Box<Part>,
        /// What it shows, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        alt: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        caption: Vec<Inline>,
    },
    /// An instant. The words that upstream shows for it ("in 3 hours") pass, and are not kept.
    Date(Time),
    /// A text and how it is read.
    Ruby {
        text: Vec<Inline>,
        reading: Vec<Inline>,
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
    Subscript,
    Superscript,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListItem {
    pub marker: Marker,
    /// Of a checklist: whether it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
    pub text: Vec<Inline>,
}

/// What stands in front of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marker {
    Bullet,
    Number(i64),
    /// Nothing: a word that is explained.
    Term,
    /// Nothing: the explanation of the term before it.
    Definition,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub header: bool,
    /// How many columns and rows it takes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub columns: u16,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub rows: u16,
    pub text: Vec<Inline>,
}

fn one() -> u16 {
    1
}

fn is_one(number: &u16) -> bool {
    *number == 1
}

impl Inline {
    /// The runs directly within, in order.
    pub fn runs(&self) -> Vec<&[Inline]> {
        match self {
            Self::Text(_) | Self::Break | Self::Hashtag { .. } | Self::Pre { .. } | Self::Rule | Self::Date(_) => {
                vec![]
            }
            Self::Styled(_, text)
            | Self::Link { text, .. }
            | Self::Quote { text, .. }
            | Self::Heading { text, .. }
            | Self::Figure { caption: text, .. } => vec![text],
            Self::Details { summary: one, text: other } | Self::Ruby { text: one, reading: other } => vec![one, other],
            Self::List(items) => items.iter().map(|item| item.text.as_slice()).collect(),
            Self::Table { caption, rows } => {
                let cells = rows.iter().flatten().map(|cell| cell.text.as_slice());
                std::iter::once(caption.as_slice()).chain(cells).collect()
            }
        }
    }

    /// As [`Inline::runs`], to be changed.
    pub fn runs_mut(&mut self) -> Vec<&mut Vec<Inline>> {
        match self {
            Self::Text(_) | Self::Break | Self::Hashtag { .. } | Self::Pre { .. } | Self::Rule | Self::Date(_) => {
                vec![]
            }
            Self::Styled(_, text)
            | Self::Link { text, .. }
            | Self::Quote { text, .. }
            | Self::Heading { text, .. }
            | Self::Figure { caption: text, .. } => vec![text],
            Self::Details { summary: one, text: other } | Self::Ruby { text: one, reading: other } => vec![one, other],
            Self::List(items) => items.iter_mut().map(|item| &mut item.text).collect(),
            Self::Table { caption, rows } => {
                let cells = rows.iter_mut().flatten().map(|cell| &mut cell.text);
                std::iter::once(caption).chain(cells).collect()
            }
        }
    }

    /// Whether it stands on lines of its own.
    pub fn is_block(&self) -> bool {
        match self {
            Self::Text(_) | Self::Break | Self::Hashtag { .. } | Self::Date(_) | Self::Ruby { .. } => false,
            Self::Styled(_, text) | Self::Link { text, .. } => text.iter().any(Self::is_block),
            _ => true,
        }
    }
}

/// The parts that stand within `text` for all to see: not those that a spoiler hides.
pub(super) fn figures<'t>(text: &'t [Inline], found: &mut Vec<&'t Part>) {
    for inline in text {
        match inline {
            Inline::Styled(Style::Spoiler, _) => {}
            Inline::Figure { part, .. } => found.push(part),
            other => other.runs().into_iter().for_each(|run| figures(run, found)),
        }
    }
}

/// `2026-11-21 22:33 UTC`: an instant in plain text, of no language.
pub fn plain_time(time: Time) -> String {
    let form = if time.timestamp() % 60 == 0 { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    time.format(form).to_string()
}

/// Plain characters as a run, `\n` as a break.
pub fn unformatted(text: &str) -> Vec<Inline> {
    let mut run = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            run.push(Inline::Break);
        }
        if !line.is_empty() {
            run.push(Inline::Text(line.to_owned()));
        }
    }
    run
}

/// The characters of `text`, breaks as `\n`, blocks on lines of their own, items behind their bullets and numbers,
/// the cells of a row parted by ` | `.
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
            Inline::Styled(style @ (Style::Subscript | Style::Superscript), inner) => {
                out.push_str(&shifted(*style, &plain_text(inner)));
            }
            Inline::Styled(_, inner) | Inline::Link { text: inner, .. } => append_plain(inner, out),
            Inline::Hashtag { tag, .. } => out.push_str(tag),
            Inline::Quote { text: inner, .. } | Inline::Heading { text: inner, .. } => {
                on_own_lines(out, |out| append_plain(inner, out));
            }
            Inline::Pre { text, .. } => on_own_lines(out, |out| out.push_str(text)),
            Inline::List(items) => items.iter().for_each(|item| on_own_lines(out, |out| append_item(item, out))),
            Inline::Table { caption, rows } => append_table(caption, rows, out),
            Inline::Details { summary, text } => {
                on_own_lines(out, |out| append_plain(summary, out));
                on_own_lines(out, |out| append_plain(text, out));
            }
            Inline::Rule => on_own_lines(out, |_| {}),
            Inline::Figure { alt, caption, .. } => {
                on_own_lines(out, |out| out.push_str(alt));
                on_own_lines(out, |out| append_plain(caption, out));
            }
            Inline::Date(time) => out.push_str(&plain_time(*time)),
            Inline::Ruby { text, reading } => {
                append_plain(text, out);
                *out += &format!("({})", plain_text(reading));
            }
        }
    }
}

/// Nothing where `write` writes nothing but the end of a line that was begun.
fn on_own_lines(out: &mut String, write: impl FnOnce(&mut String)) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let before = out.len();
    write(out);
    if out.len() > before && !out.ends_with('\n') {
        out.push('\n');
    }
}

fn append_item(item: &ListItem, out: &mut String) {
    let sign = match (item.done, item.marker) {
        (_, Marker::Number(number)) => format!("{number}. "),
        (Some(_), _) | (None, Marker::Term) => String::new(),
        (None, Marker::Definition) => "  ".to_owned(),
        (None, Marker::Bullet) => "• ".to_owned(),
    };
    out.push_str(&sign);
    out.push_str(item.done.map_or("", done_mark));
    for (number, line) in plain_text(&item.text).lines().enumerate() {
        if number > 0 {
            out.push_str("\n  ");
        }
        out.push_str(line);
    }
}

/// In front of an item of a checklist.
pub fn done_mark(done: bool) -> &'static str {
    if done { "☑ " } else { "☐ " }
}

fn append_table(caption: &[Inline], rows: &[Vec<Cell>], out: &mut String) {
    on_own_lines(out, |out| append_plain(caption, out));
    for row in rows {
        let cell = |cell: &Cell| plain_text(&cell.text).split_whitespace().collect::<Vec<_>>().join(" ");
        let line = row.iter().map(cell).collect::<Vec<_>>().join(" | ");
        on_own_lines(out, |out| out.push_str(line.trim_end()));
    }
}

const RAISED: [(&str, &str); 2] =
    [("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ"), ("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")];

/// `x²` where there are such characters, `x^(ab)` where figures would run together without, else as it is: `1st`.
fn shifted(style: Style, text: &str) -> String {
    let (sign, (plain, moved)) = if style == Style::Superscript { ('^', RAISED[0]) } else { ('_', RAISED[1]) };
    let one = |c: char| plain.chars().position(|known| known == c).and_then(|at| moved.chars().nth(at));
    match text.chars().map(one).collect::<Option<String>>() {
        Some(shifted) => shifted,
        None if text.chars().any(|c| c.is_numeric() || plain.contains(c)) => format!("{sign}({text})"),
        None => text.to_owned(),
    }
}
