//! What machines ask: whether the process lives, whether it serves, how the channels stand, the metrics.

use std::{collections::BTreeMap, sync::Arc};

use chrono::SecondsFormat;
use hyper::{StatusCode, http::request::Parts};
use serde::Serialize;

use super::{
    Site,
    answer::{self, Answer, problem},
    negotiation,
};
use crate::{
    demand::Demand,
    media::Figures,
    metrics::Snapshot,
    model::{ChannelName, Time},
    status::{Health, HostStatus, HubStatus, State, Status},
    store::{self, Head},
};

/// Of those followed on demand the report lists so many.
const LISTED: usize = 200;

type Line = (ChannelName, Status, Head);

fn line(site: &Site, name: &ChannelName, status: &Status) -> Result<Line, store::Error> {
    let head = site.store.channel(name)?.map_or_else(Head::default, |channel| site.store.head(channel.id));
    Ok((name.clone(), status.clone(), head))
}

/// How the channels stand, without those that are only waited for.
#[derive(Clone)]
struct Channels {
    configured: Vec<(ChannelName, Status)>,
    on_demand: Vec<(ChannelName, Status)>,
}

impl Channels {
    fn of(site: &Site) -> Self {
        let followed = site.feeds.now();
        let known = site.board.all().into_iter().filter(|(name, _)| !followed.is_wish(name));
        let (on_demand, configured) = known.partition(|(name, _)| followed.is_on_demand(name));
        Self { configured, on_demand }
    }

    /// Those that the report lists: none that is configured is left out.
    fn listed(&self) -> impl Iterator<Item = &(ChannelName, Status)> {
        let (fine, amiss): (Vec<_>, Vec<_>) = self.on_demand.iter().partition(|(_, status)| status.state.is_fine());
        self.configured.iter().chain(amiss.into_iter().chain(fine).take(LISTED))
    }

    /// Reads the store on purpose, to see whether it can be.
    fn lines(&self, site: &Site) -> Result<Vec<Line>, store::Error> {
        self.listed().map(|(name, status)| line(site, name, status)).collect()
    }

    fn states(&self) -> BTreeMap<State, usize> {
        let mut states = BTreeMap::new();
        self.on_demand.iter().for_each(|(_, status)| *states.entry(status.state).or_default() += 1);
        states
    }
}

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
    /// Of the files that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<Figures>,
    on_demand: OnDemandReport,
    /// All that are configured; and of those followed on demand so many, what is amiss first.
    channels: Vec<ChannelReport<'a>>,
}

/// Of the channels that are followed because somebody asked for them.
#[derive(Serialize)]
struct OnDemandReport {
    enabled: bool,
    followed: usize,
    states: BTreeMap<&'static str, usize>,
    /// Not polled, for want of readers; their posts are there.
    idle: usize,
    /// Names that somebody waits for.
    waiting: usize,
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
    /// `configured` or `on_demand`.
    origin: &'static str,
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
    let channels = Channels::of(site);
    let states = words(&channels.states());
    let followed = channels.on_demand.len();
    let unread = channels.clone();
    let read = site.blocking(move |site| (site.store.stats(), channels.lines(site))).await;
    let (read, lines) = match read {
        Ok((stats, Ok(lines))) => (Some(stats), lines),
        _ => (None, unread.listed().map(|(name, status)| (name.clone(), status.clone(), Head::default())).collect()),
    };
    let configuration_error = site.board.configuration_error();
    let [configured, on_demand] = [&unread.configured, &unread.on_demand].map(|of| of.iter().map(|(_, status)| status));
    let health = Health::of(read.as_ref(), configured, on_demand, configuration_error.is_some());
    let count = site.demand().map(Demand::count).unwrap_or_default();
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
        media: site.cache().map(|cache| cache.figures()),
        on_demand: OnDemandReport {
            enabled: site.demand().is_some(),
            followed,
            states,
            idle: count.idle,
            waiting: count.waiting,
        },
        channels: lines.iter().map(|line| channel(site, line)).collect(),
    };
    answer_with(&body, health)
}

fn answer_with(body: &Report<'_>, health: Health) -> Answer {
    let status = if health == Health::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let Ok(body) = serde_json::to_vec(body) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "The report cannot be written.");
    };
    let mut response = answer::typed(status, "application/json", "no-store", body);
    if health == Health::Down {
        response.headers_mut().insert(hyper::header::RETRY_AFTER, answer::RETRY_AFTER_SECONDS);
    }
    response
}

fn channel<'l>(site: &Site, (name, status, head): &'l Line) -> ChannelReport<'l> {
    ChannelReport {
        name: name.as_str(),
        origin: if site.feeds.now().is_on_demand(name) { "on_demand" } else { "configured" },
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

fn words(states: &BTreeMap<State, usize>) -> BTreeMap<&'static str, usize> {
    states.iter().map(|(state, count)| (state.as_str(), *count)).collect()
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
    let channels = Channels::of(site);
    let known = |(name, status): &(ChannelName, Status)| match line(site, name, status) {
        Ok((name, status, head)) => (name, status, Some(head)),
        Err(_) => (name.clone(), status.clone(), None),
    };
    let count = site.demand().map(Demand::count).unwrap_or_default();
    Snapshot {
        store: site.store.stats(),
        shelf_bytes: site.shelf.bytes(),
        hosts: site.board.hosts(),
        budget: site.board.budget(),
        hub: site.hub.as_ref().map(|hub| hub.status()),
        channels: channels.configured.iter().map(known).collect(),
        media: site.cache().map(|cache| cache.figures()),
        on_demand: channels.states(),
        idle: count.idle,
        waiting: count.waiting,
    }
}
