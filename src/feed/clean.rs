//! What may leave in a feed: the characters, the addresses and the HTML. Knows nothing of posts.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};
use url::Url;

use crate::model::SCHEMES;

const TAGS: [&str; 44] = [
    "a",
    "audio",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "dd",
    "details",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "mark",
    "ol",
    "p",
    "picture",
    "pre",
    "rp",
    "rt",
    "ruby",
    "s",
    "source",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "time",
    "tr",
    "u",
    "ul",
    "video",
    "bdi",
];

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(builder);

/// As [`SANITIZER`], with what a browser needs and readers bring along.
static PAGE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = builder();
    builder
        .set_tag_attribute_value("img", "loading", "lazy")
        .set_tag_attribute_value("video", "controls", "")
        .set_tag_attribute_value("video", "playsinline", "")
        .set_tag_attribute_value("audio", "controls", "")
        .link_rel(Some("noopener noreferrer"));
    builder
});

fn builder() -> Builder<'static> {
    let attributes: HashMap<&str, HashSet<&str>> = HashMap::from([
        ("a", HashSet::from(["href"])),
        ("code", HashSet::from(["class"])),
        ("li", HashSet::from(["value"])),
        ("ol", HashSet::from(["start"])),
        ("td", HashSet::from(["colspan", "rowspan"])),
        ("th", HashSet::from(["colspan", "rowspan"])),
        ("time", HashSet::from(["datetime"])),
        ("img", HashSet::from(["src", "srcset", "alt", "width", "height"])),
        ("source", HashSet::from(["srcset", "type"])),
        ("audio", HashSet::from(["src", "preload"])),
        ("video", HashSet::from(["src", "poster", "width", "height", "autoplay", "loop", "muted", "preload"])),
    ]);
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["dir"]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .attribute_filter(|_, attribute, value| {
            let harmless = ["https://", "http://", "data:image/svg+xml;base64,"];
            let kept = match attribute {
                "srcset" => harmless.iter().any(|start| value.starts_with(start)),
                "class" => value.starts_with("language-"),
                _ => true,
            };
            kept.then_some(value.into())
        })
        .link_rel(None);
    builder
}

/// The content of an item as a page shows it: players with their controls and in their place, pictures loaded when they come into sight.
pub fn for_page(content: &str) -> String {
    PAGE.clean(content).to_string()
}

/// Lets only the elements, attributes and addresses through that the feeds use. What [`super::markup::Html`] writes
/// comes out unchanged; this is the second lock on the door.
pub(super) fn sanitize(html: &str) -> String {
    let clean = SANITIZER.clean(html).to_string();
    // The serializer names the one character that XML has no name for.
    if clean.contains("&nbsp;") { clean.replace("&nbsp;", "\u{a0}") } else { clean }
}

/// Whether XML 1.0 allows and recommends the character (2.2): no controls but tab and line feed, no non-characters,
/// and not U+FFFD, which only says that something was lost.
fn is_allowed(character: char) -> bool {
    match character {
        '\t' | '\n' => true,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{ffff}' => false,
        other => u32::from(other) & 0xfffe != 0xfffe,
    }
}

/// `text` without the characters that XML forbids or discourages.
pub(super) fn scrub(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_allowed) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_allowed(*c)).collect())
    }
}

/// An address fit for a link in a body: absolute, of a known scheme, otherwise as it was written.
pub(super) fn address(text: &str) -> Option<String> {
    let scrubbed = scrub(text);
    let address = scrubbed.trim().replace(['\t', '\n'], "").replace(' ', "%20");
    let scheme = Url::parse(&address).ok()?.scheme().to_owned();
    SCHEMES.contains(&scheme.as_str()).then_some(address)
}

/// An address fit for an element of a feed, where validators want http and RFC 2396's characters alone.
pub(super) fn web_address(text: &str) -> Option<String> {
    let address = address(text)?;
    let parsed = Url::parse(&address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let address = if address.bytes().all(is_uri_byte) { address } else { parsed.into() };
    Some(
        address
            .bytes()
            .map(|byte| if is_uri_byte(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect(),
    )
}

fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b";/?:@&=+$.-_!~*'()%,#".contains(&byte)
}

/// Plain text on one line: whitespace squeezed, invisible characters gone.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = scrub(text).chars().filter(|c| !is_invisible(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name from outside: on one line, without any sign that turns the direction of what stands around it.
pub(super) fn name(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}');
    one_line(text).chars().filter(|c| !turns(*c)).collect()
}

/// As [`one_line`], without anything that a reader which takes every title for HTML would swallow.
pub(super) fn title_line(text: &str) -> String {
    neutral(&one_line(text))
}

/// Zero-width characters, soft hyphens and bidirectional embeddings, which bleed when a text is cut. The joiners
/// U+200C and U+200D stay: Persian and emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Replaces by look-alikes what reads as a tag or as a character reference: `Vec<u8>` becomes `Vec‹u8›`, while `S&P 500`
/// stays. RSS never said whether a title is text or HTML, and no escaping is right in all readers.
pub(super) fn neutral(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let after = rest.as_str();
        let next = after.chars().next();
        out.push(match (character, next) {
            ('<', Some(next)) if next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?') => '‹',
            ('>', _) if out.contains('‹') => '›',
            ('&', _) if reads_as_reference(after) => '＆',
            (other, _) => other,
        });
    }
    out
}

/// Names of characters that HTML takes without a semicolon, whatever follows (HTML, 13.5).
const BARE_NAMES: &str = "AElig AMP Aacute Acirc Agrave Aring Atilde Auml COPY Ccedil ETH Eacute Ecirc Egrave Euml GT \
     Iacute Icirc Igrave Iuml LT Ntilde Oacute Ocirc Ograve Oslash Otilde Ouml QUOT REG THORN Uacute Ucirc Ugrave Uuml \
     Yacute aacute acirc acute aelig agrave amp aring atilde auml brvbar ccedil cedil cent copy curren deg divide eacute \
     ecirc egrave eth euml frac12 frac14 frac34 gt iacute icirc iexcl igrave iquest iuml laquo lt macr micro middot nbsp \
     not ntilde oacute ocirc ograve ordf ordm oslash otilde ouml para plusmn pound quot raquo reg sect shy sup1 sup2 sup3 \
     szlig thorn times uacute ucirc ugrave uml uuml yacute yen yuml";

/// Whether an ampersand before `after` begins a character reference.
fn reads_as_reference(after: &str) -> bool {
    if let Some(number) = after.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']);
        return hexadecimal.unwrap_or(number).starts_with(|c: char| match hexadecimal {
            Some(_) => c.is_ascii_hexdigit(),
            None => c.is_ascii_digit(),
        });
    }
    let name = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let is_name = after.len() > name.len() && after.starts_with(|c: char| c.is_ascii_alphabetic());
    is_name && name.starts_with(';') || BARE_NAMES.split_whitespace().any(|name| after.starts_with(name))
}
