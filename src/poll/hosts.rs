//! Which upstream host to ask. Pure: a circuit breaker for each host, and one pause for all of them,
//! since a limit that one name of upstream's sets holds for the others too.

use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use crate::{board::HostStatus, model::Time};

const FIRST_OPEN: TimeDelta = TimeDelta::seconds(30);
const LONGEST_OPEN: TimeDelta = TimeDelta::minutes(10);
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);

/// The hosts in order of preference.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Host>,
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Host {
    url: Url,
    /// Failed attempts in a row.
    failures: u32,
    open_until: Option<Time>,
    error: Option<String>,
}

#[derive(Debug)]
struct Pause {
    until: Time,
    /// Limits met in a row.
    times: u32,
    /// One request is under way to see whether it is over.
    probing: bool,
}

impl Hosts {
    pub fn new(hosts: impl IntoIterator<Item = Url>) -> Self {
        let host = |url| Host { url, failures: 0, open_until: None, error: None };
        Self { hosts: hosts.into_iter().map(host).collect(), pause: None }
    }

    /// The first host that may be asked now. During a pause none, and right after it one single time.
    pub fn choose(&mut self, now: Time) -> Option<Url> {
        if let Some(pause) = &mut self.pause {
            if now < pause.until || pause.probing {
                return None;
            }
            pause.probing = true;
        }
        let is_closed = |host: &&Host| host.open_until.is_none_or(|until| until <= now);
        let url = self.hosts.iter().find(is_closed).map(|host| host.url.clone());
        if url.is_none() {
            self.end_probe();
        }
        url
    }

    /// When [`Hosts::choose`] may next name one; None if it may at once, or if a probe is under way.
    pub fn next_at(&self, now: Time) -> Option<Time> {
        let reopened = self.hosts.iter().map(|host| host.open_until.unwrap_or(now)).min().unwrap_or(now);
        let resumed = self.pause.as_ref().map_or(now, |pause| pause.until);
        Some(reopened.max(resumed)).filter(|time| *time > now)
    }

    /// The host answered, and not with a request to wait.
    pub fn answered(&mut self, url: &Url) {
        self.pause = None;
        if let Some(host) = self.host(url) {
            host.failures = 0;
            host.open_until = None;
            host.error = None;
        }
    }

    /// No answer, or none that made sense: leave the host alone, longer each time.
    pub fn unreachable(&mut self, url: &Url, error: &str, now: Time) {
        self.end_probe();
        if let Some(host) = self.host(url) {
            let wait = doubled(FIRST_OPEN, host.failures, LONGEST_OPEN);
            host.failures += 1;
            host.open_until = Some(now + wait);
            host.error = Some(error.to_owned());
        }
    }

    /// Upstream asked to wait, or shows signs of a ban: ask nobody until it is over, then once.
    pub fn limited(&mut self, retry_after: Option<Duration>, now: Time) {
        let times = self.pause.as_ref().map_or(0, |pause| pause.times);
        let own = doubled(FIRST_PAUSE, times, LONGEST_PAUSE);
        let asked = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
        self.pause = Some(Pause { until: now + own.max(asked), times: times + 1, probing: false });
    }

    pub fn statuses(&self, now: Time) -> Vec<HostStatus> {
        let paused_until = self.pause.as_ref().map(|pause| pause.until);
        let status = |host: &Host| {
            let open_until = host.open_until.max(paused_until);
            HostStatus {
                host: host.url.as_str().trim_end_matches('/').to_owned(),
                breaker: match open_until {
                    None => "closed",
                    Some(until) if until <= now => "half_open",
                    Some(_) => "open",
                },
                open_until,
                error: host.error.clone().or_else(|| paused_until.map(|_| "upstream asks to wait".to_owned())),
            }
        };
        self.hosts.iter().map(status).collect()
    }

    fn host(&mut self, url: &Url) -> Option<&mut Host> {
        self.hosts.iter_mut().find(|host| host.url == *url)
    }

    fn end_probe(&mut self) {
        if let Some(pause) = &mut self.pause {
            pause.probing = false;
        }
    }
}

fn doubled(first: TimeDelta, times: u32, longest: TimeDelta) -> TimeDelta {
    (first * (1 << times.min(10))).min(longest)
}
