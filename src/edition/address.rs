//! Where feeds are: the addresses of their pages and documents.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    config::FeedSpec,
    feed::{Format, Selection},
};

/// Characters that need no escape in a path segment (RFC 3986 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The last part of a selection's address, with its query.
pub fn file_and_query(format: Format, selection: &Selection) -> String {
    let query = selection.query();
    let mark = if query.is_empty() { "" } else { "?" };
    [format.file_name(), mark, &query].concat()
}

/// The address of a feed's page, which the addresses of its documents begin with. `public_url` without a slash at the end.
pub fn page_url(public_url: &str, spec: &FeedSpec) -> String {
    format!("{public_url}/{}/", utf8_percent_encode(&spec.name, SEGMENT))
}

pub fn document_url(public_url: &str, spec: &FeedSpec, format: Format) -> String {
    page_url(public_url, spec) + format.file_name()
}

pub fn selection_url(public_url: &str, spec: &FeedSpec, format: Format, selection: &Selection) -> String {
    page_url(public_url, spec) + &file_and_query(format, selection)
}
