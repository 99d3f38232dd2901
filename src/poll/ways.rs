//! Which way to ask: which upstream host, through which proxy. Pure: a circuit breaker for each way, and a pause for
//! each exit, since a limit that one of upstream's names sets for an address holds for the others too. What an answer
//! says of them stands in `verdict`.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use url::Url;

use super::verdict::{self, Verdict};
use crate::{
    model::{ChannelName, Time},
    schedule::Backoff,
    status::HostStatus,
};

const OPEN: Backoff = Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::minutes(10) };
const PAUSE: Backoff = Backoff { first: TimeDelta::minutes(2), longest: TimeDelta::minutes(30) };
/// Failures in a row that open a breaker: of several channels, or of one.
const CHANNELS_IN_A_ROW: usize = 2;
const FAILURES_IN_A_ROW: usize = 3;
/// A pause or an open breaker of an earlier run lasts no longer, whatever the clock says now.
const LONGEST_KEPT: TimeDelta = TimeDelta::days(1);

/// A host, asked through an exit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Way {
    /// The number of the exit.
    pub exit: usize,
    pub host: Url,
}

/// A request that has ended: which way it went, of what channel it was, and when it began and ended.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub way: &'a Way,
    pub channel: &'a ChannelName,
    pub began: Time,
    pub now: Time,
}

/// All ways in order of preference: every host through the first exit, then every host through the next.
#[derive(Debug)]
pub struct Ways {
    exits: Vec<Exit>,
    breakers: Vec<Breaker>,
    random: fastrand::Rng,
    /// Whether what is kept of them has changed since it was last taken.
    changed: bool,
}

/// A proxy, or this machine's own address.
#[derive(Debug)]
struct Exit {
    proxy: Option<String>,
    pause: Option<Halt>,
    /// The hosts that showed pages of somebody else's, since one was fine.
    challenged: Vec<Url>,
}

#[derive(Debug)]
struct Breaker {
    way: Way,
    /// The channels whose requests failed in a row.
    streak: Vec<ChannelName>,
    open: Option<Halt>,
    error: Option<String>,
}

/// A time in which nobody is asked. What began before it and fails in it is the same event.
#[derive(Debug, Clone, Copy)]
struct Halt {
    since: Time,
    until: Time,
    /// How many of them in a row.
    times: u32,
    /// One request is under way to see whether it is over.
    probing: bool,
}

impl Halt {
    /// Whether the request was under way when the halt began: its end is of the same event.
    fn covers(&self, asked: Asked<'_>) -> bool {
        asked.began <= self.since
    }
}

/// What outlives a restart: times of the wall's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    at: Time,
    pauses: Vec<SavedHalt>,
    open: Vec<SavedHalt>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedHalt {
    proxy: Option<String>,
    host: Option<String>,
    until: Time,
    times: u32,
    error: Option<String>,
}

impl Ways {
    /// `proxies` names the exits for people; None is no proxy. The same seed gives the same jitter.
    pub fn new(hosts: &[Url], proxies: impl IntoIterator<Item = Option<String>>, seed: u64) -> Self {
        let exits: Vec<_> =
            proxies.into_iter().map(|proxy| Exit { proxy, pause: None, challenged: Vec::new() }).collect();
        let closed = |way| Breaker { way, streak: Vec::new(), open: None, error: None };
        let through = |exit| hosts.iter().map(move |host| closed(Way { exit, host: host.clone() }));
        let breakers = (0..exits.len()).flat_map(through).collect();
        Self { exits, breakers, random: fastrand::Rng::with_seed(seed), changed: false }
    }

    /// The first way that may be asked now, but for those of `tried`: one that is fine, or, once, one whose breaker or
    /// pause has run out. `exit` is the one to go through, if it must be that one.
    pub fn choose(&self, exit: Option<usize>, tried: &[Way], now: Time) -> Option<&Way> {
        let is_free = |breaker: &&Breaker| self.free_at(breaker).is_some_and(|free| free <= now);
        let untried = self.through(exit).filter(|breaker| !tried.contains(&breaker.way));
        untried.into_iter().find(is_free).map(|breaker| &breaker.way)
    }

    /// Whether a way through the exit is neither paused nor left alone.
    pub fn works(&self, exit: usize) -> bool {
        self.exits[exit].pause.is_none() && self.through(Some(exit)).any(|breaker| breaker.open.is_none())
    }

    /// What the exit is called for people; None without a proxy.
    pub fn proxy(&self, exit: usize) -> Option<&str> {
        self.exits[exit].proxy.as_deref()
    }

    fn through(&self, exit: Option<usize>) -> impl Iterator<Item = &Breaker> {
        self.breakers.iter().filter(move |breaker| exit.is_none_or(|exit| breaker.way.exit == exit))
    }

    /// The way is being asked.
    pub fn begin(&mut self, way: &Way) {
        self.halts(way).for_each(|halt| halt.probing = true);
    }

    /// When [`Ways::choose`] can next name one; None if only the end of a probe can tell.
    pub fn next_at(&self, exit: Option<usize>) -> Option<Time> {
        self.through(exit).filter_map(|breaker| self.free_at(breaker)).min()
    }

    /// Takes in what an answer says of its host and its exit; true if the exit pauses, for what it came through has had
    /// enough. `reason` is for people.
    pub fn judge(&mut self, asked: Asked<'_>, verdict: &Verdict, reason: Option<&str>) -> bool {
        self.halts(asked.way).filter(|halt| !halt.covers(asked)).for_each(|halt| halt.probing = false);
        match verdict.host {
            verdict::Host::Fine => self.fine(asked),
            verdict::Host::Unsure => {}
            verdict::Host::Trouble => self.trouble(asked, reason.unwrap_or_default()),
        }
        match verdict.exit {
            verdict::Exit::Untouched => false,
            verdict::Exit::Challenged => self.challenged(asked),
            verdict::Exit::Paused(wait) => {
                let wait = wait.and_then(|wait| TimeDelta::from_std(wait).ok());
                self.pause(asked, wait.unwrap_or_default());
                true
            }
        }
    }

    fn fine(&mut self, asked: Asked<'_>) {
        let exit = self.exits.get_mut(asked.way.exit);
        let breaker = self.breakers.iter_mut().find(|breaker| breaker.way == *asked.way);
        if let (Some(exit), Some(breaker)) = (exit, breaker) {
            // Who was asked before upstream had enough was not asked whether it still has.
            let is_over = exit.pause.is_some_and(|pause| !pause.covers(asked));
            self.changed |= is_over || breaker.open.is_some();
            exit.pause = exit.pause.filter(|_| !is_over);
            exit.challenged.clear();
            (breaker.open, breaker.error) = (None, None);
            breaker.streak.clear();
        }
    }

    fn trouble(&mut self, asked: Asked<'_>, reason: &str) {
        let Some(breaker) = self.breakers.iter_mut().find(|breaker| breaker.way == *asked.way) else { return };
        breaker.error = Some(reason.to_owned());
        if breaker.open.is_some_and(|open| open.covers(asked)) {
            return;
        }
        breaker.streak.push(asked.channel.clone());
        let others = breaker.streak.iter().filter(|channel| *channel != asked.channel).count();
        let in_a_row = others + 1 >= CHANNELS_IN_A_ROW || breaker.streak.len() >= FAILURES_IN_A_ROW;
        if in_a_row || breaker.open.is_some() {
            self.open(asked, reason);
        }
    }

    /// The host shows nothing of what there is, to several channels: it is left alone at once.
    pub fn open(&mut self, asked: Asked<'_>, reason: &str) {
        let Some(breaker) = self.breakers.iter_mut().find(|breaker| breaker.way == *asked.way) else { return };
        if breaker.open.is_some_and(|open| open.covers(asked)) {
            return;
        }
        let times = breaker.open.map_or(0, |open| open.times) + 1;
        let until = asked.now + OPEN.wait(times, self.random.f64());
        breaker.open = Some(Halt { since: asked.now, until, times, probing: false });
        breaker.error = Some(reason.to_owned());
        breaker.streak.clear();
        self.changed = true;
    }

    /// Where several hosts show such a page it is the exit that is challenged.
    fn challenged(&mut self, asked: Asked<'_>) -> bool {
        let Some(exit) = self.exits.get_mut(asked.way.exit) else { return false };
        if !exit.challenged.contains(&asked.way.host) {
            exit.challenged.push(asked.way.host.clone());
        }
        let by_several = exit.challenged.len() > 1;
        if by_several {
            self.pause(asked, TimeDelta::zero());
        }
        by_several
    }

    /// Nobody is asked through this exit for `wait`, and longer each time; then once.
    fn pause(&mut self, asked: Asked<'_>, wait: TimeDelta) {
        let Some(exit) = self.exits.get_mut(asked.way.exit) else { return };
        self.changed = true;
        let before = exit.pause.filter(|pause| pause.covers(asked));
        exit.pause = Some(match before {
            Some(pause) => Halt { until: pause.until.max(asked.now + wait), ..pause },
            None => {
                let times = exit.pause.map_or(0, |pause| pause.times) + 1;
                let until = asked.now + PAUSE.wait(times, self.random.f64()).max(wait);
                Halt { since: asked.now, until, times, probing: false }
            }
        });
    }

    /// For people; `wall` is what their clocks show at `now`. `lanes` are the exits that are asked side by side, or None for
    /// all in order.
    pub fn statuses(&self, lanes: &[Option<usize>], now: Time, wall: Time) -> Vec<HostStatus> {
        let chosen: Vec<_> = lanes.iter().filter_map(|exit| self.choose(*exit, &[], now)).collect();
        let status = |breaker: &Breaker| {
            let exit = &self.exits[breaker.way.exit];
            let paused_until = exit.pause.map(|pause| pause.until);
            let open_until = breaker.open.map(|open| open.until).max(paused_until);
            HostStatus {
                host: breaker.way.host.as_str().trim_end_matches('/').to_owned(),
                proxy: exit.proxy.clone(),
                in_use: chosen.contains(&&breaker.way),
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

    /// What to keep, if it has changed since it was last asked for.
    pub fn take_changed(&mut self, now: Time, wall: Time) -> Option<Saved> {
        std::mem::take(&mut self.changed).then(|| self.saved(now, wall))
    }

    fn saved(&self, now: Time, wall: Time) -> Saved {
        let halt = |halt: Halt, exit: usize, host: Option<&Url>, error: Option<&String>| SavedHalt {
            proxy: self.exits[exit].proxy.clone(),
            host: host.map(Url::to_string),
            until: wall + (halt.until - now),
            times: halt.times,
            error: error.cloned(),
        };
        let pauses = self.exits.iter().enumerate();
        let pauses = pauses.filter_map(|(number, exit)| Some(halt(exit.pause?, number, None, None)));
        let open = self.breakers.iter().filter_map(|breaker| {
            Some(halt(breaker.open?, breaker.way.exit, Some(&breaker.way.host), breaker.error.as_ref()))
        });
        Saved { at: wall, pauses: pauses.collect(), open: open.collect() }
    }

    /// Takes up what an earlier run was told: a pause ends when it would have, on whatever side of it the clock was set.
    pub fn resume(&mut self, saved: Saved, now: Time, wall: Time) {
        let halt = |kept: &SavedHalt| {
            let left = (kept.until - wall).min(kept.until - saved.at).min(LONGEST_KEPT);
            let until = now + left.max(TimeDelta::zero());
            // Nothing that this run asks was under way then.
            Halt { since: Time::MIN_UTC, until, times: kept.times, probing: false }
        };
        for kept in &saved.pauses {
            for exit in self.exits.iter_mut().filter(|exit| exit.proxy == kept.proxy) {
                exit.pause = Some(halt(kept));
            }
        }
        for kept in &saved.open {
            let exits = &self.exits;
            let is_it =
                |way: &Way| kept.host.as_deref() == Some(way.host.as_str()) && exits[way.exit].proxy == kept.proxy;
            for breaker in self.breakers.iter_mut().filter(|breaker| is_it(&breaker.way)) {
                breaker.open = Some(halt(kept));
                breaker.error.clone_from(&kept.error);
            }
        }
    }

    /// Since when a way may be asked; None while a probe of it is under way.
    fn free_at(&self, breaker: &Breaker) -> Option<Time> {
        let halts = [breaker.open, self.exits[breaker.way.exit].pause];
        let is_probed = halts.iter().flatten().any(|halt| halt.probing);
        (!is_probed).then(|| halts.iter().flatten().map(|halt| halt.until).max().unwrap_or(Time::MIN_UTC))
    }

    fn halts(&mut self, way: &Way) -> impl Iterator<Item = &mut Halt> {
        let pause = self.exits.get_mut(way.exit).and_then(|exit| exit.pause.as_mut());
        let breaker = self.breakers.iter_mut().find(|breaker| breaker.way == *way);
        pause.into_iter().chain(breaker.and_then(|breaker| breaker.open.as_mut()))
    }
}
