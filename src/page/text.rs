//! Formatted text out of elements. Decides what is a character, what is a blank and what is markup; knows no posts.

use scraper::{ElementRef, Node};

use super::{ProblemKind, classes, element, links, rich};
use crate::model::{Inline, Style, plain_text};

/// Markup nested deeper than this is kept as its characters alone, which also bounds the recursion.
const DEEPEST: usize = 32;

/// The text of `element`, with links as they read on a page of the channel `slug`, and what in it is not understood.
pub(super) fn read(element: ElementRef, slug: &str) -> (Vec<Inline>, Vec<ProblemKind>) {
    let mut writer = Writer::new(slug);
    writer.children(element, 0);
    let problems = std::mem::take(&mut writer.problems);
    (writer.finish(), problems)
}

/// As [`read`], of what is reported elsewhere.
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

pub(super) struct Writer<'a> {
    pub(super) slug: &'a str,
    /// Elements that are not known, each once.
    problems: Vec<ProblemKind>,
    /// The runs that are open, innermost last.
    open: Vec<Vec<Inline>>,
    /// A line break of the source was passed: one blank, unless the line ends here.
    blank: bool,
    /// Nothing stands on the present line yet.
    fresh: bool,
}

impl<'a> Writer<'a> {
    fn new(slug: &'a str) -> Self {
        Self { slug, problems: Vec::new(), open: vec![Vec::new()], blank: false, fresh: true }
    }

    fn finish(mut self) -> Vec<Inline> {
        trimmed(self.open.pop().unwrap_or_default())
    }

    fn put(&mut self, inline: Inline) {
        if let Some(run) = self.open.last_mut() {
            run.push(inline);
        }
    }

    pub(super) fn children(&mut self, element: ElementRef, depth: usize) {
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
            "img" if rich::is_emoji(element) => self.characters(element.attr("alt").unwrap_or_default()),
            "script" | "style" | "svg" | "template" | "noscript" | "wbr" | "source" | "track" | "rp" => {}
            "i" if element::has(element, "emoji") => self.flattened(element),
            "i" if element::has(element, "verified-icon") => {}
            "input" if element.attr("type") == Some("checkbox") => {}
            "pre" => self.code_block(element),
            "blockquote" => self.quote(element, depth),
            "a" => self.link(element, depth),
            _ if self.rich(element, depth) => {}
            name => match style(name, element) {
                Some(style) => self.styled(style, element, depth),
                None if is_foreign(name, element) => self.foreign(element, depth),
                None if is_block(name) => self.block(element, depth),
                None => self.children(element, depth + 1),
            },
        }
    }

    /// Blocks do not stand within what is bold: then the markup is around each run of words.
    fn styled(&mut self, style: Style, element: ElementRef, depth: usize) {
        let text = self.inner(element, depth);
        if !text.is_empty() {
            self.put(Inline::Styled(style, text));
        }
    }

    /// What is not known keeps its words, apart from those beside it, and is reported.
    fn foreign(&mut self, element: ElementRef, depth: usize) {
        let class = element::classes(element).find(|class| classes::is_foreign_inside(class));
        let problem = match class {
            Some(class) => ProblemKind::UnknownClass(class.to_owned()),
            None => ProblemKind::UnknownElement(element::tag(element).to_owned()),
        };
        if element::says_something(element) && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        if is_block(element::tag(element)) {
            return self.block(element, depth);
        }
        self.blank = true;
        self.children(element, depth + 1);
        self.blank = true;
    }

    /// An element whose address or whose kind is of no use: its words, and a report.
    pub(super) fn unseen(&mut self, element: ElementRef, depth: usize) {
        self.foreign(element, depth);
        if let Some(alt) = element.attr("alt") {
            self.characters(alt);
        }
    }

    /// What stands on lines of its own, if there is something.
    pub(super) fn alone(&mut self, block: Option<Inline>) {
        if let Some(block) = block {
            self.line_start();
            self.put(block);
            self.line_start();
        }
    }

    /// What stands among words.
    pub(super) fn word(&mut self, inline: Inline) {
        if self.blank && !self.fresh {
            self.write(" ");
        }
        (self.blank, self.fresh) = (false, false);
        self.put(inline);
    }

    /// The run inside `element`, as if nothing stood around it.
    pub(super) fn apart(&mut self, element: ElementRef, depth: usize) -> Vec<Inline> {
        self.run_apart(|writer| writer.children(element, depth + 1))
    }

    /// As [`Writer::apart`], with the markup of `element` itself.
    pub(super) fn apart_with_own(&mut self, element: ElementRef, depth: usize) -> Vec<Inline> {
        self.run_apart(|writer| writer.element(element, depth + 1))
    }

    /// As [`Writer::apart`], without the child `but`.
    pub(super) fn apart_but(&mut self, element: ElementRef, but: Option<ElementRef>, depth: usize) -> Vec<Inline> {
        self.run_apart(|writer| {
            writer.children_where(element, depth + 1, |child| Some(child.id()) != but.map(|but| but.id()));
        })
    }

    /// As [`Writer::apart_but`], and without pictures, films and sound.
    pub(super) fn apart_without_media(
        &mut self,
        element: ElementRef,
        but: Option<ElementRef>,
        depth: usize,
    ) -> Vec<Inline> {
        let is_medium = |child: ElementRef| {
            let of = |inner: ElementRef| matches!(element::tag(inner), "img" | "video" | "audio" | "source");
            of(child) || element::below(child).any(of)
        };
        self.run_apart(|writer| {
            writer.children_where(element, depth + 1, |child| {
                Some(child.id()) != but.map(|but| but.id()) && !is_medium(child)
            });
        })
    }

    pub(super) fn ruby_base(&mut self, element: ElementRef, depth: usize) -> Vec<Inline> {
        self.run_apart(|writer| {
            writer.children_where(element, depth + 1, |child| !matches!(element::tag(child), "rt" | "rtc" | "rp"));
        })
    }

    /// A run that was read apart.
    pub(super) fn extend(&mut self, run: Vec<Inline>) {
        if !run.is_empty() {
            self.line_start();
            run.into_iter().for_each(|inline| self.put(inline));
            self.fresh = false;
            self.end_line();
        }
    }

    fn run_apart(&mut self, write: impl FnOnce(&mut Self)) -> Vec<Inline> {
        let before = (self.blank, self.fresh);
        (self.blank, self.fresh) = (false, true);
        self.open.push(Vec::new());
        write(self);
        (self.blank, self.fresh) = before;
        trimmed(self.open.pop().unwrap_or_default())
    }

    fn children_where(&mut self, element: ElementRef, depth: usize, wanted: impl Fn(ElementRef) -> bool) {
        for child in element.children() {
            if let Node::Text(text) = child.value() {
                self.characters(text);
            } else if let Some(inner) = ElementRef::wrap(child).filter(|inner| wanted(*inner)) {
                self.element(inner, depth);
            }
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
        let Some(href) = address else {
            self.children(element, depth + 1);
            return self.address_beside(element);
        };
        let text = self.inner(element, depth);
        let tag = plain_text(&text);
        if links::is_hashtag_search(&href) && tag.starts_with('#') {
            return self.put(Inline::Hashtag { tag, href });
        }
        self.put(Inline::Link { href, text });
    }

    /// Who may not follow a link sees where it leads.
    fn address_beside(&mut self, element: ElementRef) {
        let Some(address) = element.attr("href").and_then(links::shown) else { return };
        let words = plain_text(self.open.last().map_or(&[], Vec::as_slice));
        if !words.ends_with(&address) {
            self.characters(&format!(" ({address})"));
        }
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

    pub(super) fn block(&mut self, element: ElementRef, depth: usize) {
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
        "i" | "em" | "cite" | "dfn" | "var" => Style::Italic,
        "u" | "ins" => Style::Underline,
        "s" | "del" | "strike" => Style::Strike,
        "code" | "kbd" | "samp" | "tt" => Style::Code,
        "mark" => Style::Mark,
        "sub" => Style::Subscript,
        "sup" => Style::Superscript,
        "tg-spoiler" => Style::Spoiler,
        _ if element::has(element, "tg-spoiler") => Style::Spoiler,
        _ => return None,
    })
}

fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 20] = [
        "div",
        "p",
        "section",
        "article",
        "header",
        "footer",
        "address",
        "center",
        "main",
        "aside",
        "nav",
        "form",
        "fieldset",
        "legend",
        "figcaption",
        "summary",
        "tr",
        "caption",
        "hgroup",
        "search",
    ];
    BLOCKS.contains(&name)
}

/// Elements that HTML knows within words, with no looks that would have to be kept.
const PLAIN: [&str; 17] = [
    "span", "font", "small", "big", "tg-emoji", "label", "time", "abbr", "q", "bdi", "bdo", "td", "th", "data", "rb",
    "rt", "acronym",
];

fn is_foreign(name: &str, element: ElementRef) -> bool {
    !(is_block(name) || PLAIN.contains(&name)) || element::classes(element).any(classes::is_foreign_inside)
}

/// Without blanks and line breaks at its ends.
fn trimmed(mut text: Vec<Inline>) -> Vec<Inline> {
    while text.last_mut().is_some_and(|last| is_void(last, |text| text.trim_end_matches(is_blank))) {
        text.pop();
    }
    while text.first_mut().is_some_and(|first| is_void(first, |text| text.trim_start_matches(is_blank))) {
        text.remove(0);
    }
    text
}

/// Of the class `language-x` on the block or on the `<code>` in it.
fn language(element: ElementRef) -> Option<String> {
    let code = element::first_tag(element, "code");
    let mut classes = element::classes(element).chain(code.into_iter().flat_map(element::classes));
    classes.find_map(|class| class.strip_prefix("language-")).filter(|name| !name.is_empty()).map(str::to_owned)
}
