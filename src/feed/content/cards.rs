//! Places, people, polls, previews and the like in a body.

use super::{figures, symbol};
use crate::{
    feed::{Settings, inline, kind::Kind, markup::Html},
    model::{Contact, Game, Invoice, Location, MediaUrl, Poll, Preview, Video, VideoKind, Withheld},
};

pub(super) fn location(html: &mut Html, location: &Location) {
    let href = location.href.as_deref();
    html.element("figure", |html| {
        if let Some(map) = &location.map {
            html.link(href, |html| html.image(map, Kind::Location.symbol(), None, None));
        }
        html.block("figcaption", |html| {
            html.link(href, |html| {
                html.text(Kind::Location.symbol());
                if !location.title.is_empty() {
                    html.text(" ");
                    html.name(&location.title);
                }
            });
            on_next_line(html, &location.address);
        });
    });
}

pub(super) fn contact(html: &mut Html, contact: &Contact) {
    html.paragraph(|html| {
        symbol(html, Kind::Contact);
        html.link(contact.href.as_deref(), |html| html.name(&contact.name));
        if !contact.phone.is_empty() {
            html.text(" ");
            let digits = contact.phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>();
            html.link(Some(&format!("tel:{digits}")), |html| html.name(&contact.phone));
        }
    });
}

/// Voters are a counter and stay out; percentages are what a poll is read for.
pub(super) fn poll(html: &mut Html, poll: &Poll) {
    html.paragraph(|html| {
        symbol(html, Kind::Poll);
        html.element("b", |html| inline::phrase(html, &poll.question));
        on_next_line(html, &poll.kind);
    });
    html.block("ul", |html| {
        for option in &poll.options {
            html.element("li", |html| {
                inline::phrase(html, &option.text);
                if let Some(percent) = option.percent {
                    html.text(&format!(" {percent}%"));
                }
                if option.correct == Some(true) {
                    html.text(" ✓");
                }
            });
        }
    });
}

/// A picture without words is itself the link; a card without either shows its address.
pub(super) fn preview(html: &mut Html, preview: &Preview, settings: &Settings) {
    let href = preview.href.as_deref();
    let address = href.map_or_else(|| Kind::Link.symbol().to_owned(), short);
    let nameless = preview.site.is_empty() && preview.title.is_empty();
    html.element("blockquote", |html| {
        if !nameless {
            html.paragraph(|html| heading(html, preview));
        } else if preview.image.is_none() {
            html.paragraph(|html| html.link(href, |html| html.text(&address)));
        }
        inline::blocks(html, &preview.description, settings.spoilers);
        if let Some(image) = &preview.image {
            let picture = |html: &mut Html, words: &str| html.image(&image.url, words, image.width, image.height);
            html.element("figure", |html| {
                if nameless { html.link(href, |html| picture(html, &address)) } else { picture(html, "") }
            });
        }
        if let Some(video) = &preview.video {
            figures::video(html, video, href.unwrap_or_default(), settings.labels);
        }
        if let Some(embed) = &preview.embed {
            html.paragraph(|html| html.link(Some(embed), |html| html.text(Kind::Video.symbol())));
        }
    });
}

fn heading(html: &mut Html, preview: &Preview) {
    let href = preview.href.as_deref();
    if preview.title.is_empty() {
        return html.link(href, |html| html.name(&preview.site));
    }
    html.name(&preview.site);
    if !preview.site.is_empty() {
        html.open("br");
    }
    html.link(href, |html| html.element("b", |html| html.name(&preview.title)));
}

/// An address as people write it.
fn short(address: &str) -> String {
    let bare = address.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    if bare.is_empty() { address.to_owned() } else { bare.to_owned() }
}

pub(super) fn game(html: &mut Html, game: &Game, settings: &Settings) {
    headed(html, Kind::Game, &game.title, game.href.as_deref());
    inline::blocks(html, &game.text, settings.spoilers);
    match &game.video {
        Some(url) => {
            let film =
                Video { kind: VideoKind::Gif, url: Some(url.clone()), poster: game.image.clone(), ..Video::default() };
            figures::video(html, &film, game.href.as_deref().unwrap_or_default(), settings.labels);
        }
        None => picture(html, game.image.as_ref()),
    }
}

pub(super) fn invoice(html: &mut Html, invoice: &Invoice, settings: &Settings) {
    headed(html, Kind::Invoice, &invoice.title, None);
    inline::blocks(html, &invoice.description, settings.spoilers);
    picture(html, invoice.image.as_ref());
    let price: Vec<&str> = [&*invoice.label, &*invoice.total].into_iter().filter(|text| !text.is_empty()).collect();
    html.paragraph(|html| html.text(&price.join(" ")));
}

/// What the preview does not show can be seen in Telegram, so it leads there.
pub(super) fn withheld(html: &mut Html, withheld: &Withheld, link: &str) {
    html.paragraph(|html| {
        html.link(Some(link), |html| {
            html.text(Kind::Withheld.symbol());
            if !withheld.label.is_empty() {
                html.text(" ");
                html.text(&withheld.label);
            }
        });
    });
    inline::plain_blocks(html, &withheld.excerpt);
}

fn headed(html: &mut Html, kind: Kind, title: &str, href: Option<&str>) {
    html.paragraph(|html| {
        symbol(html, kind);
        html.link(href, |html| html.element("b", |html| html.name(title)));
    });
}

fn picture(html: &mut Html, url: Option<&MediaUrl>) {
    if let Some(url) = url {
        html.element("figure", |html| html.image(url, "", None, None));
    }
}

fn on_next_line(html: &mut Html, text: &str) {
    if !text.is_empty() {
        html.open("br");
        html.name(text);
    }
}
