//! The parts of a message that are neither text nor media: link previews, polls, places, contacts, games, invoices.
//! Knows nothing of the message around them.

use scraper::ElementRef;

use super::{element, links, media, style, text};
use crate::model::{Contact, Game, Inline, Invoice, Location, Photo, Poll, PollOption, Preview};

fn line(element: ElementRef, class: &str) -> String {
    element::first(element, class).map(text::line).unwrap_or_default()
}

fn formatted(element: ElementRef, class: &str, slug: &str) -> Vec<Inline> {
    element::first(element, class).map(|inner| text::formatted(inner, slug)).unwrap_or_default()
}

pub(super) fn preview(element: ElementRef, slug: &str) -> Preview {
    let mut preview = Preview { href: element::link(element, slug), ..Preview::default() };
    for inner in element::below(element) {
        for class in element::classes(inner) {
            fill_preview(&mut preview, inner, class, slug);
        }
    }
    preview
}

/// Takes up what `element`, a piece of the card, says by its `class`.
pub(super) fn fill_preview(preview: &mut Preview, element: ElementRef, class: &str, slug: &str) {
    match class {
        "link_preview_site_name" => preview.site = text::line(element),
        "link_preview_title" => preview.title = text::line(element),
        "link_preview_description" => preview.description = text::formatted(element, slug),
        "link_preview_image" | "link_preview_right_image" if preview.image.is_none() => {
            preview.image = picture(element);
        }
        "link_preview_video_player" => preview.video = Some(media::preview_video(element).into()),
        "link_preview_embed" | "link_preview_embed_wrap" if preview.embed.is_none() => {
            let own = element.attr("src").filter(|_| element::tag(element) == "iframe");
            preview.embed = own.or_else(|| element::first_attr(element, "iframe", "src")).and_then(links::media);
        }
        _ => {}
    }
}

fn picture(element: ElementRef) -> Option<Photo> {
    let (width, height) = style::size(style::width_px(element), style::inner_ratio(element));
    media::picture(element).map(|url| Photo { url, width, height, ..Photo::default() })
}

/// The number of voters stands in the message's foot, outside the poll.
pub(super) fn poll(element: ElementRef, slug: &str) -> Poll {
    Poll {
        question: formatted(element, "tgme_widget_message_poll_question", slug),
        kind: line(element, "tgme_widget_message_poll_type"),
        options: element::all(element, "tgme_widget_message_poll_option")
            .map(|option| poll_option(option, slug))
            .collect(),
        voters: None,
    }
}

fn poll_option(element: ElementRef, slug: &str) -> PollOption {
    let bears = |class| element::own_or_first(element, class).is_some();
    let correct = if bears("tgme_widget_message_poll_option_correct") {
        Some(true)
    } else if bears("tgme_widget_message_poll_option_incorrect") {
        Some(false)
    } else {
        None
    };
    PollOption {
        text: formatted(element, "tgme_widget_message_poll_option_text", slug),
        percent: line(element, "tgme_widget_message_poll_option_percent").trim_end_matches('%').trim().parse().ok(),
        correct,
    }
}

pub(super) fn location(element: ElementRef, slug: &str) -> Location {
    Location {
        href: element::nearest_link(element, slug),
        map: element::own_or_first(element, "tgme_widget_message_location").and_then(media::picture),
        title: line(element, "tgme_widget_message_location_title"),
        address: line(element, "tgme_widget_message_location_address"),
    }
}

pub(super) fn contact(element: ElementRef, slug: &str) -> Contact {
    Contact {
        name: line(element, "tgme_widget_message_contact_name"),
        phone: line(element, "tgme_widget_message_contact_phone"),
        href: element::nearest_link(element, slug),
    }
}

pub(super) fn game(element: ElementRef, slug: &str) -> Game {
    let picture = |class| element::first(element, class).and_then(media::picture);
    Game {
        title: line(element, "tgme_widget_message_game_title"),
        text: formatted(element, "tgme_widget_message_game_text", slug),
        image: picture("tgme_widget_message_game_image"),
        video: media::film(element),
        href: element::nearest_link(element, slug),
    }
}

pub(super) fn invoice(element: ElementRef, slug: &str) -> Invoice {
    Invoice {
        title: line(element, "tgme_widget_message_invoice_title"),
        description: formatted(element, "tgme_widget_message_invoice_description", slug),
        image: element::first(element, "tgme_widget_message_invoice_image").and_then(media::picture),
        label: line(element, "tgme_widget_message_invoice_label"),
        total: line(element, "tgme_widget_message_invoice_total"),
    }
}
