//! What was searched for, marked where it stands in a post's HTML. Only text is looked at, no markup; a word across
//! several elements is not marked.

use std::collections::BTreeSet;

use crate::feed::places;

/// `html` as this program writes it, with `<mark>` around the `words`.
pub fn highlight(html: &str, words: &BTreeSet<String>) -> String {
    let mut marked = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '<' => rest.find('>').map_or(rest.len(), |end| end + 1),
            '&' => rest.find(';').map_or(rest.len(), |end| end + 1),
            _ => rest.find(['<', '&']).unwrap_or(rest.len()),
        };
        let (piece, behind) = rest.split_at(end);
        match first {
            '<' | '&' => marked += piece,
            _ => mark(&mut marked, piece, words),
        }
        rest = behind;
    }
    marked
}

fn mark(marked: &mut String, text: &str, words: &BTreeSet<String>) {
    let mut end = 0;
    for place in places(text, words) {
        *marked += &text[end..place.start];
        *marked += "<mark>";
        *marked += &text[place.clone()];
        *marked += "</mark>";
        end = place.end;
    }
    *marked += &text[end..];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_marked_and_markup_is_not() {
        let words = ["tea", "amp", "b"].map(str::to_owned).into();
        assert_eq!(
            highlight(r#"<p title="tea">Tea &amp; <b>bread</b>, teapot</p>"#, &words),
            r#"<p title="tea"><mark>Tea</mark> &amp; <b><mark>b</mark>read</b>, <mark>tea</mark>pot</p>"#
        );
        assert_eq!(highlight("<p>nothing</p>", &BTreeSet::new()), "<p>nothing</p>");
        assert_eq!(highlight("a < b & c", &["c".to_owned()].into()), "a < b & c", "what is no HTML stays as it is");
    }
}
