//! From a page to a response: compressed as the reader likes, revalidated by the digest of what it says, and closed to
//! scripts of others.

use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use chrono::Utc;
use hyper::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderValue, LAST_MODIFIED, VARY},
    http::request::Parts,
};

use super::{assets, digest};
use crate::{
    edition::Coding,
    feed::Refusal,
    model::Time,
    serve::{
        Site,
        answer::{self, Answer, problem},
        conditional::{Verdict, evaluate},
        negotiation,
    },
    store,
};

/// A document, before anyone's wishes for its form.
pub struct Made {
    pub content_type: &'static str,
    pub cache: &'static str,
    /// For Last-Modified, where it is known.
    pub changed: Option<Time>,
    /// Whether search engines may show it.
    pub indexed: bool,
    pub body: Bytes,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the store cannot be read")]
    Store(#[from] store::Error),
    #[error("the template cannot be filled in")]
    Template(#[from] askama::Error),
    #[error("it cannot be compressed")]
    Encode(#[from] std::io::Error),
    #[error("there is nothing at this address")]
    Missing,
    #[error(transparent)]
    Query(#[from] Refusal),
    #[error("it is at {0}")]
    Moved(String),
}

/// A page in HTML.
pub fn html(page: &impl Template, indexed: bool) -> Result<Made, Failure> {
    Ok(Made {
        content_type: "text/html; charset=utf-8",
        cache: "no-cache",
        changed: None,
        indexed,
        body: page.render()?.into(),
    })
}

/// Makes the document on a thread that may block; only a few at once, so that no crowd of searches holds up the feeds.
pub async fn reply(
    site: &Arc<Site>,
    parts: &Parts,
    make: impl FnOnce(&Site) -> Result<Made, Failure> + Send + 'static,
) -> Answer {
    let Some(coding) = negotiation::coding(&parts.headers) else {
        let mut refusal = problem(StatusCode::NOT_ACCEPTABLE, "This is to be had as gzip, br, zstd and plain.");
        refusal.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        return refusal;
    };
    let headers = parts.headers.clone();
    let answered = site.leisurely(move |site| make(site).and_then(|made| finish(&made, coding, &headers))).await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(Failure::Missing)) => problem(StatusCode::NOT_FOUND, "There is nothing at this address."),
        Ok(Err(Failure::Query(refusal))) => problem(StatusCode::BAD_REQUEST, &refusal.to_string()),
        Ok(Err(Failure::Moved(location))) => answer::moved(&location),
        Ok(Err(Failure::Store(error))) => {
            tracing::warn!(target = %parts.uri.path(), %error, "page cannot be made");
            problem(StatusCode::SERVICE_UNAVAILABLE, "The posts cannot be read at the moment.")
        }
        Ok(Err(Failure::Template(_) | Failure::Encode(_))) | Err(_) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be made.")
        }
    }
}

fn finish(made: &Made, coding: Coding, request: &HeaderMap) -> Result<Answer, Failure> {
    let tag = format!("\"{}-{}\"", &digest(&made.body)[..32], coding.as_str());
    let mut response = match evaluate(request, &tag, made.changed) {
        Verdict::Proceed => {
            let body = coding.encode(&made.body)?;
            let mut response = answer::typed(StatusCode::OK, made.content_type, made.cache, body);
            if coding != Coding::Identity {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
            }
            response
        }
        Verdict::Failed => return Ok(problem(StatusCode::PRECONDITION_FAILED, "The page is at another version.")),
        Verdict::NotModified => answer::new(StatusCode::NOT_MODIFIED, ""),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(assets::policy()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(made.cache));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if !made.indexed {
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
    let changed = made.changed.map(|changed| httpdate::fmt_http_date(changed.min(Utc::now()).into()));
    for (name, value) in [(ETAG, Some(tag)), (LAST_MODIFIED, changed)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}
