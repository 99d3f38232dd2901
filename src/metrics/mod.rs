//! What the daemon counts about itself, for Prometheus. Labels come only from the configuration and from closed sets
//! of words, so their number is bounded. Counts what it is told; knows neither upstream nor HTTP.

use std::{
    fmt::{self, Write},
    sync::atomic::AtomicU64,
    time::Duration,
};

use chrono::TimeDelta;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{
    model::{ChangeKind, ChannelName, Time},
    page::{Problem, ProblemKind},
    schedule::Budget,
    status::{HostStatus, Status},
    store::{Head, Stats},
};

/// All of the daemon's metrics; the help texts stand in [`Metrics::new`].
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    response_bytes: Family<RouteLabels, Counter>,
    refused: Family<LimitLabels, Counter>,
    editions: Family<EditionLabels, Counter>,
    polls: Family<PollLabels, Counter>,
    poll_seconds: Histogram,
    delay_seconds: Histogram,
    changes: Family<ChangeLabels, Counter>,
    problems: Family<ChangeLabels, Counter>,
    shelf_bytes: Gauge,
    store_posts: Gauge,
    journal_bytes: Gauge,
    damaged: Gauge,
    write_failing: Gauge,
    breaker: Family<WayLabels, Gauge>,
    budget_requests: Gauge,
    budget_rate: Gauge<f64, AtomicU64>,
    channel_state: Family<StateLabels, Gauge>,
    channel_gaps: Family<ChannelLabels, Gauge>,
    channel_posts: Family<ChannelLabels, Gauge>,
    channel_failures: Family<ChannelLabels, Gauge>,
    channel_success: Family<ChannelLabels, Gauge<f64, AtomicU64>>,
    channel_newest: Family<ChannelLabels, Gauge<f64, AtomicU64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EditionLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PollLabels {
    channel: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    channel: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WayLabels {
    host: String,
    /// Empty without one.
    proxy: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    channel: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabels {
    channel: String,
}

impl Metrics {
    pub fn new(started: Time) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("feedbridge"),
            requests: Family::default(),
            response_bytes: Family::default(),
            refused: Family::default(),
            editions: Family::default(),
            polls: Family::default(),
            poll_seconds: Histogram::new(exponential_buckets(0.05, 2.0, 11)),
            // From a second to a day and a half.
            delay_seconds: Histogram::new(exponential_buckets(1.0, 2.0, 18)),
            changes: Family::default(),
            problems: Family::default(),
            shelf_bytes: Gauge::default(),
            store_posts: Gauge::default(),
            journal_bytes: Gauge::default(),
            damaged: Gauge::default(),
            write_failing: Gauge::default(),
            breaker: Family::default(),
            budget_requests: Gauge::default(),
            budget_rate: Gauge::default(),
            channel_state: Family::default(),
            channel_gaps: Family::default(),
            channel_posts: Family::default(),
            channel_failures: Family::default(),
            channel_success: Family::default(),
            channel_newest: Family::default(),
        };
        metrics.register_counters();
        metrics.register_gauges();
        metrics.register_facts(started);
        metrics
    }

    fn register_counters(&mut self) {
        let to = &mut self.registry;
        to.register("http_requests", "Requests answered, by kind of route and status", self.requests.clone());
        to.register_with_unit(
            "http_response",
            "Bytes of response bodies, by kind of route",
            Unit::Bytes,
            self.response_bytes.clone(),
        );
        to.register("refused", "Connections and requests refused, by the limit that they met", self.refused.clone());
        to.register("editions", "Feed editions wanted: shelved, made anew, or outdated ones", self.editions.clone());
        to.register("polls", "Polls of a channel, by outcome", self.polls.clone());
        to.register_with_unit(
            "poll_duration",
            "Time from the request to upstream until its posts are stored",
            Unit::Seconds,
            self.poll_seconds.clone(),
        );
        to.register_with_unit(
            "post_delay",
            "Time from when a post was published until it was stored, of posts that came while the channel was followed",
            Unit::Seconds,
            self.delay_seconds.clone(),
        );
        to.register("post_changes", "Changes of posts stored, by kind", self.changes.clone());
        to.register("page_problems", "Things on pages that were not understood, by kind", self.problems.clone());
    }

    fn register_gauges(&mut self) {
        let to = &mut self.registry;
        to.register_with_unit("shelf", "Size of the editions on the shelf", Unit::Bytes, self.shelf_bytes.clone());
        to.register("store_posts", "Posts in the store", self.store_posts.clone());
        to.register_with_unit("store_journal", "Size of the journal", Unit::Bytes, self.journal_bytes.clone());
        to.register("store_damaged_records", "Damaged journal records found at start", self.damaged.clone());
        to.register("store_write_failing", "Whether writing to the store fails (1)", self.write_failing.clone());
        to.register(
            "upstream_breaker",
            "Of each way upstream: 0 in use, 1 on trial, 2 left alone",
            self.breaker.clone(),
        );
        to.register(
            "upstream_budget_requests",
            "Requests upstream that could be made at once",
            self.budget_requests.clone(),
        );
        to.register(
            "upstream_budget_requests_per_minute",
            "The budget in force, less than the configured one after signs of trouble",
            self.budget_rate.clone(),
        );
        to.register("channel_gaps", "Holes in what is stored of a channel", self.channel_gaps.clone());
        to.register("channel_state", "The state that a channel is in (1)", self.channel_state.clone());
        to.register("channel_posts", "Posts stored of a channel", self.channel_posts.clone());
        to.register("channel_failures", "Failed polls of a channel in a row", self.channel_failures.clone());
        to.register_with_unit(
            "channel_last_success_timestamp",
            "When a channel was last polled with success",
            Unit::Seconds,
            self.channel_success.clone(),
        );
        to.register_with_unit(
            "channel_newest_post_timestamp",
            "When the newest post of a channel was published",
            Unit::Seconds,
            self.channel_newest.clone(),
        );
    }

    fn register_facts(&mut self, started: Time) {
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct Build {
            version: &'static str,
        }
        let build = Family::<Build, Gauge>::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        self.registry.register("build_info", "The program's version (1)", build);
        let start = Gauge::<f64, AtomicU64>::default();
        start.set(seconds(started));
        self.registry.register_with_unit("start_timestamp", "When the program started", Unit::Seconds, start);
    }

    /// One request answered. `route` is a class of routes, never an address.
    pub fn request(&self, route: &'static str, status: u16, bytes: usize) {
        self.requests.get_or_create(&RequestLabels { route, status }).inc();
        self.response_bytes.get_or_create(&RouteLabels { route }).inc_by(bytes as u64);
    }

    /// One connection or request refused; `limit` is a key of `[limits]`.
    pub fn refused(&self, limit: &'static str) {
        self.refused.get_or_create(&LimitLabels { limit }).inc();
    }

    /// One edition wanted of the shelf.
    pub fn edition(&self, outcome: &'static str) {
        self.editions.get_or_create(&EditionLabels { outcome }).inc();
    }

    /// One request to upstream; `outcome` is one of a closed set of words.
    pub fn poll(&self, channel: &ChannelName, outcome: &'static str, took: Duration) {
        self.polls.get_or_create(&PollLabels { channel: channel.to_string(), outcome }).inc();
        self.poll_seconds.observe(took.as_secs_f64());
    }

    /// A new post that came while its channel was followed was stored so long after it was published.
    pub fn delay(&self, delay: TimeDelta) {
        // Upstream's clock may be ahead of ours.
        self.delay_seconds.observe(delay.as_seconds_f64().max(0.0));
    }

    /// Things on a page that were not understood.
    pub fn problems(&self, channel: &ChannelName, problems: &[Problem]) {
        for problem in problems {
            let kind = match problem.kind {
                ProblemKind::UnknownClass(_) => "unknown_class",
                ProblemKind::UnknownElement(_) => "unknown_element",
                ProblemKind::NoContent => "no_content",
                ProblemKind::Undated => "undated",
                ProblemKind::NoId => "no_id",
                ProblemKind::Repeated => "repeated",
                ProblemKind::NoPosts => "no_posts",
            };
            self.problems.get_or_create(&ChangeLabels { channel: channel.to_string(), kind }).inc();
        }
    }

    /// `count` changes of one kind stored.
    pub fn changes(&self, channel: &ChannelName, kind: ChangeKind, count: u64) {
        let kind = match kind {
            ChangeKind::New => "new",
            ChangeKind::Edited => "edited",
            ChangeKind::Renewed => "renewed",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Restored => "restored",
        };
        self.changes.get_or_create(&ChangeLabels { channel: channel.to_string(), kind }).inc_by(count);
    }

    /// Sets the gauges of the store and the shelf.
    pub fn observe_store(&self, stats: &Stats, shelf_bytes: u64) {
        self.shelf_bytes.set(shelf_bytes as i64);
        self.store_posts.set(stats.posts as i64);
        self.journal_bytes.set(stats.journal_bytes as i64);
        self.damaged.set(stats.damaged.len() as i64);
        self.write_failing.set(i64::from(stats.write_error.is_some()));
    }

    /// Sets the gauges of the ways upstream and of the budget; those of ways that are gone disappear.
    pub fn observe_upstream(&self, hosts: &[HostStatus], budget: Option<Budget>) {
        self.breaker.clear();
        for host in hosts {
            let labels = WayLabels { host: host.host.clone(), proxy: host.proxy.clone().unwrap_or_default() };
            let state = match host.breaker {
                "closed" => 0,
                "half_open" => 1,
                _ => 2,
            };
            self.breaker.get_or_create(&labels).set(state);
        }
        if let Some(budget) = budget {
            self.budget_requests.set(i64::from(budget.tokens));
            self.budget_rate.set(budget.requests_per_minute);
        }
    }

    /// Sets the gauges of all channels; those of channels that are gone disappear.
    pub fn observe_channels(&self, channels: &[(ChannelName, Status, Head)]) {
        self.channel_state.clear();
        for (name, status, head) in channels {
            let channel = name.to_string();
            let state = StateLabels { channel: channel.clone(), state: status.state.as_str() };
            self.channel_state.get_or_create(&state).set(1);
            let labels = ChannelLabels { channel };
            self.channel_posts.get_or_create(&labels).set(head.posts as i64);
            self.channel_gaps.get_or_create(&labels).set(status.gaps as i64);
            self.channel_failures.get_or_create(&labels).set(i64::from(status.failures));
            if let Some(time) = status.last_success {
                self.channel_success.get_or_create(&labels).set(seconds(time));
            }
            if let Some(time) = head.newest_published {
                self.channel_newest.get_or_create(&labels).set(seconds(time));
            }
        }
    }

    /// In the OpenMetrics text format, 1.0.0.
    pub fn openmetrics(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    /// In the older Prometheus text format, 0.0.4, where a counter's HELP and TYPE bear its whole name.
    pub fn prometheus(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        let openmetrics = self.openmetrics()?;
        let counters: Vec<&str> =
            openmetrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
        for line in openmetrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
            let mut words = line.splitn(4, ' ');
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(&name) => {
                    writeln!(out, "# {kind} {name}_total {rest}")?;
                }
                _ => writeln!(out, "{line}")?,
            }
        }
        Ok(out)
    }
}

fn seconds(time: Time) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
