//! The chapters of what is heard, where the post lists times, as in `0:00 Intro`; and their document (version 1.2.0 of
//! podcastindex.org's JSON chapters). Pure.

use serde::Serialize;

use super::{Settings, clean, title::readable_text};
use crate::model::{Part, Post};

/// The media type of their document.
pub const CHAPTERS: &str = "application/json+chapters";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    #[serde(rename = "startTime")]
    pub start_seconds: u32,
    /// One line of plain text.
    pub title: String,
}

/// The post's, if it lists at least two in the order of their times, and its first voice is as long as that.
pub fn chapters(post: &Post, settings: &Settings) -> Vec<Chapter> {
    let voice = post.parts.iter().find_map(|part| if let Part::Voice(voice) = part { Some(voice) } else { None });
    let Some(voice) = voice else { return Vec::new() };
    let text = readable_text(post, settings.spoilers);
    let found: Vec<Chapter> = text.lines().filter_map(chapter).collect();
    let ascends = found.is_sorted_by(|one, next| one.start_seconds < next.start_seconds);
    let fits = found.last().is_some_and(|last| voice.duration_seconds.is_none_or(|end| last.start_seconds <= end));
    if found.len() > 1 && ascends && fits { found } else { Vec::new() }
}

/// As bytes of JSON.
pub fn write_chapters(chapters: &[Chapter]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Document<'a> {
        version: &'static str,
        chapters: &'a [Chapter],
    }
    serde_json::to_vec(&Document { version: "1.2.0", chapters }).expect("strings and numbers are always JSON")
}

/// Of a line that begins with a time, or with the first and the last, whatever brackets and bullets stand around them.
fn chapter(line: &str) -> Option<Chapter> {
    let (start_seconds, rest) = time(line)?;
    let title = time(rest).map_or(rest, |(_, rest)| rest);
    let title = clean::title_line(title.trim_start_matches(is_sign));
    (!title.is_empty()).then_some(Chapter { start_seconds, title })
}

fn is_sign(c: char) -> bool {
    !c.is_alphanumeric() && !"«“„\"'‘#@$€".contains(c)
}

/// The time at the beginning in seconds, `M:SS` or `H:MM:SS`, and what follows it.
fn time(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_start_matches(is_sign);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(text.len());
    let time = text[..end].trim_end_matches(':');
    let rest = &text[time.len()..];
    let figures: Option<Vec<u32>> = time.split(':').map(|figure| figure.parse().ok()).collect();
    let has_two_digits = time.split(':').skip(1).all(|figure| figure.len() == 2);
    let seconds = match figures?.as_slice() {
        [minutes @ ..1000, seconds @ ..60] => minutes * 60 + seconds,
        [hours @ ..100, minutes @ ..60, seconds @ ..60] => (hours * 60 + minutes) * 60 + seconds,
        _ => return None,
    };
    // `5:00pm` is no place in a recording.
    (has_two_digits && !rest.starts_with(char::is_alphanumeric)).then_some((seconds, rest))
}
