//! Feeds over HTTP: RSS, Atom and JSON, whole or as the changes since an earlier version (RFC 3229).

use std::sync::Arc;

use chrono::Utc;
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, LINK, VARY},
    http::request::Parts,
};

use super::{
    Site,
    answer::{self, Answer, problem},
    conditional::{self, Verdict, etag, evaluate},
    negotiation,
};
use crate::{
    edition::{Coding, Edition, Key, Version, document_url, file_and_query},
    feed::{Format, Selection},
    feeds::FeedId,
    hub,
    model::Time,
    shelf::Origin,
};

/// The steps of max-age. Less would make readers ask for nothing; more would hide a channel that starts to speak.
const MAX_AGE_SECONDS: [i64; 7] = [60, 120, 300, 600, 900, 1800, 3600];

pub async fn serve(site: &Arc<Site>, parts: &Parts, feed: FeedId, format: Format) -> Answer {
    let asked = parts.uri.query().unwrap_or_default();
    let selection = match Selection::parse(asked, feed.settings.posts) {
        Ok(selection) => selection,
        Err(refusal) => return problem(StatusCode::BAD_REQUEST, &refusal.to_string()),
    };
    let query = selection.query();
    if query != asked {
        return answer::moved(&format!("./{}", file_and_query(format, &selection)));
    }
    let Some(coding) = negotiation::coding(&parts.headers) else {
        let mut refusal = problem(StatusCode::NOT_ACCEPTABLE, "This is to be had as gzip, br, zstd and plain.");
        refusal.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        return refusal;
    };
    let selection = (!query.is_empty()).then(|| Arc::new(selection));
    document(site, parts, Key { selection, ..Key::whole(feed, format, coding) }).await
}

async fn document(site: &Arc<Site>, parts: &Parts, key: Key) -> Answer {
    let mut lasting = false;
    let found = match site.selected_version(&key).await {
        Ok(None) => return not_archived(&key),
        Ok(Some((version, settled))) => {
            lasting = settled;
            if let Some(early) = precondition(site, parts, &key, &version, lasting) {
                return early;
            }
            if let Some(delta) = delta(site, parts, &key, version).await {
                return delta;
            }
            site.edition(key.clone(), version).await
        }
        Err(error) => site.last_good(&key).map(|edition| (edition, Origin::Outdated)).ok_or(error),
    };
    match found {
        Ok((edition, origin)) => {
            count(site, origin);
            whole(site, parts, &key, &edition, lasting && origin != Origin::Outdated)
        }
        Err(error) => {
            tracing::warn!(feed = key.feed.name, %error, "feed cannot be served");
            problem(StatusCode::SERVICE_UNAVAILABLE, "The feed cannot be read at the moment.")
        }
    }
}

/// What is not archived yet is in the current feed.
fn not_archived(key: &Key) -> Answer {
    let current = key.selection.as_ref().map(|selection| selection.at(None)).unwrap_or_default();
    answer::found_elsewhere(&format!("./{}", file_and_query(key.format, &current)))
}

fn count(site: &Site, origin: Origin) {
    site.metrics.edition(match origin {
        Origin::Shelved => "shelved",
        Origin::Made => "made",
        Origin::Outdated => "outdated",
    });
}

/// The edition in full. Its version may be another than the one that was wanted, so the preconditions are looked at again.
fn whole(site: &Site, parts: &Parts, key: &Key, edition: &Edition, lasting: bool) -> Answer {
    if let Some(early) = precondition(site, parts, key, &edition.version, lasting) {
        return early;
    }
    let mut response = answer::new(StatusCode::OK, edition.bytes.clone());
    let headers = response.headers_mut();
    put_validators(headers, key, &edition.version);
    put_content(headers, key);
    put_links(headers, site, key);
    put(headers, CACHE_CONTROL, &cache_control(site, key, lasting));
    response
}

/// 304 or 412, when the request asks for it.
fn precondition(site: &Site, parts: &Parts, key: &Key, version: &Version, lasting: bool) -> Option<Answer> {
    let tag = etag(version, key.format, key.coding);
    match evaluate(&parts.headers, &tag, version.modified) {
        Verdict::Proceed => None,
        Verdict::Failed => Some(problem(StatusCode::PRECONDITION_FAILED, "The feed is at another version.")),
        Verdict::NotModified => {
            let mut response = answer::new(StatusCode::NOT_MODIFIED, "");
            put_validators(response.headers_mut(), key, version);
            put(response.headers_mut(), CACHE_CONTROL, &cache_control(site, key, lasting));
            Some(response)
        }
    }
}

/// The entries changed since the version that the reader has, if it asks for that and if they are some, but not all.
async fn delta(site: &Arc<Site>, parts: &Parts, key: &Key, version: Version) -> Option<Answer> {
    if is_archive(key) || !negotiation::takes_deltas(&parts.headers) {
        return None;
    }
    let theirs = conditional::known_sequence(&parts.headers, &version)?;
    let (full, _) = site.edition(key.in_coding(Coding::Identity), version).await.ok()?;
    let unchanged = full.sequences.partition_point(|sequence| *sequence <= theirs);
    if unchanged == full.sequences.len() {
        return None;
    }
    // The same delta serves all versions between two entries: there are no more deltas of a feed than entries.
    let since = *full.sequences.get(unchanged.checked_sub(1)?)?;
    let (edition, origin) = site.edition(Key { since: Some(since), ..key.clone() }, version).await.ok()?;
    if origin == Origin::Outdated {
        return None;
    }
    count(site, origin);
    let mut response = answer::new(StatusCode::IM_USED, edition.bytes.clone());
    let headers = response.headers_mut();
    put_validators(headers, key, &edition.version);
    put_content(headers, key);
    put_links(headers, site, key);
    headers.insert("im", HeaderValue::from_static("feed"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, im"));
    headers.insert(VARY, HeaderValue::from_static("A-IM, If-None-Match, Accept-Encoding"));
    Some(response)
}

/// What 200 and 304 have in common.
fn put_validators(headers: &mut HeaderMap, key: &Key, version: &Version) {
    put(headers, ETAG, &etag(version, key.format, key.coding));
    // Never later than Date (RFC 9110 8.8.2.1), though the store's times may run ahead of a clock set back.
    if let Some(modified) = version.modified {
        put(headers, LAST_MODIFIED, &http_date(modified.min(Utc::now())));
    }
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
}

fn put_content(headers: &mut HeaderMap, key: &Key) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(key.format.content_type()));
    if key.coding != Coding::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(key.coding.as_str()));
    }
}

/// Where to subscribe to changes, if there is a hub (WebSub, section 4).
fn put_links(headers: &mut HeaderMap, site: &Site, key: &Key) {
    if let Some(hub) = site.hub_url.as_ref().filter(|_| key.selection.is_none() && key.format.is_offered()) {
        let topic = document_url(&site.config.server.public_url, &key.feed, key.format);
        put(headers, LINK, &hub::link(hub, &topic));
    }
}

fn put(headers: &mut HeaderMap, name: hyper::header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn http_date(time: Time) -> String {
    httpdate::fmt_http_date(time.into())
}

fn is_archive(key: &Key) -> bool {
    key.selection.as_ref().is_some_and(|selection| selection.end().is_some())
}

/// `lasting` tells that the document will never be another.
fn cache_control(site: &Site, key: &Key, lasting: bool) -> String {
    if lasting {
        return "public, max-age=31536000, immutable".to_owned();
    }
    let seconds = key.feed.channels.iter().filter_map(|name| site.board.get(name)?.next_poll).min();
    let seconds = seconds.map_or(0, |next| (next - Utc::now()).num_seconds());
    format!("public, max-age={}", max_age(seconds))
}

/// Until the next poll, in few steps, so that requests at about the same time get the same answer.
fn max_age(seconds_to_poll: i64) -> i64 {
    MAX_AGE_SECONDS.into_iter().rev().find(|step| *step <= seconds_to_poll).unwrap_or(MAX_AGE_SECONDS[0])
}
