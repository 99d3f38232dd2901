//! Formatted text out of elements. Decides what is a character, what is a blank and what is markup; knows no posts.

use scraper::{ElementRef, Node};

use super::{element, links};
use crate::model::{Inline, Style, plain_text};

/// Markup nested deeper than this is kept as its characters alone, which also bounds the recursion.
const DEEPEST: usize = 32;

/// The text of `element`, with links as they read on a page of the channel `slug`.
pub(super) fn formatted(element: ElementRef, slug: &str) -> Vec<Inline> {
    let mut writer = Writer::new(slug);
    writer.children(element, 0);
    writer.finish()
}

/// The same with the markup of `element` itself.
pub(super) fn with_own_markup(element: ElementRef, slug: &str) -> Vec<Inline> {
    let mut writer = Writer::new(slug);
    writer.element(element, 0);
    writer.finish()
}

/// The characters of `element`, lines separated by `\n`.
pub(super) fn lines(element: ElementRef) -> String {
    plain_text(&formatted(element, "")).trim().to_owned()
}

/// The characters of `element` on one line.
pub(super) fn line(element: ElementRef) -> String {
    plain_text(&formatted(element, "")).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Loose characters, tidied as if they stood in an element of their own.
pub(super) fn loose(characters: &str) -> Vec<Inline> {
    let mut writer = Writer::new("");
    writer.characters(characters);
    writer.finish()
}

/// XML 1.0 `Char` without the C1 controls, DEL and the replacement character, which carry nothing for a reader.
pub(super) fn is_legal(character: char) -> bool {
    let is_control = character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    !is_control && !matches!(character, '\u{fffd}'..='\u{ffff}')
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

struct Writer<'a> {
    slug: &'a str,
    /// The runs that are open, innermost last.
    open: Vec<Vec<Inline>>,
    /// A line break of the source was passed: one blank, unless the line ends here.
    blank: bool,
    /// Nothing stands on the present line yet.
    fresh: bool,
}

impl<'a> Writer<'a> {
    fn new(slug: &'a str) -> Self {
        Self { slug, open: vec![Vec::new()], blank: false, fresh: true }
    }

    fn finish(mut self) -> Vec<Inline> {
        let mut text = self.open.pop().unwrap_or_default();
        while text.last_mut().is_some_and(|last| is_void(last, |text| text.trim_end_matches(is_blank))) {
            text.pop();
        }
        while text.first_mut().is_some_and(|first| is_void(first, |text| text.trim_start_matches(is_blank))) {
            text.remove(0);
        }
        text
    }

    fn put(&mut self, inline: Inline) {
        if let Some(run) = self.open.last_mut() {
            run.push(inline);
        }
    }

    fn children(&mut self, element: ElementRef, depth: usize) {
        for child in element.children() {
            if let Node::Text(text) = child.value() {
                self.characters(text);
            } else if let Some(inner) = ElementRef::wrap(child) {
                self.element(inner, depth);
            }
        }
    }

    fn element(&mut self, element: ElementRef, depth: usize) {
        if depth >= DEEPEST {
            return self.flattened(element);
        }
        match element::tag(element) {
            "br" => self.line_break(),
            "img" => self.characters(element.attr("alt").unwrap_or_default()),
            "script" | "style" | "svg" | "template" | "iframe" | "noscript" => {}
            "i" if element::has(element, "emoji") => self.flattened(element),
            "i" if element::has(element, "verified-icon") => {}
            "pre" => self.code_block(element),
            "blockquote" => self.quote(element, depth),
            "a" => self.link(element, depth),
            name => match style(name, element) {
                Some(style) => {
                    let text = self.inner(element, depth);
                    if !text.is_empty() {
                        self.put(Inline::Styled(style, text));
                    }
                }
                None if is_block(name) => self.block(element, depth),
                None => self.children(element, depth + 1),
            },
        }
    }

    /// The run inside `element`.
    fn inner(&mut self, element: ElementRef, depth: usize) -> Vec<Inline> {
        if self.blank && !self.fresh {
            self.blank = false;
            self.write(" ");
        }
        self.open.push(Vec::new());
        self.children(element, depth + 1);
        self.open.pop().unwrap_or_default()
    }

    fn link(&mut self, element: ElementRef, depth: usize) {
        // A link inside the card of a link preview makes HTML parsers repeat the card around its rest.
        let is_card = element::has(element, "tgme_widget_message_link_preview");
        let address = element::link(element, self.slug).filter(|_| !is_card);
        let Some(href) = address else { return self.children(element, depth + 1) };
        let text = self.inner(element, depth);
        let tag = plain_text(&text);
        if links::is_hashtag_search(&href) && tag.starts_with('#') {
            return self.put(Inline::Hashtag { tag, href });
        }
        self.put(Inline::Link { href, text });
    }

    fn quote(&mut self, element: ElementRef, depth: usize) {
        self.line_start();
        let text = self.inner(element, depth);
        if !text.is_empty() {
            self.put(Inline::Quote { expandable: element.attr("expandable").is_some(), text });
        }
        self.line_start();
    }

    fn code_block(&mut self, element: ElementRef) {
        let mut text = String::new();
        for node in element.descendants() {
            match node.value() {
                Node::Text(characters) => text.extend(characters.chars().filter(|c| is_legal(*c) && *c != '\r')),
                Node::Element(inner) if inner.name() == "br" => text.push('\n'),
                _ => {}
            }
        }
        let text = text.trim_matches('\n');
        if !text.is_empty() {
            self.put(Inline::Pre { language: language(element), text: text.to_owned() });
        }
        self.line_start();
    }

    fn block(&mut self, element: ElementRef, depth: usize) {
        self.end_line();
        self.children(element, depth + 1);
        self.end_line();
    }

    fn end_line(&mut self) {
        if !self.fresh {
            self.line_break();
        }
        self.blank = false;
    }

    fn line_break(&mut self) {
        self.put(Inline::Break);
        self.line_start();
    }

    fn line_start(&mut self) {
        self.blank = false;
        self.fresh = true;
    }

    fn flattened(&mut self, element: ElementRef) {
        for node in element.descendants() {
            match node.value() {
                Node::Text(text) => self.characters(text),
                Node::Element(inner) if inner.name() == "br" => self.line_break(),
                Node::Element(inner) if inner.name() == "img" => {
                    self.characters(inner.attr("alt").unwrap_or_default());
                }
                _ => {}
            }
        }
    }

    /// Only `<br>` ends a line: a line break in the source is a blank, and none at the ends of a line.
    fn characters(&mut self, mut rest: &str) {
        while !rest.is_empty() {
            let after = rest.trim_start_matches(is_blank);
            let blanks = &rest[..rest.len() - after.len()];
            if blanks.contains(['\n', '\r']) {
                self.blank = true;
            } else {
                self.write(blanks);
            }
            let word = after.find(is_blank).unwrap_or(after.len());
            self.write(&after[..word]);
            rest = &after[word..];
        }
    }

    fn write(&mut self, characters: &str) {
        let mut text: String = characters.chars().filter(|c| is_legal(*c)).collect();
        if text.is_empty() {
            return;
        }
        if self.blank && !self.fresh {
            text.insert(0, ' ');
        }
        (self.blank, self.fresh) = (false, false);
        match self.open.last_mut().and_then(|run| run.last_mut()) {
            Some(Inline::Text(last)) => last.push_str(&text),
            _ => self.put(Inline::Text(text)),
        }
    }
}

/// Trims the text at an end of a run; true when nothing of it is left to see.
fn is_void(inline: &mut Inline, trim: fn(&str) -> &str) -> bool {
    match inline {
        Inline::Break => true,
        Inline::Text(text) => {
            *text = trim(text).to_owned();
            text.is_empty()
        }
        _ => false,
    }
}

fn style(name: &str, element: ElementRef) -> Option<Style> {
    Some(match name {
        "b" | "strong" => Style::Bold,
        "i" | "em" => Style::Italic,
        "u" | "ins" => Style::Underline,
        "s" | "del" | "strike" => Style::Strike,
        "code" => Style::Code,
        "mark" => Style::Mark,
        "tg-spoiler" => Style::Spoiler,
        _ if element::has(element, "tg-spoiler") => Style::Spoiler,
        _ => return None,
    })
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "p"
            | "ul"
            | "ol"
            | "li"
            | "table"
            | "tr"
            | "details"
            | "summary"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
    )
}

/// Of the class `language-x` on the block or on the `<code>` in it.
fn language(element: ElementRef) -> Option<String> {
    let code = element::first_tag(element, "code");
    let mut classes = element::classes(element).chain(code.into_iter().flat_map(element::classes));
    classes.find_map(|class| class.strip_prefix("language-")).filter(|name| !name.is_empty()).map(str::to_owned)
}
