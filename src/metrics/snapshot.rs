//! What is read at the moment of a scrape, and how it is told: nothing of it is kept, so what is gone is gone.

use std::{collections::BTreeMap, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::{Tallies, Tally, seconds};
use crate::{
    media::Figures,
    model::ChannelName,
    schedule::Budget,
    status::{HostStatus, HubStatus, State, Status},
    store::{Head, Stats},
};

/// How everything stands at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub store: Stats,
    pub shelf_bytes: u64,
    pub hosts: Vec<HostStatus>,
    /// None where nothing polls.
    pub budget: Option<Budget>,
    /// None without a hub of the daemon's own.
    pub hub: Option<HubStatus>,
    /// Those that are configured, with where each stands in the store, as far as that can be read.
    pub channels: Vec<(ChannelName, Status, Option<Head>)>,
    /// None where no files are kept.
    pub media: Option<Figures>,
    /// Those that are followed on demand, by state.
    pub on_demand: BTreeMap<State, usize>,
    /// Followed on demand once, and not polled for want of readers.
    pub idle: usize,
    /// Names that somebody waits for.
    pub waiting: usize,
}

/// With what was counted of the channels.
#[derive(Debug)]
pub struct Scrape {
    pub now: Snapshot,
    pub tallies: Tallies,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut out = Out(encoder);
        self.store(&mut out)?;
        self.upstream(&mut out)?;
        self.hub(&mut out)?;
        self.tallies(&mut out)?;
        self.origins(&mut out)?;
        self.media(&mut out)?;
        self.channels(&mut out)
    }
}

impl Scrape {
    fn store(&self, out: &mut Out) -> fmt::Result {
        out.measure("shelf", "Size of the editions on the shelf", Some(Unit::Bytes), self.now.shelf_bytes as i64)?;
        let stats = &self.now.store;
        let failing = i64::from(stats.write_error.is_some());
        out.measure("store_posts", "Posts in the store", None, stats.posts as i64)?;
        out.measure("store_journal", "Size of the journal", Some(Unit::Bytes), stats.journal_bytes as i64)?;
        let damaged = stats.damaged.len() as i64;
        out.measure("store_damaged_records", "Damaged journal records found at start", None, damaged)?;
        out.measure("store_write_failing", "Whether writing to the store fails (1)", None, failing)
    }

    fn upstream(&self, out: &mut Out) -> fmt::Result {
        let breaker = |host: &HostStatus| match host.breaker {
            "closed" => 0i64,
            "half_open" => 1,
            _ => 2,
        };
        let way = |host: &HostStatus| {
            [("host", host.host.clone()), ("proxy", host.proxy.clone().unwrap_or_default())].to_vec()
        };
        let ways = self.now.hosts.iter().map(|host| (way(host), breaker(host)));
        out.gauges("upstream_breaker", "Of each way upstream: 0 in use, 1 on trial, 2 left alone", None, ways)?;
        let Some(budget) = self.now.budget else { return Ok(()) };
        let tokens = i64::from(budget.tokens);
        out.measure("upstream_budget_requests", "Requests upstream that could be made at once", None, tokens)?;
        out.measure(
            "upstream_budget_requests_per_minute",
            "The budget in force, less than the configured one after signs of trouble",
            None,
            budget.requests_per_minute,
        )
    }

    fn hub(&self, out: &mut Out) -> fmt::Result {
        let Some(hub) = self.now.hub else { return Ok(()) };
        out.measure("hub_subscriptions", "Subscriptions in force", None, hub.verified as i64)?;
        out.measure("hub_pending", "Requests that wait for their callback's word", None, hub.pending as i64)?;
        let outcomes = [("delivered", hub.delivered), ("failed", hub.failed)];
        let outcomes = outcomes.map(|(outcome, count)| ([("outcome", outcome.to_owned())].to_vec(), count));
        out.counters("hub_deliveries", "Deliveries to subscribers, by outcome", outcomes)?;
        let gone = "Subscriptions whose callback wanted no more, or failed for too long";
        out.sample("hub_gone", gone, None, &ConstCounter::new(hub.gone))
    }

    fn tallies(&self, out: &mut Out) -> fmt::Result {
        type Of = fn(&Tally) -> &std::collections::BTreeMap<&'static str, u64>;
        let families: [(&str, &str, &str, Of); 3] = [
            ("polls", "Polls of a channel, by outcome", "outcome", |tally| &tally.polls),
            ("post_changes", "Changes of posts stored, by kind", "kind", |tally| &tally.changes),
            ("page_problems", "Things on pages that were not understood, by kind", "kind", |tally| &tally.problems),
        ];
        for (name, help, label, of) in families {
            let counts = self.tallies.iter().flat_map(|(channel, tally)| {
                of(tally).iter().map(move |(word, count)| {
                    ([("channel", named(channel)), (label, (*word).to_owned())].to_vec(), *count)
                })
            });
            out.counters(name, help, counts)?;
        }
        Ok(())
    }

    fn media(&self, out: &mut Out) -> fmt::Result {
        let Some(media) = self.now.media else { return Ok(()) };
        out.measure("media_files", "Files that are kept", None, media.files as i64)?;
        out.measure("media", "Size of the files that are kept", Some(Unit::Bytes), media.bytes as i64)?;
        let events = [
            ("served", media.served),
            ("fetched", media.fetched),
            ("failed", media.failed),
            ("evicted", media.evicted),
        ];
        let events = events.map(|(event, count)| ([("event", event.to_owned())].to_vec(), count));
        out.counters(
            "media_events",
            "What was done with files: served from here, fetched, failed to be, let go",
            events,
        )
    }

    fn origins(&self, out: &mut Out) -> fmt::Result {
        let now = &self.now;
        let on_demand = now.on_demand.values().sum();
        let origins = [("configured", now.channels.len()), ("on_demand", on_demand), ("idle", now.idle)];
        let origins = origins.map(|(origin, count)| ([("origin", origin.to_owned())].to_vec(), count as i64));
        out.gauges("channels", "Channels by why they are here: idle ones are not polled", None, origins)?;
        // One state at least, for a board that sums them.
        let mut states = now.on_demand.clone();
        states.entry(State::Ok).or_default();
        let states =
            states.iter().map(|(state, count)| ([("state", state.as_str().to_owned())].to_vec(), *count as i64));
        out.gauges("on_demand_channels", "Channels that are followed on demand, by state", None, states)?;
        out.measure("first_looks_waiting", "Names that somebody waits for", None, now.waiting as i64)
    }

    fn channels(&self, out: &mut Out) -> fmt::Result {
        let channels = || self.now.channels.iter();
        let named = |name: &ChannelName| [("channel", name.to_string())].to_vec();
        let states = channels().map(|(name, status, _)| {
            ([("channel", name.to_string()), ("state", status.state.as_str().to_owned())].to_vec(), 1i64)
        });
        out.gauges("channel_state", "The state that a channel is in (1)", None, states)?;
        let gaps = channels().map(|(name, status, _)| (named(name), status.gaps as i64));
        out.gauges("channel_gaps", "Holes in what is stored of a channel", None, gaps)?;
        let failures = channels().map(|(name, status, _)| (named(name), i64::from(status.failures)));
        out.gauges("channel_failures", "Failed polls of a channel in a row", None, failures)?;
        let posts = channels().filter_map(|(name, _, head)| Some((named(name), head.as_ref()?.posts as i64)));
        out.gauges("channel_posts", "Posts stored of a channel", None, posts)?;
        let read = channels().filter_map(|(name, status, _)| Some((named(name), seconds(status.last_success?))));
        out.gauges(
            "channel_last_success_timestamp",
            "When a channel was last polled with success",
            Some(Unit::Seconds),
            read,
        )?;
        let newest = channels().filter_map(|(name, _, head)| Some((named(name), seconds((*head)?.newest_published?))));
        out.gauges(
            "channel_newest_post_timestamp",
            "When the newest post of a channel was published",
            Some(Unit::Seconds),
            newest,
        )
    }
}

/// All that are followed on demand are one, under what is no name.
fn named(channel: &Option<ChannelName>) -> String {
    channel.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string)
}

type Labels = Vec<(&'static str, String)>;

/// Writes one family after the other.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    /// A gauge without labels.
    fn measure(&mut self, name: &str, help: &str, unit: Option<Unit>, value: impl EncodeGaugeValue) -> fmt::Result {
        self.sample(name, help, unit, &ConstGauge::new(value))
    }

    fn sample(&mut self, name: &str, help: &str, unit: Option<Unit>, metric: &impl EncodeMetric) -> fmt::Result {
        metric.encode(self.0.encode_descriptor(name, &format!("{help}."), unit.as_ref(), metric.metric_type())?)
    }

    fn gauges<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> fmt::Result {
        let samples = samples.into_iter().map(|(labels, value)| (labels, ConstGauge::new(value)));
        self.family(name, help, unit, MetricType::Gauge, samples)
    }

    fn counters(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels, u64)>) -> fmt::Result {
        let samples = samples.into_iter().map(|(labels, count)| (labels, ConstCounter::new(count)));
        self.family(name, help, None, MetricType::Counter, samples)
    }

    /// Nothing at all where there is no sample.
    fn family<M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        kind: MetricType,
        samples: impl Iterator<Item = (Labels, M)>,
    ) -> fmt::Result {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let mut family: MetricEncoder = self.0.encode_descriptor(name, &format!("{help}."), unit.as_ref(), kind)?;
        samples.try_for_each(|(labels, metric)| metric.encode(family.encode_family(&labels)?))
    }
}
