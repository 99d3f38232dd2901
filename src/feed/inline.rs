//! Formatted text to HTML. Telegram's text knows only line breaks, also within bold or links, and blocks within
//! runs of text; HTML wants paragraphs, and blocks outside of them. Knows nothing of posts.

use chrono::SecondsFormat;

use super::{Spoilers, clean, content, markup::Html};
use crate::model::{Cell, Inline, ListItem, Marker, Part, Style, Time, done_mark, plain_text, plain_time};

/// Writes `text` as paragraphs, quotes, code blocks and folded spoilers.
pub(super) fn blocks(html: &mut Html, text: &[Inline], spoilers: Spoilers) {
    let mut flow = Flow { html, spoilers, phrasing: false, wanted: Vec::new(), opened: 0, paragraph: false, breaks: 0 };
    flow.run(text);
    flow.end_paragraph();
}

/// Writes `text` as a run within a line: blocks lose their boxes, spoilers are shown.
pub(super) fn phrase(html: &mut Html, text: &[Inline]) {
    phrase_with(html, text, Spoilers::Text);
}

fn phrase_with(html: &mut Html, text: &[Inline], spoilers: Spoilers) {
    let mut flow = Flow { html, spoilers, phrasing: true, wanted: Vec::new(), opened: 0, paragraph: false, breaks: 0 };
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
                Inline::Pre { text, language } => self.code_block(text, language.as_deref()),
                Inline::Date(time) => self.date(*time),
                Inline::Ruby { text, reading } => self.ruby(text, reading),
                Inline::Heading { .. }
                | Inline::List(_)
                | Inline::Table { .. }
                | Inline::Details { .. }
                | Inline::Rule
                | Inline::Figure { .. }
                    if self.phrasing =>
                {
                    self.flattened(inline)
                }
                Inline::Heading { level, text } => self.heading(*level, text),
                Inline::List(items) => self.apart(|html, spoilers| list(html, items, spoilers)),
                Inline::Table { caption, rows } => self.apart(|html, spoilers| table(html, caption, rows, spoilers)),
                Inline::Details { summary, text } => self.details(summary, text),
                Inline::Rule => self.apart(|html, _| html.open("hr")),
                Inline::Figure { part, alt, caption } => {
                    self.apart(|html, spoilers| figure(html, part, alt, caption, spoilers));
                }
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
        if self.phrasing {
            return self.characters("…");
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

    fn code_block(&mut self, text: &str, language: Option<&str>) {
        if self.phrasing {
            let code = Span { name: "code", href: None };
            return self.on_own_lines(|flow| flow.within(code, |flow| flow.characters(text)));
        }
        self.end_paragraph();
        // As highlighters look for it (HTML, 4.5.15).
        self.html.block("pre", |html| match language {
            Some(language) => {
                html.tag("code").attribute("class", &format!("language-{language}")).end();
                html.text(text);
                html.close("code");
            }
            None => html.element("code", |html| html.text(text)),
        });
    }

    fn date(&mut self, time: Time) {
        self.open_spans();
        self.html.tag("time").attribute("datetime", &time.to_rfc3339_opts(SecondsFormat::Secs, true)).end();
        self.html.text(&plain_time(time));
        self.html.close("time");
    }

    fn ruby(&mut self, text: &[Inline], reading: &[Inline]) {
        self.open_spans();
        let spoilers = self.spoilers;
        self.html.element("ruby", |html| {
            phrase_with(html, text, spoilers);
            html.element("rp", |html| html.text("("));
            html.element("rt", |html| phrase_with(html, reading, spoilers));
            html.element("rp", |html| html.text(")"));
        });
    }

    /// A block within a line: its lines as they read.
    fn flattened(&mut self, block: &Inline) {
        let shown = if self.spoilers == Spoilers::Text {
            plain_text(std::slice::from_ref(block))
        } else {
            plain_text(&masked(std::slice::from_ref(block)))
        };
        self.on_own_lines(|flow| {
            for line in shown.lines() {
                flow.breaks = flow.breaks.max(1);
                flow.characters(line);
            }
        });
    }

    /// Below the title of the post, which is of the second level on a page.
    fn heading(&mut self, level: u8, text: &[Inline]) {
        let name = ["h3", "h4", "h5", "h6"][usize::from(level.clamp(1, 4)) - 1];
        self.apart(|html, spoilers| html.block(name, |html| phrase_with(html, text, spoilers)));
    }

    fn details(&mut self, summary: &[Inline], text: &[Inline]) {
        self.apart(|html, spoilers| {
            html.open("details");
            html.open("summary");
            if summary.is_empty() {
                html.text("…")
            } else {
                phrase_with(html, summary, spoilers)
            }
            html.close("summary");
            blocks(html, text, spoilers);
            html.close("details");
        });
    }

    /// A block of its own.
    fn apart(&mut self, write: impl FnOnce(&mut Html, Spoilers)) {
        self.end_paragraph();
        write(self.html, self.spoilers);
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
        Style::Subscript => "sub",
        Style::Superscript => "sup",
    }
}

/// As a run, unless it holds what must stand on lines of its own.
fn content_of(html: &mut Html, text: &[Inline], spoilers: Spoilers) {
    let folds = |inline: &Inline| spoilers == Spoilers::Details && is_folded(inline);
    if text.iter().any(|inline| inline.is_block() || folds(inline)) {
        blocks(html, text, spoilers);
    } else {
        phrase_with(html, text, spoilers);
    }
}

fn is_folded(inline: &Inline) -> bool {
    matches!(inline, Inline::Styled(Style::Spoiler, _)) || inline.runs().into_iter().flatten().any(is_folded)
}

fn list(html: &mut Html, items: &[ListItem], spoilers: Spoilers) {
    let is_term = |item: &ListItem| matches!(item.marker, Marker::Term | Marker::Definition);
    let first =
        items.iter().find_map(|item| if let Marker::Number(number) = item.marker { Some(number) } else { None });
    let name = if items.iter().all(is_term) { "dl" } else { first.map_or("ul", |_| "ol") };
    let tag = html.tag(name).attribute("dir", "auto");
    match first.filter(|first| *first != 1) {
        Some(first) => tag.attribute("start", &first.to_string()).end(),
        None => tag.end(),
    }
    let mut expected = first.unwrap_or_default();
    for item in items {
        let element = match item.marker {
            Marker::Term if name == "dl" => "dt",
            Marker::Definition if name == "dl" => "dd",
            _ => "li",
        };
        match item.marker {
            Marker::Number(number) if number != expected => {
                html.tag(element).attribute("value", &number.to_string()).end();
                expected = number.saturating_add(1);
            }
            Marker::Number(number) => {
                html.open(element);
                expected = number.saturating_add(1);
            }
            _ => html.open(element),
        }
        if let Some(done) = item.done {
            html.text(done_mark(done));
        }
        content_of(html, &item.text, spoilers);
        html.close(element);
    }
    html.close(name);
}

fn table(html: &mut Html, caption: &[Inline], rows: &[Vec<Cell>], spoilers: Spoilers) {
    html.tag("table").attribute("dir", "auto").end();
    html.element("caption", |html| content_of(html, caption, spoilers));
    // The parser of a browser puts it there by itself.
    html.element("tbody", |html| {
        for row in rows {
            html.open("tr");
            row.iter().for_each(|cell| write_cell(html, cell, spoilers));
            html.close("tr");
        }
    });
    html.close("table");
}

fn write_cell(html: &mut Html, cell: &Cell, spoilers: Spoilers) {
    let name = if cell.header { "th" } else { "td" };
    let mut tag = html.tag(name);
    for (attribute, span) in [("colspan", cell.columns), ("rowspan", cell.rows)] {
        if span > 1 {
            tag = tag.attribute(attribute, &span.to_string());
        }
    }
    tag.end();
    content_of(html, &cell.text, spoilers);
    html.close(name);
}

fn figure(html: &mut Html, part: &Part, alt: &str, caption: &[Inline], spoilers: Spoilers) {
    match part {
        Part::Photo(photo) if !alt.is_empty() => {
            html.element("figure", |html| html.image(&photo.url, alt, photo.width, photo.height));
        }
        part => {
            content::figure(html, part);
            html.paragraph(|html| html.text(alt));
        }
    }
    blocks(html, caption, spoilers);
}

/// What a spoiler hides, as `…`.
pub(super) fn masked(text: &[Inline]) -> Vec<Inline> {
    let mask = |inline: &Inline| match inline {
        Inline::Styled(Style::Spoiler, _) => Inline::Text("…".to_owned()),
        other => {
            let mut shown = other.clone();
            shown.runs_mut().into_iter().for_each(|run| *run = masked(run));
            shown
        }
    };
    text.iter().map(mask).collect()
}
