//! Links that pages make: of the addresses and names in a channel's description, and of hashtags to the posts here that
//! bear them.

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::Regex;

use super::archive::tag;
use crate::model::Channel;

/// A piece of a line, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub href: Option<String>,
}

/// Addresses and `@names`, where no letter stands before them.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    let address = r#"(?i:https?://|www\.|t\.me/|telegram\.me/)[^\s<>"]+"#;
    Regex::new(&format!(r"(^|[^\w@./:-])({address}|@[A-Za-z]\w{{3,31}})")).expect("a test reads it")
});

/// The line with its addresses and names as links.
pub fn linked(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut push = |text: &str, href: Option<String>| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), href });
        }
    };
    let (mut end, mut from) = (0, 0);
    while let Some(found) = LINK.captures_at(line, from).and_then(|found| found.get(2)) {
        let text = without_punctuation(found.as_str());
        let stop = found.start() + text.len();
        push(&line[end..found.start()], None);
        push(text, Some(address(text)));
        (end, from) = (stop, stop);
    }
    push(&line[end..], None);
    pieces
}

fn address(text: &str) -> String {
    match text.strip_prefix('@') {
        Some(name) => format!("https://t.me/{name}"),
        None if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) => text.to_owned(),
        None => format!("https://{text}"),
    }
}

/// Without what ends the sentence or closes the bracket around an address.
fn without_punctuation(text: &str) -> &str {
    let mut text = text;
    while let Some(last) = text.chars().next_back() {
        let closes = match last {
            ')' => text.matches('(').count() < text.matches(')').count(),
            '.' | ',' | ';' | ':' | '!' | '?' | '»' | '”' | '"' | '\'' | '…' | ']' => true,
            _ => false,
        };
        if !closes {
            break;
        }
        text = &text[..text.len() - last.len_utf8()];
    }
    text
}

/// `html` with the links of the `channel`'s hashtags, which lead to a search on Telegram, leading to its posts here.
pub fn with_own_tags(html: &str, channel: &Channel) -> String {
    const BEGIN: &str = "href=\"https://t.me/s/";
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(BEGIN) {
        let value = at + BEGIN.len();
        let end = rest[value..].find('"').map_or(rest.len(), |end| value + end);
        let own = own_tag(&rest[value..end], channel);
        out += &rest[..at];
        match own {
            Some(name) => out += &format!("href=\"{}", tag(&name).href),
            None => out += &rest[at..end],
        }
        rest = &rest[end..];
    }
    out + rest
}

/// Of `NAME?q=%23tag`, if the name is the channel's.
fn own_tag(address: &str, channel: &Channel) -> Option<String> {
    let (name, tag) = address.split_once("?q=%23")?;
    let tag = percent_decode_str(tag).decode_utf8().ok()?;
    let is_word = |tag: &str| !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    (channel.bears(name) && is_word(&tag)).then(|| tag.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_links_and_what_looks_like_them_is_not() {
        let links = |line: &str| {
            let pieces = linked(line);
            assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), line);
            pieces.into_iter().filter_map(|piece| Some((piece.text, piece.href?))).collect::<Vec<_>>()
        };
        let pair = |text: &str, href: &str| (text.to_owned(), href.to_owned());
        for (line, found) in [
            ("Ads: @kettle_ads.", vec![pair("@kettle_ads", "https://t.me/kettle_ads")]),
            (
                "(https://example.org/a_(b)?c=d)",
                vec![pair("https://example.org/a_(b)?c=d", "https://example.org/a_(b)?c=d")],
            ),
            (
                "t.me/kettle, www.example.org!",
                vec![pair("t.me/kettle", "https://t.me/kettle"), pair("www.example.org", "https://www.example.org")],
            ),
            ("@one@two me@example.org @x not.me/kettle", vec![]),
            ("@kettle @teapot", vec![pair("@kettle", "https://t.me/kettle"), pair("@teapot", "https://t.me/teapot")]),
            ("HTTP://EXAMPLE.ORG", vec![pair("HTTP://EXAMPLE.ORG", "HTTP://EXAMPLE.ORG")]),
            ("", vec![]),
        ] {
            assert_eq!(links(line), found, "{line}");
        }
    }
}
