//! The hub over HTTP: takes subscribers' requests, and gives the hub the feeds as readers would get them.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Method, StatusCode,
    body::Body,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    http::request::Parts,
};
use tokio::time::timeout;

use super::{
    Site,
    answer::{self, Answer, problem},
    not_allowed, refuse_host,
};
use crate::{
    demand,
    edition::{Coding, Key},
    hub::{Document, Hub, Refusal, Topics},
    shelf::Origin,
};

/// The longest callback and secret fit in well.
const BODY_BYTES: usize = 8 << 10;
const BODY_TIME: Duration = Duration::from_secs(15);
const FORM: &str = "application/x-www-form-urlencoded";
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("3600");

/// 202 for what is going to be verified (WebSub, section 5.2), else what is wrong.
pub async fn answer<B>(site: &Site, hub: &Hub, parts: &Parts, body: B) -> Answer
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    if let Some(refusal) = refuse_host(parts) {
        return refusal;
    }
    if parts.method != Method::POST {
        return not_allowed("POST", "A hub takes WebSub requests by POST.");
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM) {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A WebSub request is form-encoded.");
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    match hub.receive(&body, |topic| site.topic(topic).is_some()).await {
        Ok(()) => answer::plain(StatusCode::ACCEPTED, "The request is going to be verified.\n"),
        Err(refusal) => refuse(refusal),
    }
}

async fn read<B>(body: B) -> Result<Bytes, Answer>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    match timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "A WebSub request has at most 8 KiB."))
        }
        Ok(Err(_)) => Err(problem(StatusCode::BAD_REQUEST, "The request broke off.")),
        Err(_) => Err(problem(StatusCode::REQUEST_TIMEOUT, "The request took too long.")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    let status = match refusal {
        Refusal::ForeignTopic => StatusCode::NOT_FOUND,
        Refusal::TopicFull | Refusal::HostFull | Refusal::Busy => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = problem(status, &refusal.to_string());
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = if refusal == Refusal::Busy { answer::RETRY_AFTER_SECONDS } else { RETRY_AFTER_SECONDS };
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// The site's feeds as topics.
pub struct FeedTopics(pub Arc<Site>);

impl Topics for FeedTopics {
    fn addresses(&self) -> Vec<String> {
        self.0.topics()
    }

    async fn heads(&self, topic: &str) -> Option<u64> {
        let (feed, _) = self.0.topic(topic)?;
        Some(self.0.version(&feed).await.ok()?.heads)
    }

    fn subscribed(&self, topic: &str) {
        if let Some((feed, _)) = self.0.topic(topic) {
            self.0.note_reader(&feed, demand::reader(topic));
        }
    }

    async fn document(&self, topic: &str) -> Option<Document> {
        let (feed, format) = self.0.topic(topic)?;
        let version = self.0.version(&feed).await.ok()?;
        let key = Key::whole(feed, format, Coding::Identity);
        let (edition, origin) = self.0.edition(key, version).await.ok()?;
        (origin != Origin::Outdated).then(|| Document {
            heads: edition.version.heads,
            bytes: edition.bytes.clone(),
            content_type: format.content_type(),
        })
    }
}
