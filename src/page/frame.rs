//! What surrounds a post's content: source, quoted post, buttons, reactions, time and the mark of an edit.
//! Knows nothing of the content.

use chrono::{DateTime, Utc};
use scraper::ElementRef;

use super::{element, media, text};
use crate::model::{Button, Forward, Reaction, Reply, Time, without_leap_second};

pub(super) fn forward(element: ElementRef, slug: &str) -> Forward {
    let name = element::first(element, "tgme_widget_message_forwarded_from_name");
    let author = element::first(element, "tgme_widget_message_forwarded_from_author");
    Forward {
        name: text::line(name.unwrap_or(element)),
        href: name.and_then(|name| element::nearest_link(name, slug)),
        author: author.map(text::line).filter(|author| !author.is_empty()),
    }
}

pub(super) fn reply(element: ElementRef, slug: &str) -> Reply {
    let said = ["js-message_reply_text", "tgme_widget_message_text", "tgme_widget_message_metatext"];
    Reply {
        href: element::nearest_link(element, slug),
        author: element::first(element, "tgme_widget_message_author_name").map(text::line),
        text: said
            .iter()
            .find_map(|class| element::first(element, class))
            .map(|said| text::formatted(said, slug))
            .unwrap_or_default(),
        thumbnail: element::first(element, "tgme_widget_message_reply_thumb").and_then(media::picture),
    }
}

/// Only a button that is a link has an address; the others speak to a bot.
pub(super) fn button(element: ElementRef, slug: &str) -> Button {
    Button { text: text::line(element), href: element::link(element, slug) }
}

/// The count is the element's own text, the emoji is in an element before it.
pub(super) fn reaction(element: ElementRef) -> Reaction {
    let emoji = match element::has(element, "tgme_reaction_paid") {
        true => "⭐".to_owned(),
        false => element.child_elements().map(|inner| text::line(inner)).collect(),
    };
    Reaction { emoji, count: own_text(element).split_whitespace().collect::<Vec<_>>().join(" ") }
}

/// The word stands beside the author and the date, so neither of these is read for it.
pub(super) fn is_marked_edited(meta: ElementRef) -> bool {
    let is_other = |inner: &ElementRef| {
        element::has(*inner, "tgme_widget_message_from_author") || element::has(*inner, "tgme_widget_message_date")
    };
    let inner = meta.child_elements().filter(|inner| !is_other(inner)).flat_map(|inner| inner.text());
    std::iter::once(own_text(meta).as_str()).chain(inner).any(|words| words.to_lowercase().contains("edited"))
}

/// The time of the first `<time>` in or below `element` that has one.
pub(super) fn time(element: ElementRef) -> Option<Time> {
    std::iter::once(element).chain(element::below(element)).filter_map(|inner| inner.attr("datetime")).find_map(instant)
}

fn instant(datetime: &str) -> Option<Time> {
    let datetime = datetime.trim();
    let parsed =
        DateTime::parse_from_rfc3339(datetime).or_else(|_| DateTime::parse_from_str(datetime, "%Y-%m-%dT%H:%M:%S%z"));
    parsed.ok().map(|time| without_leap_second(time.with_timezone(&Utc)))
}

fn own_text(element: ElementRef) -> String {
    element.children().filter_map(|child| child.value().as_text().map(|text| &**text)).collect()
}
