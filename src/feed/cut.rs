//! The beginning of a body that is too long for its feed. Takes HTML as `markup` writes it and stays well-formed.
//! Knows nothing of posts.

use unicode_segmentation::UnicodeSegmentation;

use super::markup::Html;

/// Elements after which a body may end.
const BLOCKS: [&str; 18] = [
    "p",
    "blockquote",
    "ul",
    "ol",
    "li",
    "pre",
    "figure",
    "details",
    "table",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "div",
    "hr",
];
const VOID: [&str; 5] = ["br", "hr", "img", "source", "wbr"];

/// About as many bytes as `content` takes where all markup is escaped.
pub(super) fn weight(content: &str) -> usize {
    content.len() + 4 * content.bytes().filter(|byte| b"<>&\"'".contains(byte)).count()
}

/// As much of the beginning of `content` as weighs no more than `most`, up to the end of a paragraph, and a link to
/// where the whole is; up to the end of a line or a word where paragraphs are long.
pub(super) fn cut(content: &str, most: usize, link: &str) -> String {
    let rest = rest(link);
    let mut walk = Walk::new(most.saturating_sub(weight(&rest)));
    walk.through(content);
    let Some(end) = walk.best() else { return rest };
    let dots = if end.kind == Kind::Paragraph { "" } else { "…" };
    let closing: String = end.open.iter().rev().map(|name| format!("</{name}>")).collect();
    [content[..end.at].trim_end(), dots, &closing, &rest].concat()
}

fn rest(link: &str) -> String {
    let mut html = Html::default();
    let shown = link.split_once("://").map_or(link, |(_, shown)| shown);
    html.paragraph(|html| html.link(Some(link), |html| html.text(&format!("… {shown}"))));
    html.finish()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Paragraph,
    Line,
    Word,
}

/// A place where a body may end.
struct End<'a> {
    kind: Kind,
    at: usize,
    /// Of what stands before, and of the end tags that are to follow.
    weight: usize,
    /// The elements that are open there.
    open: Vec<&'a str>,
}

/// A way through a body, as far as there is room.
struct Walk<'a> {
    room: usize,
    at: usize,
    weight: usize,
    open: Vec<&'a str>,
    /// The last end of each kind.
    ends: Vec<End<'a>>,
}

impl<'a> Walk<'a> {
    fn new(room: usize) -> Self {
        Self { room, at: 0, weight: 0, open: Vec::new(), ends: Vec::new() }
    }

    fn through(&mut self, content: &'a str) {
        while self.weight <= self.room && self.at < content.len() {
            let rest = &content[self.at..];
            if rest.starts_with('<') {
                self.tag(&rest[..tag_length(rest)]);
            } else {
                self.text(&rest[..rest.find('<').unwrap_or(rest.len())]);
            }
        }
    }

    fn tag(&mut self, tag: &'a str) {
        let name = tag.trim_start_matches(['<', '/']).split([' ', '>', '/']).next().unwrap_or_default();
        if name == "br" {
            self.may_end(Kind::Line);
        }
        self.pass(tag);
        if !tag.starts_with("</") {
            self.open.extend((!VOID.contains(&name)).then_some(name));
        } else if let Some(depth) = self.open.iter().rposition(|open| *open == name) {
            self.open.truncate(depth);
            if BLOCKS.contains(&name) {
                self.may_end(Kind::Paragraph);
            }
        }
    }

    fn text(&mut self, text: &'a str) {
        let mut in_entity = false;
        for word in text.split_word_bounds() {
            self.pass(word);
            in_entity = (in_entity || word == "&") && word != ";";
            if !in_entity {
                self.may_end(Kind::Word);
            }
        }
    }

    fn pass(&mut self, passed: &str) {
        self.at += passed.len();
        self.weight += weight(passed);
    }

    fn may_end(&mut self, kind: Kind) {
        let closing = |name: &&str| weight("</>") + name.len();
        let weight = self.weight + self.open.iter().map(closing).sum::<usize>();
        if weight <= self.room {
            self.ends.retain(|end| end.kind != kind);
            self.ends.push(End { kind, at: self.at, weight, open: self.open.clone() });
        }
    }

    /// The end of a paragraph, unless that leaves out more than half of what there is room for.
    fn best(self) -> Option<End<'a>> {
        let enough = self.ends.iter().map(|end| end.weight).max()? / 2;
        let good = |kind| self.ends.iter().position(|end| end.kind == kind && end.weight >= enough);
        let index = [Kind::Paragraph, Kind::Line, Kind::Word].into_iter().find_map(good)?;
        self.ends.into_iter().nth(index)
    }
}

/// Of the tag that `html` begins with. A value in quotes may hold what ends a tag.
fn tag_length(html: &str) -> usize {
    let mut quoted = false;
    let end = html.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    });
    end.map_or(html.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://t.me/kitchen/7";
    const REST: &str = r#"<p dir="auto"><a href="https://t.me/kitchen/7">… t.me/kitchen/7</a></p>"#;

    fn cut_to(content: &str, room: usize) -> String {
        let cut = cut(content, room + weight(REST), LINK);
        assert!(weight(&cut) <= room + weight(REST) + "…".len(), "{cut}");
        cut.strip_suffix(REST).unwrap_or_else(|| panic!("{cut}")).to_owned()
    }

    #[test]
    fn a_body_ends_with_a_paragraph() {
        let body = "<p>One.</p><ul><li>two</li><li>three</li></ul><p>Four five six seven eight.</p>";
        assert_eq!(cut_to(body, 120), "<p>One.</p><ul><li>two</li><li>three</li></ul>");
        assert_eq!(cut_to(body, 100), "<p>One.</p><ul><li>two</li></ul>");
    }

    #[test]
    fn a_long_paragraph_ends_with_a_line_or_a_word() {
        let lines = format!("<p>1<br><b>{}<br>{}</b></p>", "a ".repeat(100), "b ".repeat(100));
        assert_eq!(cut_to(&lines, 350), format!("<p>1<br><b>{}…</b></p>", "a ".repeat(100).trim_end()));
        let words = format!("<p>Short.</p><p><i>{}</i></p>", "word ".repeat(100));
        assert_eq!(cut_to(&words, 200), format!("<p>Short.</p><p><i>{}…</i></p>", "word ".repeat(25).trim_end()));
        assert_eq!(cut_to(&format!("<p>{}</p>", "茶".repeat(100)), 60), format!("<p>{}…</p>", "茶".repeat(12)));
    }

    #[test]
    fn no_entity_and_no_tag_is_cut_in_two() {
        let body = format!(r#"<p><a href="https://x/?a=&gt;">{}</a></p>"#, "&amp; ".repeat(50));
        for room in 0..weight(&body) {
            let cut = cut_to(&body, room);
            let text = cut.split("&gt;\">").nth(1).unwrap_or_default().split('<').next().unwrap_or_default();
            assert_eq!(text.trim_end_matches('…').replace("&amp;", "").trim(), "", "{cut}");
            assert!(cut.is_empty() || cut.ends_with("</p>"), "{cut}");
        }
    }

    #[test]
    fn a_body_of_which_nothing_fits_is_the_link() {
        assert_eq!(cut("<p>word</p>", 0, LINK), REST);
    }
}
