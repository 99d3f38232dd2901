//! The page of a single post: its embedded form, and what the ordinary form tells of a withheld text.
//! Knows nothing of pages with several posts.

use scraper::ElementRef;

use super::{Embed, element, info, list, message, text};

pub(super) fn read(root: ElementRef) -> Embed {
    if let Some(message) = list::messages(root).find_map(message::read) {
        return Embed::Post(Box::new(message.post));
    }
    match element::first(root, "tgme_widget_message_error").map(text::line) {
        Some(words) if !is_about_channel(&words) => Embed::Missing,
        Some(words) if is_restriction(&words) => Embed::Restricted(words),
        _ => Embed::Unclear,
    }
}

/// "Channel with username @x not found", "This channel is unavailable …": no word of the post. Upstream says the same
/// to those who ask too often.
fn is_about_channel(words: &str) -> bool {
    words.to_lowercase().contains("channel")
}

/// "This channel is unavailable due to copyright infringement.", "… couldn't be displayed on your device."
fn is_restriction(words: &str) -> bool {
    let words = words.to_lowercase();
    words.contains("unavailable") || words.contains("displayed")
}

/// Upstream puts a tab for each line break, and cuts with an ellipsis.
pub(super) fn excerpt(root: ElementRef, channel_description: &str) -> Option<String> {
    let description = info::meta(root, "og:description")?.replace('\t', "\n");
    let said = description.trim();
    let words = one_line(said);
    let is_invitation = words.starts_with("You can ") && words.ends_with(" right away.");
    let beginning = words.trim_end_matches(['…', '.']).trim_end();
    if beginning.is_empty() || is_invitation || one_line(channel_description).starts_with(beginning) {
        return None;
    }
    Some(said.to_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
