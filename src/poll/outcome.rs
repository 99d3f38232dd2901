//! What a turn at upstream came to, and what that says of a channel. Pure.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;

use super::intake::Intake;
use crate::{
    model::Time,
    page::{Landing, Problem, ProblemKind},
    status::{State, Status},
};

/// A channel without a post for so long is quiet.
const QUIET: TimeDelta = TimeDelta::days(30);

/// Two looks count as two only if they are this far apart.
const APART: TimeDelta = TimeDelta::seconds(30);

/// How one request ended.
#[derive(Debug)]
pub enum Outcome {
    /// A page with posts; they are stored.
    Page(Box<Intake>),
    /// A preview without posts.
    Empty(Box<Intake>),
    /// Upstream redirects away from the preview; the landing page will tell why.
    Redirected,
    Landing(Landing),
    /// What a post's own page was asked for is stored; true if the post was found to be gone.
    Settled {
        gone: bool,
    },
    RateLimited(Option<Duration>),
    Unreachable(String),
    /// A status or a redirect that no page of Telegram's has.
    Refused(String),
    /// An answer that began and did not end.
    Broken(String),
    /// A page, but none of Telegram's: a challenge, a portal.
    Foreign(String),
    /// The channel is withheld from everybody who asks from here; upstream's words.
    Restricted(String),
    /// An answer that is not understood.
    Failed(String),
    OtherChannel(String),
    /// The page is fine, but could not be stored.
    Unstored(String),
    /// Reading or storing the answer stopped half-way.
    Stopped(String),
}

impl Outcome {
    /// The word of metrics and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::Empty(_) => "empty",
            Self::Redirected => "redirected",
            Self::Landing(_) => "no_preview",
            Self::Settled { .. } => "settled",
            Self::RateLimited(_) => "rate_limited",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) => "refused",
            Self::Broken(_) => "broken",
            Self::Foreign(_) => "foreign",
            Self::Restricted(_) => "restricted",
            Self::Failed(_) => "upstream_error",
            Self::OtherChannel(_) => "other_channel",
            Self::Unstored(_) => "unstored",
            Self::Stopped(_) => "stopped",
        }
    }

    /// What went wrong, in words; None if nothing did.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Page(intake) => drift(&intake.problems, intake.posts),
            Self::Empty(_) => Some("upstream shows no posts".to_owned()),
            Self::Landing(landing) => Some(landing_state(*landing).1.to_owned()),
            Self::RateLimited(_) => Some("upstream asks to wait".to_owned()),
            Self::Unreachable(reason)
            | Self::Refused(reason)
            | Self::Broken(reason)
            | Self::Foreign(reason)
            | Self::Restricted(reason)
            | Self::Failed(reason)
            | Self::OtherChannel(reason)
            | Self::Unstored(reason)
            | Self::Stopped(reason) => Some(reason.clone()),
            Self::Redirected | Self::Settled { .. } => None,
        }
    }
}

/// "Nonexistent" and "no posts" are also what a silent ban looks like, so they are believed only on a second look,
/// and only while other channels are fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspicion {
    /// Of the first look.
    pub since: Time,
    pub last: Time,
    pub looks: u32,
}

impl Suspicion {
    pub fn again(previous: Option<Self>, now: Time) -> Self {
        match previous {
            None => Self { since: now, last: now, looks: 1 },
            Some(previous) if (now - previous.since).abs() < APART => Self { last: now, ..previous },
            Some(previous) => Self { looks: previous.looks + 1, last: now, ..previous },
        }
    }

    pub fn is_confirmed(self) -> bool {
        self.looks >= 2
    }
}

/// Whether `outcome` is one that a ban may feign. `worked` tells that the channel has shown posts before.
pub fn is_suspicious(outcome: &Outcome, worked: bool) -> bool {
    match outcome {
        Outcome::Landing(Landing::Unknown) => true,
        Outcome::Landing(Landing::Channel) | Outcome::Empty(_) => worked,
        _ => false,
    }
}

/// The channel's status after `outcome`; `confirmed` tells that a suspicious one may be believed.
pub fn judge(previous: &Status, outcome: &Outcome, confirmed: bool, worked: bool, now: Time) -> Status {
    let error = outcome.reason();
    let believed = confirmed || !is_suspicious(outcome, worked);
    let succeeded = matches!(outcome, Outcome::Page(_)) || (matches!(outcome, Outcome::Empty(_)) && believed);
    let state = state(outcome, now).filter(|_| believed).unwrap_or(previous.state);
    Status {
        state,
        since: if state == previous.state { previous.since.or(Some(now)) } else { Some(now) },
        last_success: if succeeded { Some(now) } else { previous.last_success },
        last_attempt: Some(now),
        next_poll: previous.next_poll,
        failures: if succeeded { 0 } else { previous.failures + 1 },
        // A page that is only partly understood is a success with something to say.
        last_error: if succeeded { error } else { error.or_else(|| previous.last_error.clone()) },
        unknown: if let Outcome::Page(intake) = outcome { unknown(&intake.problems) } else { Vec::new() },
        gaps: previous.gaps,
        history: previous.history,
        same_as: None,
    }
}

/// The state that an outcome speaks for; None if it says nothing about the channel.
pub fn state(outcome: &Outcome, now: Time) -> Option<State> {
    match outcome {
        Outcome::Page(intake) => Some(page_state(intake, now)),
        Outcome::Empty(_) => Some(State::Empty),
        Outcome::Landing(landing) => Some(landing_state(*landing).0),
        Outcome::RateLimited(_) => Some(State::RateLimited),
        Outcome::Unreachable(_) => Some(State::Unreachable),
        Outcome::Refused(_) | Outcome::Broken(_) | Outcome::Foreign(_) | Outcome::Failed(_) => {
            Some(State::UpstreamError)
        }
        Outcome::Restricted(_) => Some(State::Restricted),
        Outcome::OtherChannel(_) => Some(State::Renamed),
        Outcome::Unstored(_) | Outcome::Stopped(_) | Outcome::Redirected | Outcome::Settled { .. } => None,
    }
}

fn landing_state(landing: Landing) -> (State, &'static str) {
    match landing {
        Landing::Group => (State::IsGroup, "this is a group; only channels have a preview"),
        Landing::Private => (State::Private, "this is private; only public channels have a preview"),
        Landing::User | Landing::Bot => (State::IsUser, "this is a person or a bot, not a channel"),
        Landing::ChannelWithoutPreview => {
            (State::NoPreview, "the channel has no public preview: its owner or Telegram switched it off")
        }
        Landing::Channel => (State::UpstreamError, "upstream names a preview but does not show it"),
        Landing::Unknown => (State::NotFound, "no such name; check its spelling, or the channel is gone or renamed"),
    }
}

fn page_state(intake: &Intake, now: Time) -> State {
    if drift(&intake.problems, intake.posts).is_some() {
        State::Drift
    } else if intake.published.last().is_some_and(|newest| now - *newest > QUIET) {
        State::Quiet
    } else {
        State::Ok
    }
}

/// What changed upstream's markup, in words, if a page has so many problems that it must have changed:
/// a class that is not known, or more than one post in five that is not understood.
pub fn drift(problems: &[Problem], posts: usize) -> Option<String> {
    if problems.iter().any(|problem| problem.kind == ProblemKind::NoPosts) {
        return Some("a page without posts".to_owned());
    }
    let unknown = unknown(problems);
    if !unknown.is_empty() {
        return Some(format!("unknown classes: {}", unknown.join(", ")));
    }
    let amiss = |kind: &ProblemKind| {
        // Mirrors out of step show a post twice, with markup as ever.
        matches!(kind, ProblemKind::NoContent | ProblemKind::Undated | ProblemKind::NoId)
    };
    let amiss = problems.iter().filter(|problem| amiss(&problem.kind)).count();
    (amiss * 5 > posts.max(1)).then(|| format!("{amiss} of {posts} posts without content, date or id"))
}

/// The classes and elements that are not known, each once.
fn unknown(problems: &[Problem]) -> Vec<String> {
    let names = problems.iter().filter_map(|problem| match &problem.kind {
        ProblemKind::UnknownClass(name) | ProblemKind::UnknownElement(name) => Some(name.clone()),
        _ => None,
    });
    names.collect::<BTreeSet<_>>().into_iter().collect()
}
