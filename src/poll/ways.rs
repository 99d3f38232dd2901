//! Which way to ask: which upstream host, through which proxy. Pure: a circuit breaker for each way, and a pause for
//! each exit, since a limit that one of upstream's names sets for an address holds for the others too.

use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use crate::{model::Time, status::HostStatus};

const FIRST_OPEN: TimeDelta = TimeDelta::seconds(30);
const LONGEST_OPEN: TimeDelta = TimeDelta::minutes(10);
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);

/// A host, asked through an exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The number of the exit.
    pub exit: usize,
    pub host: Url,
}

/// All ways in order of preference: every host through the first exit, then every host through the next.
#[derive(Debug)]
pub struct Hosts {
    exits: Vec<Exit>,
    breakers: Vec<Breaker>,
}

/// A proxy, or this machine's own address.
#[derive(Debug)]
struct Exit {
    proxy: Option<String>,
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Breaker {
    way: Way,
    /// Failed attempts in a row.
    failures: u32,
    open_until: Option<Time>,
    /// One request is under way to see whether the host is back.
    probing: bool,
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
    /// `proxies` names the exits for people; None is no proxy.
    pub fn new(hosts: &[Url], proxies: impl IntoIterator<Item = Option<String>>) -> Self {
        let exits: Vec<_> = proxies.into_iter().map(|proxy| Exit { proxy, pause: None }).collect();
        let closed = |way| Breaker { way, failures: 0, open_until: None, probing: false, error: None };
        let through = |exit| hosts.iter().map(move |host| closed(Way { exit, host: host.clone() }));
        let breakers = (0..exits.len()).flat_map(through).collect();
        Self { exits, breakers }
    }

    /// The first way that may be asked now: one that is fine, or, once, one whose breaker or pause has run out.
    pub fn choose(&self, now: Time) -> Option<&Way> {
        let is_free = |breaker: &&Breaker| self.free_at(breaker).is_some_and(|free| free <= now);
        self.breakers.iter().find(is_free).map(|breaker| &breaker.way)
    }

    /// The way is being asked.
    pub fn begin(&mut self, way: &Way) {
        let (exit, breaker) = self.find(way);
        if let Some(pause) = exit.and_then(|exit| exit.pause.as_mut()) {
            pause.probing = true;
        }
        if let Some(breaker) = breaker {
            breaker.probing = breaker.open_until.is_some();
        }
    }

    /// When [`Hosts::choose`] can next name one; None if only the end of a probe can tell.
    pub fn next_at(&self) -> Option<Time> {
        self.breakers.iter().filter_map(|breaker| self.free_at(breaker)).min()
    }

    /// The host answered, and not with a request to wait.
    pub fn answered(&mut self, way: &Way) {
        let (exit, breaker) = self.find(way);
        if let Some(exit) = exit {
            exit.pause = None;
        }
        if let Some(breaker) = breaker {
            *breaker = Breaker { failures: 0, open_until: None, probing: false, error: None, way: way.clone() };
        }
    }

    /// No answer, or none that made sense: leave the way alone, longer each time.
    pub fn unreachable(&mut self, way: &Way, error: &str, now: Time) {
        self.unsure(way);
        if let (_, Some(breaker)) = self.find(way) {
            breaker.open_until = Some(now + doubled(FIRST_OPEN, breaker.failures, LONGEST_OPEN));
            breaker.failures += 1;
            breaker.error = Some(error.to_owned());
        }
    }

    /// Upstream asked to wait, or shows signs of a ban: ask nobody through this exit until it is over, then once.
    pub fn limited(&mut self, way: &Way, retry_after: Option<Duration>, now: Time) {
        self.unsure(way);
        if let (Some(exit), _) = self.find(way) {
            let (times, until) = exit.pause.as_ref().map_or((0, now), |pause| (pause.times, pause.until));
            // Requests that were under way together meet the same limit.
            let times = if until > now { times.max(1) } else { times + 1 };
            let own = doubled(FIRST_PAUSE, times - 1, LONGEST_PAUSE);
            let asked = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
            exit.pause = Some(Pause { until: until.max(now + own.max(asked)), times, probing: false });
        }
    }

    /// An answer that proves nothing for or against the way.
    pub fn unsure(&mut self, way: &Way) {
        let (exit, breaker) = self.find(way);
        if let Some(pause) = exit.and_then(|exit| exit.pause.as_mut()) {
            pause.probing = false;
        }
        if let Some(breaker) = breaker {
            breaker.probing = false;
        }
    }

    /// For people; `wall` is what their clocks show at `now`.
    pub fn statuses(&self, now: Time, wall: Time) -> Vec<HostStatus> {
        let chosen = self.choose(now);
        let status = |breaker: &Breaker| {
            let exit = &self.exits[breaker.way.exit];
            let paused_until = exit.pause.as_ref().map(|pause| pause.until);
            let open_until = breaker.open_until.max(paused_until);
            HostStatus {
                host: breaker.way.host.as_str().trim_end_matches('/').to_owned(),
                proxy: exit.proxy.clone(),
                in_use: chosen == Some(&breaker.way),
                breaker: match open_until {
                    None => "closed",
                    Some(until) if until <= now => "half_open",
                    Some(_) => "open",
                },
                open_until: open_until.map(|until| wall + (until - now)),
                error: breaker.error.clone().or_else(|| paused_until.map(|_| "upstream asks to wait".to_owned())),
            }
        };
        self.breakers.iter().map(status).collect()
    }

    /// Since when a way may be asked; None while a probe of it is under way.
    fn free_at(&self, breaker: &Breaker) -> Option<Time> {
        let pause = self.exits[breaker.way.exit].pause.as_ref();
        let is_probed = breaker.probing || pause.is_some_and(|pause| pause.probing);
        let times = [breaker.open_until, pause.map(|pause| pause.until)];
        (!is_probed).then(|| times.into_iter().flatten().max().unwrap_or(Time::MIN_UTC))
    }

    fn find(&mut self, way: &Way) -> (Option<&mut Exit>, Option<&mut Breaker>) {
        let breaker = self.breakers.iter_mut().find(|breaker| breaker.way == *way);
        (self.exits.get_mut(way.exit), breaker)
    }
}

fn doubled(first: TimeDelta, times: u32, longest: TimeDelta) -> TimeDelta {
    (first * (1 << times.min(10))).min(longest)
}
