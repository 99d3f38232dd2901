//! A writer of HTML that escapes. Writes the form in which HTML5 serializes, byte for byte, so that sanitizing
//! changes nothing. Knows nothing of posts.

use super::{clean, media};
use crate::model::MediaUrl;

/// HTML under construction.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes back everything after the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// Begins a start tag; [`Tag::end`] completes it.
    pub(super) fn tag(&mut self, name: &str) -> Tag<'_> {
        self.out.push('<');
        self.out.push_str(name);
        Tag { html: self }
    }

    pub(super) fn open(&mut self, name: &str) {
        self.tag(name).end();
    }

    pub(super) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    pub(super) fn text(&mut self, text: &str) {
        for character in clean::scrub(text).chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                other => self.out.push(other),
            }
        }
    }

    /// A name from outside, isolated, so that what follows is not turned round (UAX 9).
    pub(super) fn name(&mut self, name: &str) {
        let name = clean::name(name);
        self.element("bdi", |html| html.text(&name));
    }

    /// An element around what `write` writes; nothing at all if it writes nothing.
    pub(super) fn element(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        let start = self.len();
        self.open(name);
        self.unless_empty(start, name, write);
    }

    /// As [`Html::element`], with a direction taken from its text.
    pub(super) fn block(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        let start = self.len();
        self.tag(name).attribute("dir", "auto").end();
        self.unless_empty(start, name, write);
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, write: impl FnOnce(&mut Self)) {
        self.block("p", write);
    }

    /// A link, or only what `write` writes where the address is of no use.
    pub(super) fn link(&mut self, href: Option<&str>, write: impl FnOnce(&mut Self)) {
        match href.and_then(clean::address) {
            Some(href) => {
                let start = self.len();
                self.tag("a").attribute("href", &href).end();
                self.unless_empty(start, "a", write);
            }
            None => write(self),
        }
    }

    /// A picture; nothing where the address is of no use, or nothing is there any more.
    pub(super) fn image(&mut self, url: &MediaUrl, alt: &str, width: Option<u32>, height: Option<u32>) {
        if let Some(url) = media::address(url) {
            self.tag("img").attribute("src", &url).attribute("alt", alt).size(width, height).end();
        }
    }

    fn unless_empty(&mut self, start: usize, name: &str, write: impl FnOnce(&mut Self)) {
        let inside = self.len();
        write(self);
        if self.len() == inside {
            self.truncate(start);
        } else {
            self.close(name);
        }
    }
}

/// A start tag under construction.
pub(super) struct Tag<'a> {
    html: &'a mut Html,
}

impl Tag<'_> {
    pub(super) fn attribute(self, name: &str, value: &str) -> Self {
        let out = &mut self.html.out;
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        for character in clean::scrub(value).chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '"' => out.push_str("&quot;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                other => out.push(other),
            }
        }
        out.push('"');
        self
    }

    /// An attribute that is true by being there.
    pub(super) fn flag(self, name: &str) -> Self {
        self.attribute(name, "")
    }

    /// An address, left out where it is of no use.
    pub(super) fn address(self, name: &str, url: Option<&MediaUrl>) -> Self {
        match url.and_then(media::address) {
            Some(url) => self.attribute(name, &url),
            None => self,
        }
    }

    /// Width and height in pixels, both or none: one alone distorts.
    pub(super) fn size(self, width: Option<u32>, height: Option<u32>) -> Self {
        match (width, height) {
            (Some(width @ 1..), Some(height @ 1..)) => {
                self.attribute("width", &width.to_string()).attribute("height", &height.to_string())
            }
            _ => self,
        }
    }

    pub(super) fn end(self) {
        self.html.out.push('>');
    }
}

/// Plain text as a body of its own.
pub fn paragraph(text: &str) -> String {
    let mut html = Html::default();
    html.paragraph(|html| html.text(text));
    html.finish()
}
