//! What happens in the week, and when.

use chrono::TimeDelta;
use feedbridge::model::Time;

use super::Plan;
use crate::upstream::{StandIn, Trouble, Veil, base};

pub const LAPTOP_SLEEPS: TimeDelta = TimeDelta::days(5);
pub const FOR_SO_LONG: TimeDelta = TimeDelta::days(1);
pub const CHANNEL_GOES: TimeDelta = TimeDelta::hours(60);
pub const POSTS_END: TimeDelta = TimeDelta::days(7);

/// What upstream is doing to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Fine,
    /// No host can be reached.
    Outage,
    /// The first host is gone from DNS.
    HostGone,
    RateLimited,
    /// A page that is none of Telegram's.
    Challenge,
    /// Silent bans.
    Nobody,
    NoPosts,
}

/// Hours from the start, until.
const SCRIPT: [(i64, i64, Phase); 6] = [
    (20, 23, Phase::Outage),
    (30, 32, Phase::RateLimited),
    (40, 42, Phase::Nobody),
    (50, 52, Phase::NoPosts),
    (96, 98, Phase::Challenge),
    (104, 116, Phase::HostGone),
];

pub fn phase(elapsed: TimeDelta) -> Phase {
    let within = |(from, until, _): &&(i64, i64, Phase)| {
        elapsed >= TimeDelta::hours(*from) && elapsed < TimeDelta::hours(*until)
    };
    SCRIPT.iter().find(within).map_or(Phase::Fine, |(_, _, phase)| *phase)
}

impl Phase {
    pub fn apply(self, upstream: &StandIn, hosts: &[&str]) {
        let mut world = upstream.world();
        let trouble = match self {
            Self::Outage | Self::HostGone => Some(Trouble::Unreachable),
            Self::RateLimited => Some(Trouble::RateLimited(Some(900))),
            Self::Challenge => Some(Trouble::Body("<html><body>Are you a human?</body></html>".to_owned())),
            Self::Fine | Self::Nobody | Self::NoPosts => None,
        };
        let troubled = if self == Self::HostGone { &hosts[..1] } else { hosts };
        world.down.clear();
        for host in troubled {
            world.down.extend(trouble.clone().map(|trouble| ((*host).to_owned(), trouble)));
        }
        world.veil = match self {
            Self::Nobody => Some(Veil::Nobody),
            Self::NoPosts => Some(Veil::NoPosts),
            _ => None,
        };
    }

    /// Whether some host answers as it should.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Fine | Self::HostGone)
    }
}

/// All posts of the week, with their time.
pub struct Posts {
    /// The next one last.
    ahead: Vec<(Time, usize)>,
    /// The newest id of each channel.
    newest: Vec<u64>,
    random: fastrand::Rng,
}

impl Posts {
    pub fn new(plan: Plan, upstream: &StandIn) -> Self {
        let mut random = fastrand::Rng::with_seed(plan.seed);
        let mut ahead = Vec::new();
        let mut newest = Vec::new();
        for channel in 0..plan.channels {
            upstream.add(&format!("channel{channel}"), 1000 + channel as u64);
            let mut posts = Vec::new();
            // One channel in twenty makes most of the posts.
            let a_week = if channel % 20 == 0 { 150.0 } else { 10.0_f64.powf(random.f64() * 1.5 - 0.5) };
            let mut at = base() - TimeDelta::days(10);
            loop {
                let wait = -(1.0 - random.f64()).ln() / a_week * 7.0 * 24.0 * 60.0;
                at += TimeDelta::minutes(wait as i64) + TimeDelta::seconds(1);
                if at > base() + POSTS_END {
                    break;
                }
                posts.push(at);
            }
            // A burst: 60 posts within five minutes. And every channel has a first post.
            if channel % 7 == 0 {
                let start = base() + TimeDelta::minutes(random.i64(0..7 * 24 * 60 - 10));
                posts.extend((0..60).map(|n| start + TimeDelta::seconds(n * 5)));
            }
            posts.push(base() - TimeDelta::days(11));
            ahead.extend(posts.into_iter().map(|at| (at, channel)));
            newest.push(0);
        }
        ahead.sort_by(|a, b| b.cmp(a));
        Self { ahead, newest, random }
    }

    /// Publishes what is due.
    pub fn publish(&mut self, upstream: &StandIn, now: Time) {
        while let Some((at, channel)) = self.ahead.pop_if(|(at, _)| *at <= now) {
            // Ids have holes.
            let id = self.newest[channel] + if self.random.u8(..) < 40 { 2 } else { 1 };
            self.newest[channel] = id;
            if let Some(channel) = upstream.world().channels.get_mut(&format!("channel{channel}")) {
                channel.post(id, "A word", at);
            }
        }
    }
}
