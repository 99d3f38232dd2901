//! Validators and preconditions: RFC 9110 sections 8.8 and 13. Pure.

use hyper::{
    HeaderMap,
    header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE},
};

use super::field::list;
use crate::{
    edition::{Coding, Version},
    feed::Format,
    model::Time,
};

/// What the preconditions of a GET or HEAD ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

/// The strong entity tag of an edition: different for each format and coding. It carries the version's sequence number,
/// so that [`known_sequence`] can tell what has changed since.
pub fn etag(version: &Version, format: Format, coding: Coding) -> String {
    let Version { identity, heads, sequence, .. } = version;
    format!("\"{identity:016x}-{heads:016x}-{sequence:x}-{}-{}\"", format.as_str(), coding.as_str())
}

/// The sequence number in a tag of If-None-Match, if the tag is of this very feed as it is set up now.
/// The newest, where there are several.
pub fn known_sequence(headers: &HeaderMap, version: &Version) -> Option<u64> {
    let identity = format!("{:016x}", version.identity);
    let sequence = |tag: &str| {
        let mut fields = opaque(tag).trim_matches('"').split('-');
        let same = fields.next()? == identity;
        let number = u64::from_str_radix(fields.nth(1)?, 16).ok()?;
        (same && number < version.sequence).then_some(number)
    };
    list(headers, IF_NONE_MATCH).filter_map(sequence).max()
}

/// Evaluates in the order of RFC 9110 13.2.2. `modified` is what Last-Modified says.
pub fn evaluate(headers: &HeaderMap, etag: &str, modified: Option<Time>) -> Verdict {
    let strong = |tag: &str| tag == "*" || tag == etag;
    if headers.contains_key(IF_MATCH) {
        if !list(headers, IF_MATCH).any(strong) {
            return Verdict::Failed;
        }
    } else if let (Some(since), Some(modified)) = (date(headers, IF_UNMODIFIED_SINCE), modified)
        && modified.timestamp() > since
    {
        return Verdict::Failed;
    }
    let unchanged = if headers.contains_key(IF_NONE_MATCH) {
        list(headers, IF_NONE_MATCH).any(|tag| strong(opaque(tag)))
    } else {
        match (date(headers, IF_MODIFIED_SINCE), modified) {
            (Some(since), Some(modified)) => modified.timestamp() <= since,
            _ => false,
        }
    };
    if unchanged { Verdict::NotModified } else { Verdict::Proceed }
}

/// Without the mark of weakness, which If-None-Match does not look at.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// A date in any of the three forms, in seconds since 1970; `None` for what is no date, which is then ignored.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?;
    let time = httpdate::parse_http_date(text).ok()?;
    i64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
}
