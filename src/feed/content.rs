//! A post's body: its parts as HTML, in the order of the page, each visible piece once and nothing that the post
//! does not show. Of no language: where a word would be needed a symbol stands. Knows nothing of formats.

mod cards;
mod figures;

use super::{Settings, clean, destination, inline, kind::Kind, markup::Html};
use crate::model::{Button, Forward, Part, Post, Preview, Reaction, Reply};

/// The body of `post`, sanitized and never empty. `link` is the post's own address.
pub(super) fn render(post: &Post, link: &str, settings: &Settings) -> String {
    let mut html = Html::default();
    head(&mut html, post, settings);
    for part in post.parts.iter().filter(|part| !is_said(part, post)) {
        write_part(&mut html, part, link, settings);
    }
    buttons(&mut html, &post.buttons);
    if settings.reactions {
        reactions(&mut html, &post.reactions);
    }
    if html.len() == 0 {
        let kind = if post.service { Kind::Service } else { Kind::Link };
        html.paragraph(|html| html.link(Some(link), |html| html.text(kind.symbol())));
    }
    clean::sanitize(&html.finish())
}

/// A card that holds nothing but the address to which a word of the text leads says nothing that is not said.
fn is_said(part: &Part, post: &Post) -> bool {
    let Part::Preview(Preview { href: Some(href), site, title, description, image: None, video: None, embed: None }) =
        part
    else {
        return false;
    };
    site.is_empty() && title.is_empty() && description.is_empty() && destination::in_text(post).contains(&href.as_str())
}

fn write_part(html: &mut Html, part: &Part, link: &str, settings: &Settings) {
    match part {
        Part::Text(text) | Part::Unknown(text) => inline::blocks(html, text, settings.spoilers),
        Part::Photo(photo) => figures::photo(html, photo, link, settings.labels),
        Part::Video(video) => figures::video(html, video, link, settings.labels),
        Part::Voice(voice) => figures::voice(html, voice, link, settings.labels),
        Part::Document(document) => figures::document(html, document),
        Part::Sticker(sticker) => figures::sticker(html, sticker),
        Part::Location(location) => cards::location(html, location),
        Part::Contact(contact) => cards::contact(html, contact),
        Part::Poll(poll) => cards::poll(html, poll),
        Part::Preview(preview) => cards::preview(html, preview, settings),
        Part::Game(game) => cards::game(html, game, settings),
        Part::Invoice(invoice) => cards::invoice(html, invoice, settings),
        Part::Withheld(withheld) => cards::withheld(html, withheld, link),
    }
}

/// A medium within the words of a post.
pub(super) fn figure(html: &mut Html, part: &Part) {
    // What follows has no place of its own on Telegram.
    write_part(html, part, "", &Settings::default());
}

/// In front of the bot by whom a post was made.
const BOT: &str = "🤖";

fn head(html: &mut Html, post: &Post, settings: &Settings) {
    if let Some(forward) = &post.forward {
        html.paragraph(|html| forwarded(html, forward));
    }
    if let Some(bot) = &post.via_bot {
        let address = format!("https://t.me/{}", bot.trim_start_matches('@'));
        html.paragraph(|html| {
            html.text(BOT);
            html.text(" ");
            html.link(Some(&address), |html| html.name(bot));
        });
    }
    if let Some(reply) = &post.reply {
        html.element("blockquote", |html| answered(html, reply, settings));
    }
}

fn forwarded(html: &mut Html, forward: &Forward) {
    symbol(html, Kind::Forward);
    html.link(forward.href.as_deref(), |html| html.name(&forward.name));
    if let Some(author) = &forward.author {
        html.text(" (");
        html.name(author);
        html.text(")");
    }
}

fn answered(html: &mut Html, reply: &Reply, settings: &Settings) {
    if let Some(thumbnail) = &reply.thumbnail {
        html.image(thumbnail, "", None, None);
    }
    html.paragraph(|html| match &reply.author {
        Some(author) => {
            symbol(html, Kind::Reply);
            html.link(reply.href.as_deref(), |html| html.name(author));
        }
        None => html.link(reply.href.as_deref(), |html| html.text(Kind::Reply.symbol())),
    });
    inline::blocks(html, &reply.text, settings.spoilers);
}

fn buttons(html: &mut Html, buttons: &[Button]) {
    html.block("ul", |html| {
        for button in buttons {
            html.element("li", |html| html.link(button.href.as_deref(), |html| html.name(&button.text)));
        }
    });
}

fn reactions(html: &mut Html, reactions: &[Reaction]) {
    html.paragraph(|html| {
        for (number, reaction) in reactions.iter().enumerate() {
            if number > 0 {
                html.text(" ");
            }
            if !reaction.emoji.is_empty() {
                html.text(&reaction.emoji);
                html.text("\u{a0}");
            }
            html.text(&reaction.count);
        }
    });
}

/// A kind's symbol in front of what it is about.
fn symbol(html: &mut Html, kind: Kind) {
    html.text(kind.symbol());
    html.text(" ");
}
