//! The HTTP server: answers readers from what is stored, and never waits for upstream.
//! The only module that knows hyper.
//!
//! A request goes through [`route`](mod@route), which says what is wanted; `documents` serve feeds, `pages` people,
//! `health` machines, `hub` subscribers. `negotiation` and `conditional` hold the rules of RFC 9110, purely.

mod access;
mod answer;
mod body;
mod bounded;
mod client;
mod conditional;
mod connection;
mod demand;
mod documents;
mod field;
mod health;
mod hub;
mod media;
mod negotiation;
mod pages;
mod peers;
mod range;
mod rate;
mod route;
mod seats;
mod site;
mod visitor;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use hyper::{
    Method, Request, StatusCode, Version,
    body::Body as HttpBody,
    header::{ALLOW, HOST, HeaderValue},
    http::request::Parts,
};

pub use body::Body;
pub use connection::{Sites, run};
pub use hub::FeedTopics;
pub use site::Site;

use answer::{Answer, problem};
use route::Route;

/// Longer request targets are refused (RFC 9110 15.5.15).
const TARGET_BYTES: usize = 8 << 10;

/// Who is connected. An extension of requests; those without it meet no limits.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Answers one request. Only the hub reads the body, and of any kind, so it is the same with and without a socket.
pub async fn handle<B>(site: &Arc<Site>, request: Request<B>) -> Answer
where
    B: HttpBody<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let (mut parts, body) = request.into_parts();
    let (class, response) = match (turn_away(site, &mut parts), &site.hub) {
        (Some(refusal), _) => ("none", refusal),
        (None, Some(hub)) if parts.uri.path() == "/hub" => ("hub", hub::answer(site, hub, &parts, body).await),
        _ => answer(site, &parts).await,
    };
    let mut response = answer::finish(response, &parts.method);
    if site.tokens().is_some() {
        access::keep_from_shared_caches(&mut response);
    }
    let (status, bytes) = (response.status().as_u16(), answer::body_length(&response));
    site.metrics.request(class, status, bytes);
    // Letters outside of ASCII may stand in a target, and some of them break lines.
    tracing::debug!(method = %parts.method, target = %parts.uri.to_string().escape_debug(), status, bytes, "answered");
    response
}

/// What those get who ask too often or for what is not theirs. From here on no target holds a token.
fn turn_away(site: &Site, parts: &mut Parts) -> Option<Answer> {
    let limited = site.rate(parts, Instant::now());
    let refusal = access::refuse(site.tokens(), parts);
    let Err(wait) = limited else { return refusal };
    site.metrics.refused("requests_per_minute");
    Some(answer::too_many(wait))
}

/// The answer, and the class of its route for the metrics.
async fn answer(site: &Arc<Site>, parts: &Parts) -> (&'static str, Answer) {
    if let Some(refusal) = refuse(parts) {
        return ("none", refusal);
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut route = Route::of(parts.uri.path(), query, &site.feeds.now());
    let class = route.class();
    if let Route::Unfollowed(name, wanted) = &route {
        if let Err(answer) = demand::follow(site, parts, name, *wanted).await {
            return (class, answer);
        }
        route = Route::of(parts.uri.path(), query, &site.feeds.now());
    }
    let class = route.class();
    if let Some(feed) = route.feed() {
        site.read(parts, feed);
    }
    let response = match route {
        Route::Index => pages::index(site, parts).await,
        Route::Page(feed) => pages::archive(site, parts, feed).await,
        Route::Post(feed, id) => pages::post(site, parts, feed, id).await,
        Route::Chapters(feed, id) => pages::chapters(site, parts, feed, id).await,
        Route::Day(feed, date) => pages::day(site, parts, feed, date).await,
        Route::Tags(feed) => pages::tags(site, parts, feed).await,
        Route::Status => pages::status_page(site, parts).await,
        Route::StatusDocument(format) => pages::status_document(site, parts, format).await,
        Route::Opml => pages::opml(site, parts).await,
        Route::Sitemap => pages::sitemap(site, parts).await,
        Route::Robots => pages::robots(site),
        Route::Document(feed, format) => documents::serve(site, parts, feed, format).await,
        Route::Media(address) => media::answer(site, parts, &address).await,
        Route::Style => pages::style(),
        Route::Icon(icon) => icon.answer(),
        Route::Health => health::report(site).await,
        Route::Live => answer::plain(StatusCode::OK, "ok\n"),
        Route::Ready => health::ready(site),
        Route::Metrics => health::metrics(site, parts).await,
        Route::Moved(location) => answer::moved(&location),
        // Another generation serves it by now.
        Route::Unfollowed(..) => problem(StatusCode::SERVICE_UNAVAILABLE, "The feed is being set up."),
        Route::Unknown => problem(StatusCode::NOT_FOUND, "There is nothing at this address."),
    };
    (class, response)
}

/// What is wrong with a request before its target is looked at.
fn refuse(parts: &Parts) -> Option<Answer> {
    if let Some(refusal) = refuse_host(parts) {
        return Some(refusal);
    }
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Some(not_allowed("GET, HEAD", "Only GET and HEAD are answered here."));
    }
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_BYTES) {
        return Some(problem(StatusCode::URI_TOO_LONG, "No address here is that long."));
    }
    None
}

fn refuse_host(parts: &Parts) -> Option<Answer> {
    if parts.version == Version::HTTP_11 && parts.headers.get_all(HOST).iter().count() != 1 {
        return Some(problem(StatusCode::BAD_REQUEST, "A request names its host, once (RFC 9112, section 3.2)."));
    }
    None
}

fn not_allowed(allowed: &'static str, detail: &str) -> Answer {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, detail);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
