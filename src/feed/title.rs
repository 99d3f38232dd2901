//! Titles, which Telegram's posts do not have: the first line that says something, or what the post is.

use unicode_segmentation::UnicodeSegmentation;

use super::{
    Labels, Settings, Spoilers, calendar, clean, inline,
    kind::{Kind, clock, main_kind, of_part},
    sentence::sentence_ends,
};
use crate::model::{Inline, Part, Post, plain_text};

/// Longest title of a post without text where titles from the text are switched off.
const USUAL_LENGTH: usize = 100;

/// The title of a post; `None` only where titles from the text are switched off and it has text.
pub(super) fn title(post: &Post, settings: &Settings) -> Option<String> {
    let length = settings.title_length;
    let Some(line) = best_line(post, settings) else {
        return Some(cut(&of_kind(post, settings), if length == 0 { USUAL_LENGTH } else { length }));
    };
    match line {
        _ if length == 0 => None,
        Line::Of { words, .. } if settings.title_symbol => {
            Some(cut(&format!("{} {words}", main_kind(post).symbol()), length))
        }
        Line::Of { words, .. } | Line::Named(words) => Some(cut(&words, length)),
    }
}

/// What an item is called in a format that must have a title, when it shall have none.
pub(super) fn kind_name(post: &Post, labels: Labels) -> String {
    main_kind(post).name(labels).to_owned()
}

/// At most `limit` characters as a reader counts them, on whole words, a missing rest shown as `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    let ends = text.grapheme_indices(true).map(|(start, grapheme)| start + grapheme.len());
    let ends: Vec<usize> = ends.take(limit + 1).collect();
    if ends.len() <= limit {
        return text.to_owned();
    }
    if let Some(sentences) = whole_sentences(text, &ends[..limit]) {
        return sentences.to_owned();
    }
    let room = &ends[..limit.saturating_sub(1)];
    let longest = room.last().copied().unwrap_or_default();
    let words = text.split_word_bound_indices().map(|(start, _)| start).take_while(|start| *start <= longest);
    let end = words.filter(|start| room.binary_search(start).is_ok()).last().unwrap_or(longest);
    let kept = text[..end].trim_end_matches(|c: char| c.is_whitespace() || "-–—,;:([{«\"'#@/&.".contains(c));
    let kept = if kept.is_empty() { &text[..end] } else { kept };
    if limit == 0 { String::new() } else { format!("{kept}…") }
}

/// The sentences that fit, unless they leave most of the room empty.
fn whole_sentences<'t>(text: &'t str, ends: &[usize]) -> Option<&'t str> {
    let enough = ends[ends.len() / 3];
    let fits = |end: &usize| *end >= enough && ends.binary_search(end).is_ok();
    let longest = ends.last().copied()?;
    sentence_ends(text, longest).take_while(|end| *end <= longest).filter(fits).last().map(|end| &text[..end])
}

/// What a title is made of.
enum Line {
    /// The text's own.
    Of { words: String, telling: Telling },
    /// What the post holds is called, behind its symbol or the text's emoji.
    Named(String),
}

/// How much a line tells, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Telling {
    Words,
    Hashtags,
    /// A number, a date, a time.
    Figures,
    /// Signs, emoji.
    Signs,
    Address,
}

/// The first line of words; where there is none, what the post holds by its name, else the first line of the most telling
/// sort. Emoji that stand alone on the first line stay in front.
fn best_line(post: &Post, settings: &Settings) -> Option<Line> {
    let text = readable_text(post, settings.spoilers);
    let mut lines = text.lines().map(clean::title_line).filter(|line| is_visible(line)).peekable();
    let emoji = lines.peek().filter(|line| is_emoji(line)).cloned();
    let told = lines.map(|words| Line::Of { telling: telling(&words), words });
    let best = told.min_by_key(|line| if let Line::Of { telling, .. } = line { *telling } else { Telling::Words })?;
    let in_front = |words: &str| emoji.as_ref().map(|emoji| format!("{emoji} {words}"));
    match best {
        Line::Of { words, telling: Telling::Words } => {
            Some(Line::Of { words: in_front(&words).unwrap_or(words), telling: Telling::Words })
        }
        less => Some(match named(post) {
            Some((kind, name)) => Line::Named(in_front(&name).unwrap_or_else(|| called(kind, &name, settings.labels))),
            None => less,
        }),
    }
}

/// The first part of the post that has a name of its own, and that name.
fn named(post: &Post) -> Option<(Kind, String)> {
    let is_named = |part: &&Part| !matches!(part, Part::Video(_) | Part::Voice(_));
    let names = post.parts.iter().filter(is_named).map(|part| (of_part(part), detail(part)));
    names.filter(|(_, name)| !name.is_empty()).find_map(|(kind, name)| Some((kind?, name)))
}

/// The text of a post as a title or summary may show it: what a spoiler hides stays hidden.
pub(super) fn readable_text(post: &Post, spoilers: Spoilers) -> String {
    let mut out = String::new();
    for part in &post.parts {
        match part {
            Part::Text(text) | Part::Unknown(text) if spoilers == Spoilers::Text => out += &plain_text(&parted(text)),
            Part::Text(text) | Part::Unknown(text) => out += &plain_text(&parted(&inline::masked(text))),
            Part::Withheld(withheld) => out += &withheld.excerpt,
            _ => continue,
        }
        out.push('\n');
    }
    out
}

fn telling(line: &str) -> Telling {
    let is_address = |word: &str| word.contains("://") || word.starts_with("t.me/") || word.starts_with("www.");
    let mut words = line.split(' ').filter(|word| word.chars().any(char::is_alphanumeric)).peekable();
    if words.peek().is_none() {
        Telling::Signs
    } else if words.clone().all(is_address) {
        Telling::Address
    } else if words.clone().all(|word| word.starts_with('#')) {
        Telling::Hashtags
    } else if words.all(calendar::is_of_date) {
        Telling::Figures
    } else {
        Telling::Words
    }
}

/// Pictures and nothing else: no rules of dashes, no bullets.
fn is_emoji(line: &str) -> bool {
    let is_picture = |c: char| matches!(c, '\u{231a}'..='\u{24ff}' | '\u{25aa}'..='\u{27bf}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}');
    let joins = |c: char| matches!(c, '\u{200d}' | '\u{20e3}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}' | ' ');
    line.chars().any(is_picture) && line.chars().all(|c| is_picture(c) || joins(c))
}

fn is_visible(line: &str) -> bool {
    line.chars().any(|c| {
        !c.is_whitespace() && !matches!(c, '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{3164}' | '\u{2800}')
    })
}

/// What a link's looks part from the word beside it is parted by a space where it has no looks.
fn parted(text: &[Inline]) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::new();
    for inline in text {
        let is_link = |inline: &Inline| matches!(inline, Inline::Link { .. });
        if let Some(before) = out.last()
            && (is_link(before) || is_link(inline))
            && plain_text(std::slice::from_ref(before)).ends_with(char::is_alphanumeric)
            && plain_text(std::slice::from_ref(inline)).starts_with(char::is_alphanumeric)
        {
            out.push(Inline::Text(" ".to_owned()));
        }
        out.push(inline.clone());
    }
    out
}

/// `🖼 3`, `▶ 0:27`, `📊 question`, and whom it is from if it was forwarded.
fn of_kind(post: &Post, settings: &Settings) -> String {
    let photos = post.parts.iter().filter(|part| matches!(part, Part::Photo(_))).count();
    let mut pieces: Vec<String> = Vec::new();
    let mut photos_named = false;
    for part in &post.parts {
        let photo = matches!(part, Part::Photo(_));
        if photo && photos_named {
            continue;
        }
        photos_named |= photo;
        let Some(kind) = of_part(part) else { continue };
        let detail = if photo && photos > 1 { photos.to_string() } else { detail(part) };
        pieces.push(called(kind, &detail, settings.labels));
    }
    if let Some(forward) = &post.forward {
        pieces.push(called(Kind::Forward, &clean::neutral(&clean::name(&forward.name)), settings.labels));
    }
    if pieces.is_empty() {
        pieces.push(main_kind(post).name(settings.labels).to_owned());
    }
    pieces.join(" ")
}

fn called(kind: Kind, detail: &str, labels: Labels) -> String {
    let name = kind.name(labels);
    match labels {
        _ if detail.is_empty() => name.to_owned(),
        Labels::Symbols => format!("{name} {detail}"),
        Labels::English | Labels::Russian => format!("{name}: {detail}"),
    }
}

/// What a part is called or holds, in one line; empty for text and for what has no name.
pub(super) fn detail(part: &Part) -> String {
    let duration = |seconds: Option<u32>| seconds.map(clock).unwrap_or_default();
    let text = match part {
        Part::Video(video) => duration(video.duration_seconds),
        Part::Voice(voice) => duration(voice.duration_seconds),
        Part::Document(document) if document.audio && !document.extra.is_empty() => {
            format!("{} – {}", document.title, document.extra)
        }
        Part::Document(document) => document.title.clone(),
        Part::Location(location) => location.title.clone(),
        Part::Contact(contact) => contact.name.clone(),
        Part::Poll(poll) => plain_text(&poll.question),
        Part::Preview(preview) if preview.title.is_empty() && preview.site.is_empty() => {
            preview.href.clone().unwrap_or_default()
        }
        Part::Preview(preview) if preview.title.is_empty() => preview.site.clone(),
        Part::Preview(preview) => preview.title.clone(),
        Part::Game(game) => game.title.clone(),
        Part::Invoice(invoice) => invoice.title.clone(),
        Part::Photo(_) | Part::Sticker(_) | Part::Withheld(_) | Part::Text(_) | Part::Unknown(_) => String::new(),
    };
    clean::neutral(&clean::name(&text))
}
