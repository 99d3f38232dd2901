//! What to make of an answer: for the way that was asked, for the channel, and for what is asked next.

use chrono::TimeDelta;
use tracing::{debug, info, warn};

use super::{
    Done,
    gaps::Cursor,
    hosts::Way,
    intake::Intake,
    outcome::{self, Outcome},
    rounds::Rounds,
    suspects::Verdict,
    turn::{Errand, Turn},
};
use crate::{
    model::{ChangeKind, ChannelName, PostId, Time},
    page::Landing,
    schedule::Seen,
    status::{State, Status},
};

/// A post that so many pages in a row should have shown but did not is asked for by itself.
const LOOKS_BEFORE_CONFIRMING: u32 = 2;

/// So many channels in a row without a page of Telegram's are not the channels' fault.
const REFUSED_BY_HOST: usize = 3;

/// After storing failed, as on a full disk.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(15);

/// What an answer says about the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// It shows what there is.
    Fine,
    /// Nothing either way.
    Unsure,
    /// It shuts us out.
    Ban,
}

impl Rounds {
    /// Takes in how a turn ended. `now` is the steady clock's time, `wall` the wall's.
    pub fn settle(&mut self, done: Done, now: Time, wall: Time) {
        let Done { turn, way, outcome, took } = done;
        self.busy.remove(&turn.channel);
        self.metrics.poll(&turn.channel, outcome.as_str(), took);
        debug!(channel = %turn.channel, errand = ?turn.errand, outcome = outcome.as_str(), ?took, "asked upstream");
        let evidence = self.weigh(&turn, &outcome, now);
        self.judge_way(&way, &outcome, evidence, now);
        let blocks = self.blocks_walk(&turn, &outcome);
        if blocks {
            self.hosts.unreachable(&way, &outcome.reason().unwrap_or_else(|| outcome.as_str().to_owned()), now);
        }
        let failed_over = blocks || matches!(outcome, Outcome::Unreachable(_) | Outcome::RateLimited(_));
        if failed_over && self.hosts.choose(now).is_some() {
            // Another way is left: the same turn, at once.
            self.errands.push_first(turn);
        } else if blocks {
            self.line_up(turn);
        } else {
            self.settle_turn(turn, &outcome, evidence, now, wall);
        }
    }

    /// Whether an eager walk gets no further by this answer. Such a walk has no other channel to judge the way by, and
    /// the next newest page, which would take it up again, may be hours away.
    fn blocks_walk(&self, turn: &Turn, outcome: &Outcome) -> bool {
        let of_way = matches!(outcome, Outcome::Unreachable(_) | Outcome::RateLimited(_));
        let of_store = matches!(outcome, Outcome::Page(_) | Outcome::Empty(_) | Outcome::Unstored(_));
        self.eager && matches!(turn.errand, Errand::History(_)) && !of_way && !of_store
    }

    fn settle_turn(&mut self, turn: Turn, outcome: &Outcome, evidence: Evidence, now: Time, wall: Time) {
        let name = turn.channel;
        let polls = matches!(turn.errand, Errand::Head | Errand::Landing);
        match (turn.errand, outcome) {
            (Errand::Head, Outcome::Redirected) => {
                self.errands.push_first(Turn { channel: name, errand: Errand::Landing });
            }
            (_, Outcome::Landing(Landing::ChannelWithoutPreview)) if polls => {
                let errand = Errand::Restriction(self.newest(&name));
                self.errands.push_first(Turn { channel: name, errand });
            }
            (Errand::Head | Errand::Landing | Errand::Restriction(_), _) => {
                self.settle_head(&name, outcome, evidence, now, wall);
            }
            // As a head: once a host may be asked again, or the store has room again.
            (
                Errand::Older(_) | Errand::History(_),
                Outcome::Unreachable(_) | Outcome::RateLimited(_) | Outcome::Unstored(_),
            ) => self.line_up(Turn { channel: name, errand: turn.errand }),
            (Errand::Older(cursor) | Errand::History(cursor), _) => self.settle_older(&name, cursor, outcome, wall),
            (Errand::Confirm(id), _) => {
                self.missing.remove(&(name.clone(), id));
                if matches!(outcome, Outcome::Settled { gone: true }) {
                    info!(channel = %name, post = %id, "post is gone upstream");
                }
            }
            (Errand::Excerpt(_), _) => {}
        }
    }

    /// What the outcome says about the host, in the light of those of other channels.
    fn weigh(&mut self, turn: &Turn, outcome: &Outcome, now: Time) -> Evidence {
        let name = &turn.channel;
        match outcome {
            Outcome::Refused(_) => {
                self.refused.insert(name.clone());
                return if self.refused.len() >= REFUSED_BY_HOST { Evidence::Ban } else { Evidence::Unsure };
            }
            Outcome::Unreachable(_) | Outcome::RateLimited(_) => return Evidence::Unsure,
            _ => self.refused.clear(),
        }
        let status = self.board.get(name).unwrap_or_default();
        let worked = status.last_success.is_some();
        match outcome {
            Outcome::Redirected | Outcome::Settled { gone: false } | Outcome::Failed(_) => Evidence::Unsure,
            Outcome::Page(_) if turn.errand == Errand::Head => {
                for waiting in self.suspects.fine(name, now) {
                    self.errands.push(Turn { channel: waiting, errand: Errand::Head });
                }
                Evidence::Fine
            }
            Outcome::Empty(_) if matches!(turn.errand, Errand::Older(_) | Errand::History(_)) => Evidence::Unsure,
            outcome if outcome::is_suspicious(outcome, worked) => {
                self.suspect(name, worked && !is_gone(status.state), now)
            }
            _ => Evidence::Fine,
        }
    }

    fn suspect(&mut self, name: &ChannelName, worked: bool, now: Time) -> Evidence {
        match self.suspects.suspicious(name, worked, now) {
            Verdict::Believe => Evidence::Fine,
            Verdict::Wait { canary } => {
                if let Some(channel) = canary {
                    self.errands.push(Turn { channel, errand: Errand::Head });
                }
                Evidence::Unsure
            }
            Verdict::Ban => Evidence::Ban,
        }
    }

    fn judge_way(&mut self, way: &Way, outcome: &Outcome, evidence: Evidence, now: Time) {
        match (outcome, evidence) {
            (Outcome::Unreachable(reason), _) => self.hosts.unreachable(way, reason, now),
            (Outcome::RateLimited(retry_after), _) => {
                self.hosts.limited(way, *retry_after, now);
                self.schedule.slow_down(now);
            }
            (_, Evidence::Ban) => {
                warn!(host = %way.host, "upstream seems to have shut us out: polling slows down");
                self.hosts.limited(way, None, now);
                self.schedule.slow_down(now);
            }
            (_, Evidence::Fine) => self.hosts.answered(way),
            (_, Evidence::Unsure) => self.hosts.unsure(way),
        }
        if let Outcome::Unstored(error) = outcome {
            warn!(%error, "posts could not be stored; polling pauses");
            self.store_pause = Some(now + STORE_PAUSE);
        }
    }

    fn settle_head(&mut self, name: &ChannelName, outcome: &Outcome, evidence: Evidence, now: Time, wall: Time) {
        let previous = self.board.get(name).unwrap_or_default();
        let believed = evidence == Evidence::Fine;
        match outcome {
            Outcome::Page(intake) => {
                // Upstream stamps posts by the wall's time, which may have jumped since the steady clock began.
                let published: Vec<_> = intake.published.iter().map(|time| *time + (now - wall)).collect();
                self.schedule.succeeded(name, now, &Seen { posts: &published, new: intake.fresh });
                self.follow_up(name, intake, wall);
            }
            Outcome::Empty(_) if believed => self.schedule.succeeded(name, now, &Seen::default()),
            // Not the channel's fault: it stays in flight, and its turn comes first once a host may be asked again,
            // or the store has room again.
            Outcome::Unreachable(_) | Outcome::Unstored(_) => {
                self.errands.push_first(Turn { channel: name.clone(), errand: Errand::Head });
            }
            Outcome::RateLimited(retry_after) => self.schedule.failed(name, now, *retry_after),
            _ => self.schedule.failed(name, now, None),
        }
        let worked = previous.last_success.is_some();
        let mut status = outcome::judge(&previous, outcome, believed, worked, wall);
        status.next_poll = self.next_poll(name, now, wall);
        if let Outcome::Page(intake) = outcome {
            self.show_past(name, intake, &mut status, wall);
        }
        announce(name, &previous, &status);
        self.news.stands(name, &status, wall);
        if let Outcome::Page(intake) = outcome
            && let Some(channel) = &intake.channel
        {
            self.news.named(name, channel, wall);
        }
        self.remember(name, &status);
        self.board.set(name, status);
    }

    fn follow_up(&mut self, name: &ChannelName, intake: &Intake, wall: Time) {
        self.count(name, intake, wall);
        if intake.new + intake.edited > 0 {
            info!(channel = %name, new = intake.new, edited = intake.edited, "posts stored");
        }
        for id in &intake.missing {
            let looks = self.missing.entry((name.clone(), *id)).or_default();
            *looks += 1;
            if *looks >= LOOKS_BEFORE_CONFIRMING {
                self.errands.push_patient(Turn { channel: name.clone(), errand: Errand::Confirm(*id) });
            }
        }
    }

    fn settle_older(&mut self, name: &ChannelName, cursor: Cursor, outcome: &Outcome, wall: Time) {
        // Of any other outcome all stays open, and the next newest page asks again.
        let (Outcome::Page(intake) | Outcome::Empty(intake)) = outcome else { return };
        let Some(mut status) = self.board.get(name) else { return };
        let previous = status.clone();
        match (outcome, cursor) {
            (Outcome::Empty(_), Cursor::Before(id)) => {
                // Once more after the next newest page, which proves that upstream shows this channel.
                self.ends.insert((name.clone(), id));
                if self.eager {
                    self.errands.push(Turn { channel: name.clone(), errand: Errand::Head });
                }
                return;
            }
            (_, Cursor::End(id)) => _ = self.ends.remove(&(name.clone(), id)),
            _ => {}
        }
        self.count(name, intake, wall);
        self.show_past(name, intake, &mut status, wall);
        let is_done = |status: &Status| status.history.is_some_and(|history| history.done);
        if is_done(&status) && !is_done(&previous) {
            let oldest = status.history.and_then(|history| history.oldest).map(|time| time.to_rfc3339());
            info!(channel = %name, oldest, posts = intake.past.posts, "history is stored as far back as wanted");
        }
        self.board.set(name, status);
    }

    /// Shows gaps and history, and asks for what is wanting.
    fn show_past(&mut self, name: &ChannelName, intake: &Intake, status: &mut Status, wall: Time) {
        self.ends.extend(intake.ends_at.map(|id| (name.clone(), id)));
        status.gaps = intake.gaps.len();
        self.heal(name, &intake.gaps);
        status.history = self.walk_on(name, intake.past, wall);
    }

    fn count(&mut self, name: &ChannelName, intake: &Intake, wall: Time) {
        self.metrics.changes(name, ChangeKind::New, intake.new as u64);
        self.metrics.changes(name, ChangeKind::Edited, intake.edited as u64);
        self.metrics.problems(name, &intake.problems);
        for published in &intake.live {
            self.metrics.delay(wall - *published);
        }
        for id in &intake.withheld {
            self.errands.push_patient(Turn { channel: name.clone(), errand: Errand::Excerpt(*id) });
        }
    }

    /// The newest post that is known of the channel; the first one that can be, if none is.
    fn newest(&self, name: &ChannelName) -> PostId {
        let channel = self.store.channel(name).ok().flatten();
        channel.and_then(|channel| self.store.head(channel.id).newest).unwrap_or(PostId(1))
    }
}

/// Whether it was believed already that the channel shows nothing.
fn is_gone(state: State) -> bool {
    match state {
        State::Empty | State::NoPreview | State::Restricted | State::NotFound => true,
        State::Private | State::IsGroup | State::IsUser => true,
        State::New | State::Ok | State::Quiet | State::RateLimited | State::UpstreamError => false,
        State::Unreachable | State::Renamed | State::Drift => false,
    }
}

/// Logs what a person should know, once, when it changes.
fn announce(name: &ChannelName, previous: &Status, status: &Status) {
    if previous.state == status.state {
        return;
    }
    let state = status.state.as_str();
    match &status.last_error {
        Some(error) if !status.state.is_fine() => warn!(channel = %name, state, %error, "channel's state changed"),
        _ => info!(channel = %name, state, "channel's state changed"),
    }
}
