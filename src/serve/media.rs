//! `/media/…`: from an address of our own to the file that it stands for: led to where it is, or served from here.

use std::{io, sync::Arc, time::Duration};

use futures_util::StreamExt;
use hyper::{
    StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
        HeaderMap, HeaderValue, RANGE, RETRY_AFTER,
    },
    http::request::Parts,
};

use super::{
    Site,
    answer::{Answer, pieces, problem, sent_elsewhere},
    conditional::{Verdict, evaluate},
    range::{Part, part},
};
use crate::media::{Address, Cache, Download, Entry, Found, Opened, Progress, Reading, SAVED, Unread};

/// A file does not change: what an edit puts in its place is another one, and rare.
const LASTING: &str = "public, max-age=604800, immutable";
/// Whatever the file turns out to be, nothing in it runs.
const POLICY: &str = "sandbox; default-src 'none'";

pub async fn answer(site: &Site, parts: &Parts, address: &Address) -> Answer {
    let answered = match (site.cache(), site.present()) {
        (Some(cache), _) => from_cache(cache, parts, address).await,
        (None, Some(present)) => match address.voice() {
            // It was made when files were kept.
            Some(voice) => Ok(sent_elsewhere(&format!("./{}", voice.name()))),
            None => present.find(address).await.map(led),
        },
        (None, None) => Ok(nothing()),
    };
    answered.unwrap_or_else(|error| {
        tracing::warn!(%error, "a file's post cannot be read");
        problem(StatusCode::SERVICE_UNAVAILABLE, "The post cannot be read at the moment.")
    })
}

fn led(found: Found) -> Answer {
    match found {
        Found::At(url) => sent_elsewhere(&url),
        Found::Nothing => nothing(),
        Found::Gone => gone(),
        Found::Later(wait) => later(wait),
    }
}

async fn from_cache(cache: &Arc<Cache>, parts: &Parts, address: &Address) -> Result<Answer, Unread> {
    Ok(match cache.get(address).await? {
        Opened::Stored(entry) => stored(cache, parts, &entry).await,
        Opened::Coming(download) => match a_part(cache, parts, address).await {
            Some(part) => part,
            None => coming(&download),
        },
        Opened::At(url) => sent_elsewhere(&url),
        Opened::Nothing => nothing(),
        Opened::Gone => gone(),
        Opened::Later(wait) => later(wait),
    })
}

async fn stored(cache: &Cache, parts: &Parts, entry: &Entry) -> Answer {
    let tag = format!("\"{}\"", &entry.digest.0);
    let (status, range) = match (evaluate(&parts.headers, &tag, None), part(&parts.headers, entry.length, &tag)) {
        (Verdict::Failed, _) => return problem(StatusCode::PRECONDITION_FAILED, "The file is another one."),
        (Verdict::NotModified, _) => {
            let mut answer = super::answer::new(StatusCode::NOT_MODIFIED, "");
            put(answer.headers_mut(), ETAG, &tag);
            put(answer.headers_mut(), CACHE_CONTROL, LASTING);
            return answer;
        }
        (Verdict::Proceed, Part::Unsatisfiable) => {
            let mut answer = problem(StatusCode::RANGE_NOT_SATISFIABLE, "The file ends before that.");
            put(answer.headers_mut(), CONTENT_RANGE, &format!("bytes */{}", entry.length));
            return answer;
        }
        (Verdict::Proceed, Part::Whole) => (StatusCode::OK, 0..entry.length),
        (Verdict::Proceed, Part::Of(range)) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let length = range.end - range.start;
    let read = match cache.read(entry, range.clone()).await {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(%error, "a stored file cannot be read");
            cache.lost(&entry.digest);
            return problem(StatusCode::SERVICE_UNAVAILABLE, "The file cannot be read at the moment.");
        }
    };
    let answer = match read {
        Reading::Whole(bytes) => super::answer::new(status, bytes),
        Reading::Pieces(read) => pieces(status, read, Some(length)),
    };
    let mut answer = file(answer, &entry.mime);
    let headers = answer.headers_mut();
    put(headers, ETAG, &tag);
    put(headers, CACHE_CONTROL, LASTING);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        put(headers, CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, entry.length));
    }
    answer
}

/// As it comes. What is not whole yet has no tag.
fn coming(download: &Arc<Download>) -> Answer {
    let (length, mime) = match &*download.progress().borrow() {
        Progress::Coming { length, mime, .. } => (*length, *mime),
        Progress::Done { length, mime, .. } => (Some(*length), *mime),
        Progress::Asked | Progress::Failed(_) => (None, SAVED),
    };
    let mut answer = file(pieces(StatusCode::OK, download.read(0, length.unwrap_or(u64::MAX)), length), mime);
    put(answer.headers_mut(), CACHE_CONTROL, "no-store");
    answer
}

/// A part of a file that is not whole here, as upstream gives it: who looks into the middle of a film need not wait.
async fn a_part(cache: &Cache, parts: &Parts, address: &Address) -> Option<Answer> {
    let range = parts.headers.get(RANGE)?.to_str().ok().filter(|range| !range.contains(','))?;
    let Ok(Found::At(url)) = cache.present().find(address).await else { return None };
    let found = cache.present().files().part(&url, range).await.ok()??;
    let length = found.body.length;
    let read = found.body.pieces.map(|piece| piece.map_err(io::Error::other)).boxed();
    let mut answer = file(pieces(StatusCode::PARTIAL_CONTENT, read, length), address.mime());
    put(answer.headers_mut(), CONTENT_RANGE, &found.content_range);
    put(answer.headers_mut(), CACHE_CONTROL, "no-store");
    Some(answer)
}

fn file(mut answer: Answer, mime: &str) -> Answer {
    let headers = answer.headers_mut();
    put(headers, CONTENT_TYPE, mime);
    put(headers, CONTENT_SECURITY_POLICY, POLICY);
    if mime == SAVED {
        put(headers, CONTENT_DISPOSITION, "attachment");
    }
    answer
}

fn put(headers: &mut HeaderMap, name: hyper::header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn nothing() -> Answer {
    problem(StatusCode::NOT_FOUND, "No stored post has such a file.")
}

fn gone() -> Answer {
    problem(StatusCode::GONE, "Telegram does not show the post any more, nor the file.")
}

fn later(wait: Duration) -> Answer {
    let words = "Telegram's address of the file is dead, and the post could not be asked for a new one yet.";
    let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, words);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    answer
}
