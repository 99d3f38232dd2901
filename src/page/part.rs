//! Which reader takes which kind of part. Knows nothing of where the part stands, in a message or in its text.

use scraper::ElementRef;

use super::{cards, classes::Kind, media};
use crate::model::Part;

/// None for a kind that is no part, and for an element in which nothing of its kind is found.
pub(super) fn read(element: ElementRef, kind: Kind, slug: &str) -> Option<Part> {
    Some(match kind {
        Kind::Photo => Part::Photo(media::photo(element)?),
        Kind::ServicePhoto => match media::service_photo(element) {
            Some(photo) => Part::Photo(photo),
            None => Part::Video(Some(media::video(element, slug)).filter(|video| video.url.is_some())?),
        },
        Kind::Video => Part::Video(media::video(element, slug)),
        Kind::RoundVideo => Part::Video(media::round_video(element, slug)),
        Kind::Voice => Part::Voice(media::voice(element)),
        Kind::Document => Part::Document(media::document(element, slug)),
        Kind::Sticker => Part::Sticker(media::sticker(element)),
        Kind::Location => Part::Location(cards::location(element, slug)),
        Kind::Contact => Part::Contact(cards::contact(element, slug)),
        Kind::Poll => Part::Poll(cards::poll(element, slug)),
        Kind::Preview => Part::Preview(cards::preview(element, slug)),
        Kind::Game => Part::Game(cards::game(element, slug)),
        Kind::Invoice => Part::Invoice(cards::invoice(element, slug)),
        _ => return None,
    })
}
