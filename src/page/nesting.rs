//! A limit on how deep a document may nest, applied before it is parsed: building a tree takes time in proportion
//! to its depth for every element, so that a hostile page could keep a core busy for minutes.
//! Knows tags, and nothing of what they mean to Telegram.

use std::borrow::Cow;

/// Pages of Telegram's nest some thirty elements deep.
const DEEPEST: usize = 200;

/// The same document; tags that would nest deeper are left out and their text stays.
pub(super) fn levelled(html: &str) -> Cow<'_, str> {
    let mut level = Level::default();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(start) = html[at..].find('<').map(|found| at + found) {
        let Some(tag) = Tag::read(&html[start..]) else {
            at = start + skipped(&html[start..]);
            continue;
        };
        let end = start + tag.length;
        if !level.admits(&tag) {
            out.push_str(&html[copied..start]);
            copied = end;
        }
        at = end + if tag.is_raw() { raw_text(&html[end..], tag.name) } else { 0 };
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[copied..]);
    Cow::Owned(out)
}

struct Tag<'a> {
    name: &'a str,
    closing: bool,
    self_closing: bool,
    length: usize,
}

impl<'a> Tag<'a> {
    /// The tag at the head of `html`, None when that is a comment or a mere `<`.
    fn read(html: &'a str) -> Option<Self> {
        let closing = html.starts_with("</");
        let inner = &html[if closing { 2 } else { 1 }..];
        inner.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| {
            let name = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inner.len());
            let length = html.find('>').map_or(html.len(), |end| end + 1);
            Self { name: &inner[..name], closing, self_closing: html[..length].ends_with("/>"), length }
        })
    }

    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    fn is_raw(&self) -> bool {
        !self.closing && self.is(&["script", "style"])
    }

    /// Elements without an end tag, and those that end where the next of their kind begins: they do not nest.
    fn is_flat(&self) -> bool {
        self.is(&["br", "img", "input", "link", "meta", "hr", "source", "wbr", "base", "embed", "track", "area", "col"])
            || self.is(&["p", "li", "option", "dt", "dd"])
    }

    /// An end tag of these leaves open what was opened inside.
    fn is_formatting(&self) -> bool {
        self.is(&["a", "b", "i", "u", "s", "em", "strong", "code", "font", "small", "big", "strike", "tt", "nobr"])
    }
}

#[derive(Default)]
struct Level<'a> {
    open: Vec<&'a str>,
    left_out: Vec<&'a str>,
    /// How many `<svg>` are open: only inside one does `/>` end an element.
    drawings: usize,
}

impl<'a> Level<'a> {
    fn admits(&mut self, tag: &Tag<'a>) -> bool {
        if tag.is_flat() || (tag.self_closing && self.drawings > 0) {
            return true;
        }
        if tag.closing { self.closes(tag) } else { self.opens(tag) }
    }

    fn opens(&mut self, tag: &Tag<'a>) -> bool {
        if self.open.len() >= DEEPEST {
            self.left_out.push(tag.name);
            return false;
        }
        self.drawings += usize::from(tag.is(&["svg"]));
        self.open.push(tag.name);
        true
    }

    fn closes(&mut self, tag: &Tag<'a>) -> bool {
        if self.left_out.last().is_some_and(|name| tag.is(&[*name])) {
            self.left_out.pop();
            return false;
        }
        if tag.is(&["svg"]) {
            self.drawings = self.drawings.saturating_sub(1);
        }
        if let Some(at) = self.open.iter().rposition(|name| tag.is(&[*name])) {
            if tag.is_formatting() {
                self.open.remove(at);
            } else {
                self.open.truncate(at);
            }
        }
        true
    }
}

/// How far to go past a `<` that begins no tag: over a whole comment, or over the sign alone.
fn skipped(html: &str) -> usize {
    match html.strip_prefix("<!--").map(|comment| comment.find("-->")) {
        Some(Some(end)) => end + "<!---->".len(),
        Some(None) => html.len(),
        None => 1,
    }
}

/// The length of a script or style sheet up to its end tag.
fn raw_text(html: &str, name: &str) -> usize {
    let mut at = 0;
    while let Some(found) = html[at..].find("</") {
        at += found;
        if html[at + 2..].get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name)) {
            return at;
        }
        at += 2;
    }
    html.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_document_is_left_as_it_is() {
        let html = "<div><p>a<p>b<br/><svg><path/><path/></svg><script>i<a;</script><!-- <b> --></div>".repeat(400);
        assert!(matches!(levelled(&html), Cow::Borrowed(_)));
    }

    #[test]
    fn what_nests_too_deep_keeps_its_text() {
        let html = format!("{}word{}<i>end</i>", "<b>".repeat(1000), "</b>".repeat(1000));
        let levelled = levelled(&html);
        assert_eq!(levelled.matches("<b>").count(), DEEPEST);
        assert_eq!(levelled.matches("</b>").count(), DEEPEST);
        assert!(levelled.contains("word") && levelled.ends_with("<i>end</i>"));
    }

    #[test]
    fn end_tags_of_nothing_do_not_make_room() {
        let html = "<div></x>".repeat(1000);
        assert_eq!(levelled(&html).matches("<div>").count(), DEEPEST);
    }
}
