//! What arrived, before anything is read out of it: the list of posts taken out of an XHR's answer, a cut page refused.
//! Looks at characters alone, never at elements.

use std::borrow::Cow;

use super::Error;

/// Words that every page of the upstream's holds near its beginning.
const MARKS: [&str; 2] = ["tgme_", "//telegram.org/"];

/// A whole answer.
pub(super) struct Source<'a> {
    pub html: Cow<'a, str>,
    /// The bare list of posts that an XHR gets, which may be empty.
    pub is_list: bool,
}

pub(super) fn read(answer: &str) -> Result<Source<'_>, Error> {
    let answer = answer.trim_start_matches('\u{feff}').trim();
    if answer.starts_with('"') {
        let list: String = serde_json::from_str(answer).map_err(|_| broken(answer))?;
        return Ok(Source { html: Cow::Owned(list), is_list: true });
    }
    if is_cut(answer) {
        return Err(broken(answer));
    }
    Ok(Source { html: Cow::Borrowed(answer), is_list: false })
}

/// Whether an answer of which but a part is read, which need not be there, is a whole page of the upstream's.
pub(super) fn whole(answer: &str) -> Result<(), Error> {
    let source = read(answer)?;
    if is_marked(&source.html) { Ok(()) } else { Err(Error::NotTelegram) }
}

fn broken(answer: &str) -> Error {
    if is_marked(answer) { Error::Truncated } else { Error::NotTelegram }
}

fn is_marked(answer: &str) -> bool {
    MARKS.iter().any(|mark| answer.contains(mark))
}

/// A page has an end, and its posts end before that; a list of posts has none.
fn is_cut(html: &str) -> bool {
    let is_page = ["<html", "<main", "<!doctype"].iter().any(|start| finds(html, start));
    is_page && !finds(html, "</html>") && !finds(html, "</main>")
}

fn finds(html: &str, tag: &str) -> bool {
    html.as_bytes().windows(tag.len()).any(|window| window.eq_ignore_ascii_case(tag.as_bytes()))
}
