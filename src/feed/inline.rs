//! Formatted text to HTML. Telegram's text knows only line breaks, also within bold or links, and blocks within
//! runs of text; HTML wants paragraphs, and blocks outside of them. Knows nothing of posts.

use super::{Spoilers, clean, markup::Html};
use crate::model::{Inline, Style};

/// Writes `text` as paragraphs, quotes, code blocks and folded spoilers.
pub(super) fn blocks(html: &mut Html, text: &[Inline], spoilers: Spoilers) {
    let mut flow = Flow { html, spoilers, phrasing: false, wanted: Vec::new(), opened: 0, paragraph: false, breaks: 0 };
    flow.run(text);
    flow.end_paragraph();
}

/// Writes `text` as a run within a line: blocks lose their boxes, spoilers are shown.
pub(super) fn phrase(html: &mut Html, text: &[Inline]) {
    let mut flow = Flow {
        html,
        spoilers: Spoilers::Text,
        phrasing: true,
        wanted: Vec::new(),
        opened: 0,
        paragraph: false,
        breaks: 0,
    };
    flow.run(text);
    flow.end_paragraph();
}

/// Writes plain text as paragraphs, `\n` as line breaks.
pub(super) fn plain_blocks(html: &mut Html, text: &str) {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            lines.push(Inline::Break);
        }
        lines.push(Inline::Text(line.to_owned()));
    }
    blocks(html, &lines, Spoilers::Text);
}

/// An element within a line.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    name: &'static str,
    href: Option<String>,
}

/// Paragraphs and spans open late, at the first character in them, so nothing empty is ever written.
struct Flow<'h> {
    html: &'h mut Html,
    spoilers: Spoilers,
    phrasing: bool,
    /// The spans around the current character.
    wanted: Vec<Span>,
    /// How many of them are open, from the outermost.
    opened: usize,
    paragraph: bool,
    /// Line breaks read and not yet written.
    breaks: usize,
}

impl Flow<'_> {
    fn run(&mut self, text: &[Inline]) {
        for inline in text {
            match inline {
                Inline::Text(text) => self.characters(text),
                Inline::Break => self.breaks += 1,
                Inline::Styled(Style::Spoiler, inner) => self.spoiler(inner),
                Inline::Styled(style, inner) => {
                    self.within(Span { name: element(*style), href: None }, |flow| flow.run(inner));
                }
                Inline::Link { href, text } => self.link(href, |flow| flow.run(text)),
                Inline::Hashtag { tag, href } => self.link(href, |flow| flow.characters(tag)),
                Inline::Quote { text, .. } => self.quote(text),
                Inline::Pre { text, .. } => self.code_block(text),
            }
        }
    }

    fn characters(&mut self, text: &str) {
        let text = clean::scrub(text);
        let blank = text.chars().all(char::is_whitespace);
        if blank && (text.is_empty() || !self.paragraph || self.breaks > 0) {
            return;
        }
        self.open_spans();
        self.html.text(&text);
    }

    /// Opens what is wanted around the next character.
    fn open_spans(&mut self) {
        if self.breaks > 1 && !self.phrasing {
            self.end_paragraph();
        }
        if self.paragraph {
            for _ in 0..self.breaks {
                self.html.open("br");
            }
        } else {
            self.begin_paragraph();
        }
        self.breaks = 0;
        for span in &self.wanted[self.opened..] {
            let tag = self.html.tag(span.name);
            match &span.href {
                Some(href) => tag.attribute("href", href).end(),
                None => tag.end(),
            }
        }
        self.opened = self.wanted.len();
    }

    /// Nothing nests in itself: a link in a link is not HTML, bold in bold says nothing.
    fn within(&mut self, span: Span, write: impl FnOnce(&mut Self)) {
        if self.wanted.iter().any(|outer| outer.name == span.name) {
            return write(self);
        }
        let name = span.name;
        self.wanted.push(span);
        write(self);
        if self.opened == self.wanted.len() {
            self.html.close(name);
            self.opened -= 1;
        }
        self.wanted.pop();
    }

    fn link(&mut self, href: &str, write: impl FnOnce(&mut Self)) {
        match clean::address(href) {
            Some(href) => self.within(Span { name: "a", href: Some(href) }, |flow| {
                let before = flow.html.len();
                write(flow);
                // A link around a mere line break is a link all the same.
                if flow.html.len() == before {
                    flow.open_spans();
                }
            }),
            None => write(self),
        }
    }

    fn spoiler(&mut self, inner: &[Inline]) {
        if self.spoilers == Spoilers::Text {
            return self.run(inner);
        }
        self.end_paragraph();
        let start = self.html.len();
        self.html.open("details");
        self.html.element("summary", |html| html.text("…"));
        self.boxed(start, "details", inner);
    }

    fn quote(&mut self, inner: &[Inline]) {
        if self.phrasing {
            return self.on_own_lines(|flow| flow.run(inner));
        }
        self.end_paragraph();
        let start = self.html.len();
        self.html.open("blockquote");
        self.boxed(start, "blockquote", inner);
    }

    /// Writes the content of a block that is already open and closes it, or takes it back where there is none.
    fn boxed(&mut self, start: usize, name: &str, inner: &[Inline]) {
        let inside = self.html.len();
        self.run(inner);
        self.end_paragraph();
        if self.html.len() == inside {
            self.html.truncate(start);
        } else {
            self.html.close(name);
        }
    }

    fn code_block(&mut self, text: &str) {
        if self.phrasing {
            let code = Span { name: "code", href: None };
            return self.on_own_lines(|flow| flow.within(code, |flow| flow.characters(text)));
        }
        self.end_paragraph();
        self.html.block("pre", |html| html.element("code", |html| html.text(text)));
    }

    fn on_own_lines(&mut self, write: impl FnOnce(&mut Self)) {
        self.breaks = self.breaks.max(1);
        write(self);
        self.breaks = self.breaks.max(1);
    }

    fn begin_paragraph(&mut self) {
        if !self.phrasing {
            self.html.tag("p").attribute("dir", "auto").end();
        }
        self.paragraph = true;
    }

    fn end_paragraph(&mut self) {
        for span in self.wanted[..self.opened].iter().rev() {
            self.html.close(span.name);
        }
        self.opened = 0;
        if self.paragraph && !self.phrasing {
            self.html.close("p");
        }
        self.paragraph = false;
        self.breaks = 0;
    }
}

fn element(style: Style) -> &'static str {
    match style {
        Style::Bold => "b",
        Style::Italic => "i",
        Style::Underline => "u",
        Style::Strike => "s",
        Style::Code => "code",
        Style::Mark | Style::Spoiler => "mark",
    }
}
