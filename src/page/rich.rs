//! The parts of a text that stand on lines of their own: lists, headings, tables, folds, rules, and media within the
//! words. How they will look on a preview is not known, so their elements are taken for what HTML says that they are.

use scraper::ElementRef;

use super::{
    classes::{self, Kind},
    element, links, media, part,
    text::Writer,
};
use crate::model::{Cell, Document, Inline, ListItem, Marker, Part, Photo, Time, Video, Voice};

/// Rows and columns that one cell takes at most.
const MOST_SPANNED: u16 = 100;

impl Writer<'_> {
    /// Whether `element` is one of those, and then written.
    pub(super) fn rich(&mut self, element: ElementRef, depth: usize) -> bool {
        match element::tag(element) {
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                let level = name.as_bytes()[1] - b'0';
                self.boxed(element, depth, |text| Inline::Heading { level, text });
            }
            "ul" | "menu" | "ol" | "dl" => self.list(element, depth),
            "li" | "dt" | "dd" => {
                let item = self.item(element, Marker::Bullet, depth);
                self.alone(Some(Inline::List(vec![item])));
            }
            "table" => self.table(element, depth),
            "details" => self.details(element, depth),
            "hr" => self.alone(Some(Inline::Rule)),
            "figure" | "picture" => self.figure(element, depth),
            "img" | "video" | "audio" if !is_emoji(element) => match medium(element) {
                Some(part) => self.alone(Some(shown(part, element, Vec::new()))),
                None => self.unseen(element, depth),
            },
            "iframe" | "embed" | "object" => self.frame(element, depth),
            "tg-time" => match instant(element) {
                Some(time) => self.word(Inline::Date(time)),
                None => self.children(element, depth + 1),
            },
            "ruby" => self.ruby(element, depth),
            _ => return self.widget(element),
        }
        true
    }

    /// A part of a message that stands within the words.
    fn widget(&mut self, element: ElementRef) -> bool {
        let kind = element::classes(element).find_map(classes::kind);
        let is_media = matches!(
            kind,
            Some(
                Kind::Photo
                    | Kind::Video
                    | Kind::RoundVideo
                    | Kind::Voice
                    | Kind::Document
                    | Kind::Sticker
                    | Kind::Location
            )
        );
        let part = kind.filter(|_| is_media).and_then(|kind| part::read(element, kind, self.slug));
        let found = part.is_some();
        self.alone(part.map(|part| Inline::Figure { part: Box::new(part), alt: String::new(), caption: Vec::new() }));
        found
    }

    fn boxed(&mut self, element: ElementRef, depth: usize, make: impl FnOnce(Vec<Inline>) -> Inline) {
        let text = self.apart(element, depth);
        self.alone((!text.is_empty()).then(|| make(text)));
    }

    fn list(&mut self, element: ElementRef, depth: usize) {
        let mut number = element.attr("start").and_then(|start| start.trim().parse::<i64>().ok()).unwrap_or(1);
        let ordered = element::tag(element) == "ol";
        let mut items: Vec<ListItem> = Vec::new();
        for node in element.children() {
            let Some(child) = ElementRef::wrap(node) else {
                let loose = node.value().as_text().map(|text| super::text::loose(text)).unwrap_or_default();
                items.extend((!loose.is_empty()).then_some(ListItem { marker: Marker::Term, done: None, text: loose }));
                continue;
            };
            let marker = match element::tag(child) {
                "dt" => Marker::Term,
                "dd" => Marker::Definition,
                "li" if ordered => {
                    number = child.attr("value").and_then(|value| value.trim().parse().ok()).unwrap_or(number);
                    number = number.saturating_add(1);
                    Marker::Number(number - 1)
                }
                "li" => Marker::Bullet,
                // A list straight within a list belongs to the item before it.
                _ => {
                    let text = self.apart_with_own(child, depth);
                    match items.last_mut() {
                        Some(item) => item.text.extend(text),
                        None if text.is_empty() => {}
                        None => items.push(ListItem { marker: Marker::Term, done: None, text }),
                    }
                    continue;
                }
            };
            items.push(self.item(child, marker, depth));
        }
        items.retain(|item| !item.text.is_empty() || item.done.is_some());
        self.alone((!items.is_empty()).then_some(Inline::List(items)));
    }

    fn item(&mut self, element: ElementRef, marker: Marker, depth: usize) -> ListItem {
        ListItem { marker, done: done(element), text: self.apart(element, depth) }
    }

    fn table(&mut self, element: ElementRef, depth: usize) {
        let (mut caption, mut rows) = (Vec::new(), Vec::new());
        let sections = element.child_elements().flat_map(|child| match element::tag(child) {
            "thead" | "tbody" | "tfoot" => child.child_elements().collect(),
            _ => vec![child],
        });
        for child in sections.collect::<Vec<_>>() {
            match element::tag(child) {
                "caption" => caption = self.apart(child, depth),
                "tr" => rows.push(child.child_elements().map(|cell| self.cell(cell, depth)).collect::<Vec<_>>()),
                "colgroup" | "col" => {}
                _ => rows.push(vec![self.cell(child, depth)]),
            }
        }
        rows.retain(|row| row.iter().any(|cell| !cell.text.is_empty()));
        let is_empty = caption.is_empty() && rows.is_empty();
        self.alone((!is_empty).then_some(Inline::Table { caption, rows }));
    }

    fn cell(&mut self, element: ElementRef, depth: usize) -> Cell {
        let span = |name: &str| element.attr(name).and_then(|span| span.trim().parse().ok()).unwrap_or(1);
        Cell {
            header: element::tag(element) == "th",
            columns: span("colspan").clamp(1, MOST_SPANNED),
            rows: span("rowspan").clamp(1, MOST_SPANNED),
            text: self.apart(element, depth),
        }
    }

    fn details(&mut self, element: ElementRef, depth: usize) {
        let is_summary = |child: &ElementRef| element::tag(*child) == "summary";
        let head = element.child_elements().find(is_summary);
        let summary = head.map(|head| self.apart(head, depth)).unwrap_or_default();
        let text = self.apart_but(element, head, depth);
        let is_empty = summary.is_empty() && text.is_empty();
        self.alone((!is_empty).then_some(Inline::Details { summary, text }));
    }

    /// Each medium in it is a figure; the last has the caption, and what other words there are stand below.
    fn figure(&mut self, element: ElementRef, depth: usize) {
        let is_medium = |inner: &ElementRef| matches!(element::tag(*inner), "img" | "video" | "audio");
        let media: Vec<_> =
            element::below(element).filter(is_medium).filter_map(|inner| Some((medium(inner)?, inner))).collect();
        let head = element.child_elements().find(|child| element::tag(*child) == "figcaption");
        if media.is_empty() {
            return self.block(element, depth);
        }
        let mut caption = head.map(|head| self.apart(head, depth)).unwrap_or_default();
        let last = media.len() - 1;
        for (number, (part, inner)) in media.into_iter().enumerate() {
            let caption = if number == last { std::mem::take(&mut caption) } else { Vec::new() };
            self.alone(Some(shown(part, inner, caption)));
        }
        let rest = self.apart_without_media(element, head, depth);
        self.extend(rest);
    }

    /// A page within the page is a link to it.
    fn frame(&mut self, element: ElementRef, depth: usize) {
        let address = ["src", "data"].iter().find_map(|name| element.attr(name)).and_then(links::media);
        match address {
            Some(href) => {
                let text = vec![Inline::Text(href.clone())];
                self.alone(Some(Inline::Link { href, text }));
            }
            None => self.unseen(element, depth),
        }
    }

    fn ruby(&mut self, element: ElementRef, depth: usize) {
        let is_reading = |child: &ElementRef| matches!(element::tag(*child), "rt" | "rtc");
        let reading = element.child_elements().find(is_reading);
        let reading = reading.map(|reading| self.apart(reading, depth)).unwrap_or_default();
        let text = self.ruby_base(element, depth);
        self.word(Inline::Ruby { text, reading });
    }
}

fn shown(part: Part, element: ElementRef, caption: Vec<Inline>) -> Inline {
    let alt = element.attr("alt").or_else(|| element.attr("title")).unwrap_or_default();
    let alt = alt.split_whitespace().collect::<Vec<_>>().join(" ");
    Inline::Figure { part: Box::new(part), alt, caption }
}

/// A picture that stands for a character.
pub(super) fn is_emoji(element: ElementRef) -> bool {
    element::tag(element) == "img"
        && (element::has(element, "emoji") || element.attr("src").and_then(links::media).is_none())
}

fn medium(element: ElementRef) -> Option<Part> {
    let own = element.attr("src").and_then(media::file);
    let source = || element.child_elements().find_map(|source| source.attr("src").and_then(media::file));
    let url = own.or_else(source)?;
    let size =
        |name: &str| element.attr(name).and_then(|size| size.trim().parse::<u32>().ok()).filter(|size| *size > 0);
    Some(match element::tag(element) {
        "img" => Part::Photo(Photo { url, width: size("width"), height: size("height"), ..Photo::default() }),
        "video" => Part::Video(Video {
            url: Some(url),
            poster: element.attr("poster").and_then(media::file).or_else(|| media::picture(element)),
            width: size("width"),
            height: size("height"),
            ..Video::default()
        }),
        _ if element.attr("title").is_some() => Part::Document(Document {
            title: element.attr("title").unwrap_or_default().to_owned(),
            href: Some(url.address),
            audio: true,
            ..Document::default()
        }),
        _ => Part::Voice(Voice { url: Some(url), ..Voice::default() }),
    })
}

/// Of a checklist's item: whether it is done. By its box, or by what its class says.
fn done(element: ElementRef) -> Option<bool> {
    let is_box = |child: &ElementRef| element::tag(*child) == "input" && child.attr("type") == Some("checkbox");
    let by_box = element::below(element).take_while(|inner| element::tag(*inner) != "li").find(is_box);
    let by_class = || {
        element::classes(element).find_map(|class| match class {
            "checked" | "done" | "completed" => Some(true),
            "unchecked" | "undone" | "todo" => Some(false),
            _ => None,
        })
    };
    by_box.map(|found| found.attr("checked").is_some()).or_else(by_class)
}

/// `unix` holds seconds since 1970; `datetime` is what HTML has for it.
fn instant(element: ElementRef) -> Option<Time> {
    let unix = element.attr("unix").and_then(|seconds| Time::from_timestamp(seconds.trim().parse().ok()?, 0));
    unix.or_else(|| line_time(element.attr("datetime")?))
}

fn line_time(text: &str) -> Option<Time> {
    chrono::DateTime::parse_from_rfc3339(text.trim()).ok().map(|time| time.to_utc())
}
