//! What machines ask: whether the process lives, whether it serves, how the channels stand, the metrics.

use std::sync::Arc;

use chrono::SecondsFormat;
use hyper::{StatusCode, http::request::Parts};
use serde::Serialize;

use super::{
    Site,
    answer::{self, Answer, problem},
    negotiation,
};
use crate::{
    metrics::Snapshot,
    model::{ChannelName, Time},
    status::{Health, HostStatus, HubStatus, Status},
    store::{self, Head},
};

type Line = (ChannelName, Status, Head);

/// What `/health` says; times in RFC 3339.
#[derive(Serialize)]
struct Report<'a> {
    /// `ok`, `degraded` or `down`.
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    /// Why a changed configuration is not in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_error: Option<String>,
    store: StoreReport<'a>,
    hosts: Vec<HostStatus>,
    /// Of the hub of the daemon's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<HubStatus>,
    channels: Vec<ChannelReport<'a>>,
}

#[derive(Serialize)]
struct StoreReport<'a> {
    readable: bool,
    posts: u64,
    last_write: Option<String>,
    journal_bytes: u64,
    damaged: &'a [u64],
    write_error: Option<&'a str>,
}

#[derive(Serialize)]
struct ChannelReport<'a> {
    name: &'a str,
    state: &'static str,
    since: Option<String>,
    posts: u64,
    newest_post: Option<String>,
    last_success: Option<String>,
    last_attempt: Option<String>,
    next_poll: Option<String>,
    failures: u32,
    /// Holes in what is stored that are still to be filled.
    gaps: usize,
    last_error: Option<&'a str>,
    /// What to do about a state in which something is amiss.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryReport>,
    /// The name of the same channel under which it is polled.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<&'a str>,
}

#[derive(Serialize)]
struct HistoryReport {
    done: bool,
    oldest: Option<String>,
}

/// `/health`: 503 when nothing works any more, else 200.
pub async fn report(site: &Arc<Site>) -> Answer {
    let (read, lines) = match site.blocking(|site| (site.store.stats(), lines(site))).await {
        Ok((stats, lines)) => (Some(stats), lines.ok()),
        Err(_) => (None, None),
    };
    let read = read.filter(|_| lines.is_some());
    let lines = lines.unwrap_or_else(|| site.board.all().into_iter().map(|(n, s)| (n, s, Head::default())).collect());
    let configuration_error = site.board.configuration_error();
    let statuses = lines.iter().map(|(_, status, _)| status);
    let health = Health::of(read.as_ref(), statuses, configuration_error.is_some());
    let (readable, stats) = (read.is_some(), read.unwrap_or_default());
    let body = Report {
        status: health.as_str(),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: site.uptime_seconds(),
        configuration_error,
        store: StoreReport {
            readable,
            posts: stats.posts,
            last_write: rfc3339(stats.last_write),
            journal_bytes: stats.journal_bytes,
            damaged: &stats.damaged,
            write_error: stats.write_error.as_deref(),
        },
        hosts: site.board.hosts(),
        hub: site.hub.as_ref().map(|hub| hub.status()),
        channels: lines.iter().map(channel).collect(),
    };
    let status = if health == Health::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let Ok(body) = serde_json::to_vec(&body) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "The report cannot be written.");
    };
    let mut response = answer::typed(status, "application/json", "no-store", body);
    if health == Health::Down {
        response.headers_mut().insert(hyper::header::RETRY_AFTER, answer::RETRY_AFTER_SECONDS);
    }
    response
}

fn channel((name, status, head): &Line) -> ChannelReport<'_> {
    ChannelReport {
        name: name.as_str(),
        state: status.state.as_str(),
        since: rfc3339(status.since),
        posts: head.posts,
        newest_post: rfc3339(head.newest_published),
        last_success: rfc3339(status.last_success),
        last_attempt: rfc3339(status.last_attempt),
        next_poll: rfc3339(status.next_poll),
        failures: status.failures,
        gaps: status.gaps,
        last_error: status.last_error.as_deref(),
        advice: status.state.advice(),
        history: status.history.map(|history| HistoryReport { done: history.done, oldest: rfc3339(history.oldest) }),
        same_as: status.same_as.as_ref().map(ChannelName::as_str),
    }
}

fn rfc3339(time: Option<Time>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// All channels of the board. Reads the store on purpose, to see whether it can be.
fn lines(site: &Site) -> Result<Vec<Line>, store::Error> {
    let line = |(name, status): (ChannelName, Status)| {
        let head = site.store.channel(&name)?.map_or_else(Head::default, |channel| site.store.head(channel.id));
        Ok((name, status, head))
    };
    site.board.all().into_iter().map(line).collect()
}

/// `/readyz`: 503 while starting and stopping.
pub fn ready(site: &Site) -> Answer {
    if site.is_ready() {
        answer::plain(StatusCode::OK, "ready\n")
    } else {
        problem(StatusCode::SERVICE_UNAVAILABLE, "Starting or stopping.")
    }
}

/// `/metrics`, as OpenMetrics for who asks for it, else in the older format that everything reads.
pub async fn metrics(site: &Arc<Site>, parts: &Parts) -> Answer {
    let openmetrics = negotiation::takes_openmetrics(&parts.headers);
    let scraped = site.blocking(move |site| {
        let now = snapshot(site);
        if openmetrics { site.metrics.openmetrics(now) } else { site.metrics.prometheus(now) }
    });
    let content_type = if openmetrics {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    let text = scraped.await.unwrap_or(Err(std::fmt::Error));
    match text {
        Ok(text) => answer::typed(StatusCode::OK, content_type, "no-store", text),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "The metrics cannot be written."),
    }
}

fn snapshot(site: &Site) -> Snapshot {
    let lines = lines(site).map(|lines| lines.into_iter().map(|(name, status, head)| (name, status, Some(head))));
    let channels = match lines {
        Ok(lines) => lines.collect(),
        Err(_) => site.board.all().into_iter().map(|(name, status)| (name, status, None)).collect(),
    };
    Snapshot {
        store: site.store.stats(),
        shelf_bytes: site.shelf.bytes(),
        hosts: site.board.hosts(),
        budget: site.board.budget(),
        hub: site.hub.as_ref().map(|hub| hub.status()),
        channels,
    }
}
