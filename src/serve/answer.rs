//! Responses of the kinds that several routes give, and the fields that all of them carry.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use hyper::{
    Method, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use serde_json::json;

use super::body::Body;

pub type Answer = Response<Body>;

/// How long clients wait before they ask again what could not be served, in seconds.
pub const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("30");

pub fn new(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response
}

/// Of pieces as they come; `length` in bytes, where it is known.
pub fn pieces(status: StatusCode, pieces: BoxStream<'static, io::Result<Bytes>>, length: Option<u64>) -> Answer {
    let mut response = Response::new(Body::Pieces { pieces, left: length });
    *response.status_mut() = status;
    response
}

/// With a type and a Cache-Control.
pub fn typed(status: StatusCode, content_type: &'static str, cache: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = new(status, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

pub fn plain(status: StatusCode, text: &'static str) -> Answer {
    typed(status, "text/plain; charset=utf-8", "no-store", text)
}

/// An error as of RFC 9457. A 503 says when to come back.
pub fn problem(status: StatusCode, detail: &str) -> Answer {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    let mut response = typed(status, "application/problem+json", "no-store", body.to_string());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

/// For who may ask again after `wait`.
pub fn too_many(wait: Duration) -> Answer {
    let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "Too many requests came from your address.");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    response
}

/// A permanent redirect to `location`, a reference relative to the address asked for: right behind any proxy.
pub fn moved(location: &str) -> Answer {
    redirect(StatusCode::PERMANENT_REDIRECT, "public, max-age=3600", location)
}

/// As [`moved`], but for now only.
pub fn found_elsewhere(location: &str) -> Answer {
    redirect(StatusCode::TEMPORARY_REDIRECT, "no-store", location)
}

/// To an absolute address that holds for the moment.
pub fn sent_elsewhere(url: &str) -> Answer {
    redirect(StatusCode::FOUND, "no-store", url)
}

fn redirect(status: StatusCode, cache: &'static str, location: &str) -> Answer {
    let mut response = typed(status, "text/plain; charset=utf-8", cache, "");
    match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(LOCATION, value);
            response
        }
        Err(_) => problem(StatusCode::NOT_FOUND, "There is nothing at this address."),
    }
}

/// Adds what every response carries. HEAD gets the fields of GET, its length too, and no body (RFC 9110 9.3.2).
pub fn finish(mut response: Answer, method: &Method) -> Answer {
    let length = response.body().length();
    let bare = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(length) = length.filter(|_| !bare) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *method == Method::HEAD {
        *response.body_mut() = Body::default();
    }
    response
}

/// As far as it is known.
pub fn body_length(response: &Answer) -> usize {
    response.body().length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0)
}
