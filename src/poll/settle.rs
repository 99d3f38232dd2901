//! What to make of an answer: for the way that was asked, for the channel, and for what is asked next.

use chrono::TimeDelta;
use tracing::{debug, info, warn};

use super::{
    Done,
    gaps::Cursor,
    intake::Intake,
    outcome::{self, Outcome},
    rounds::Rounds,
    suspects,
    turn::{Errand, Turn},
    verdict::{Channel, Exit, Host, Request, Verdict},
    ways::Asked,
};
use crate::{
    media::Renewal,
    model::{ChangeKind, ChannelName, PostId, Time},
    page::Landing,
    schedule::Seen,
    status::{State, Status},
};

/// After storing failed, as on a full disk.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(15);

impl Rounds {
    /// Takes in how a turn ended. `now` is the steady clock's time, `wall` the wall's.
    pub fn settle(&mut self, done: Done, now: Time, wall: Time) {
        let Done { turn, way, outcome, took } = done;
        let began = self.lanes.ended(&turn).unwrap_or(now);
        if !self.channels.is_followed(&turn.channel) {
            if let Errand::Renew(id) = turn.errand {
                self.refreshes.settle(&turn.channel, id, Renewal::Failed, wall);
            }
            return;
        }
        self.metrics.poll(self.channels.label(&turn.channel), outcome.as_str(), took);
        debug!(channel = %turn.channel, errand = ?turn.errand, outcome = outcome.as_str(), ?took, "asked upstream");
        let asked = Asked { way: &way, channel: &turn.channel, began, now };
        let verdict = self.weigh(&turn, &outcome, asked);
        if self.ways.judge(asked, &verdict, outcome.reason().as_deref()) {
            self.lanes.through(&way).schedule.slow_down(now);
        }
        if let Outcome::Unstored(error) = &outcome {
            warn!(%error, "posts could not be stored; polling pauses");
            self.lanes.store_pause = Some(now + STORE_PAUSE);
        }
        if verdict.request == Request::Elsewhere
            && self.lanes.of(&turn.channel).ask_elsewhere(&turn, &way, &self.ways, now)
        {
            return;
        }
        self.lanes.of(&turn.channel).answered(&turn);
        self.settle_turn(turn, &outcome, &verdict, now, wall);
    }

    /// The table's verdict, in the light of what other channels showed: of an answer that a ban may feign, and of an
    /// eager walk, which has no other channel to judge the way by.
    fn weigh(&mut self, turn: &Turn, outcome: &Outcome, asked: Asked<'_>) -> Verdict {
        let table = Verdict::of(outcome);
        let walks = matches!(turn.errand, Errand::History(_));
        if walks && self.lanes.eager && table.channel == Channel::Failed && table.host == Host::Unsure {
            return Verdict { host: Host::Trouble, request: Request::Elsewhere, ..table };
        }
        let name = &turn.channel;
        let status = self.board.get(name).unwrap_or_default();
        let worked = status.last_success.is_some();
        match outcome {
            Outcome::Page(_) if turn.errand != Errand::Head => Verdict { host: Host::Fine, ..table },
            Outcome::Page(_) => {
                for waiting in self.channels.suspects.fine(asked.way, name, asked.now) {
                    let lane = self.lanes.of(&waiting);
                    lane.errands.push(Turn { channel: waiting, errand: Errand::Head });
                }
                table
            }
            Outcome::Empty(_) if walks || matches!(turn.errand, Errand::Older(_)) => table,
            outcome if outcome::is_suspicious(outcome, worked) => {
                self.suspect(table, worked && !is_gone(status.state), asked)
            }
            Outcome::Empty(_) => Verdict { channel: Channel::Seen, host: Host::Fine, ..table },
            Outcome::Landing(_) => Verdict { host: Host::Fine, ..table },
            _ => table,
        }
    }

    fn suspect(&mut self, table: Verdict, worked: bool, asked: Asked<'_>) -> Verdict {
        let suspects = &mut self.channels.suspects;
        let verdict = if self.channels.followed.is_wish(asked.channel) {
            suspects.first_look(asked.way, asked.channel, asked.now)
        } else {
            suspects.suspicious(asked.way, asked.channel, worked, asked.now)
        };
        match verdict {
            suspects::Verdict::Believe => {
                let channel = if table.channel == Channel::Doubtful { Channel::Seen } else { table.channel };
                Verdict { channel, host: Host::Fine, ..table }
            }
            suspects::Verdict::Wait { canary } => {
                if let Some(channel) = canary {
                    let lane = self.lanes.of(&channel);
                    lane.errands.push(Turn { channel, errand: Errand::Head });
                }
                table
            }
            suspects::Verdict::Ban => {
                warn!(host = %asked.way.host, "upstream seems to have shut us out: polling slows down");
                self.ways.open(asked, "upstream shows nobody anything");
                self.lanes.through(asked.way).schedule.slow_down(asked.now);
                // Several hosts that do so are one address that is shut out, as by a challenge.
                Verdict { request: Request::Elsewhere, exit: Exit::Challenged, ..table }
            }
        }
    }

    fn settle_turn(&mut self, turn: Turn, outcome: &Outcome, verdict: &Verdict, now: Time, wall: Time) {
        let name = turn.channel;
        let polls = matches!(turn.errand, Errand::Head | Errand::Landing);
        match (turn.errand, outcome) {
            (Errand::Head, Outcome::Redirected) => {
                self.lanes.of(&name).errands.push_first(Turn { channel: name.clone(), errand: Errand::Landing });
            }
            (_, Outcome::Landing(Landing::ChannelWithoutPreview)) if polls => {
                let errand = Errand::Restriction(self.newest(&name));
                self.lanes.of(&name).errands.push_first(Turn { channel: name.clone(), errand });
            }
            (Errand::Head | Errand::Landing | Errand::Restriction(_), _) => {
                self.settle_head(&name, outcome, verdict, now, wall);
            }
            (Errand::Older(cursor) | Errand::History(cursor), Outcome::Page(_) | Outcome::Empty(_)) => {
                self.settle_older(&name, cursor, outcome, wall);
            }
            // As a head: once a host may be asked again, or the store has room again.
            (errand @ (Errand::Older(_) | Errand::History(_)), _)
                if verdict.channel == Channel::Waits
                    || self.lanes.eager
                    || matches!(outcome, Outcome::RateLimited(_)) =>
            {
                self.lanes.of(&name).line_up(Turn { channel: name.clone(), errand });
            }
            // All stays open, and the next newest page asks again.
            (Errand::Older(_) | Errand::History(_), _) => {}
            (Errand::Confirm(id), Outcome::Settled { gone }) => {
                let random = self.random.f64();
                self.channels.confirmed(&name, id, *gone, wall, random);
                if *gone {
                    info!(channel = %name, post = %id, "post is gone upstream");
                }
            }
            (Errand::Excerpt(id), Outcome::Settled { .. }) => self.channels.looked_at(&name, id, wall),
            (Errand::Renew(id), outcome) => {
                let renewal = match outcome {
                    Outcome::Settled { gone: false } => Renewal::Done,
                    Outcome::Settled { gone: true } => Renewal::Gone,
                    _ => Renewal::Failed,
                };
                self.refreshes.settle(&name, id, renewal, wall);
            }
            (Errand::Confirm(_) | Errand::Excerpt(_), _) => {}
        }
    }

    fn settle_head(&mut self, name: &ChannelName, outcome: &Outcome, verdict: &Verdict, now: Time, wall: Time) {
        let previous = self.board.get(name).unwrap_or_default();
        match (verdict.channel, outcome) {
            (Channel::Seen, Outcome::Page(intake)) => {
                // Upstream stamps posts by the wall's time, which may have jumped since the steady clock began.
                let published: Vec<_> = intake.published.iter().map(|time| *time + (now - wall)).collect();
                self.lanes.of(name).schedule.succeeded(name, now, &Seen { posts: &published, new: intake.fresh });
                self.follow_up(name, intake, wall);
            }
            (Channel::Seen, _) => self.lanes.of(name).schedule.succeeded(name, now, &Seen::default()),
            // It stays in flight, and its turn comes first once a host may be asked again, or the store has room again.
            (Channel::Waits, _) => {
                self.lanes.of(name).errands.push_first(Turn { channel: name.clone(), errand: Errand::Head });
            }
            (_, Outcome::RateLimited(retry_after)) => self.lanes.of(name).schedule.failed(name, now, *retry_after),
            _ => self.lanes.of(name).schedule.failed(name, now, None),
        }
        let worked = previous.last_success.is_some();
        let believed = verdict.host == Host::Fine;
        let mut status = outcome::judge(&previous, outcome, believed, worked, wall);
        status.next_poll = self.next_poll(name, now, wall);
        if let Outcome::Page(intake) = outcome {
            self.show_past(name, intake, &mut status, wall);
        }
        let is_wish = self.channels.is_wish(name);
        if !is_wish {
            self.channels.news.stands(name, &status, wall);
        }
        self.remember(name, &status);
        if let Outcome::Page(intake) = outcome
            && let Some(channel) = &intake.channel
        {
            self.channels.news.named(name, channel, wall);
            self.channels.ids.insert(name.clone(), channel.id);
            if let Some(polled) = self.channels.twins.shown(name, channel.id).cloned() {
                announce(name, &previous, &status);
                self.follow_twin(name, &polled);
                return self.looked(name, State::Ok, wall);
            }
        }
        if is_gone(status.state) || status.state == State::Renamed {
            self.release_twins(name, now);
        }
        self.set_status(name, status.clone());
        if is_wish {
            // An answer that may be a ban's says nothing of the channel yet.
            let found = outcome::state(outcome, wall).filter(|_| verdict.channel != Channel::Waits);
            let is_doubted = outcome::is_suspicious(outcome, worked) && !believed;
            return self.looked(name, found.filter(|_| !is_doubted).unwrap_or(State::New), wall);
        }
        // Last, so that who reads of it in the log finds it in health.
        announce(name, &previous, &status);
    }

    /// The other names of a channel that `name` does not lead to any more are asked again themselves.
    pub(super) fn release_twins(&mut self, name: &ChannelName, now: Time) {
        for twin in self.channels.twins.release(name) {
            self.lanes.of(&twin).schedule.insert(twin.clone(), None, now);
        }
    }

    fn follow_up(&mut self, name: &ChannelName, intake: &Intake, wall: Time) {
        self.count(name, intake, wall);
        if intake.new + intake.edited > 0 {
            info!(channel = %name, new = intake.new, edited = intake.edited, "posts stored");
        }
        for id in self.channels.left_out(name, &intake.missing, wall) {
            self.lanes.of(name).errands.push_patient(Turn { channel: name.clone(), errand: Errand::Confirm(id) });
        }
    }

    fn settle_older(&mut self, name: &ChannelName, cursor: Cursor, outcome: &Outcome, wall: Time) {
        let (Outcome::Page(intake) | Outcome::Empty(intake)) = outcome else { return };
        let Some(mut status) = self.board.get(name) else { return };
        let previous = status.clone();
        match (outcome, cursor) {
            (Outcome::Empty(_), Cursor::Before(id)) => {
                // Once more after the next newest page, which proves that upstream shows this channel.
                self.channels.ends_at(name, id);
                if self.lanes.eager {
                    self.lanes.of(name).errands.push(Turn { channel: name.clone(), errand: Errand::Head });
                }
                return;
            }
            (_, Cursor::End(id)) => self.channels.ends_no_more(name, id),
            _ => {}
        }
        self.count(name, intake, wall);
        self.show_past(name, intake, &mut status, wall);
        let is_done = |status: &Status| status.history.is_some_and(|history| history.done);
        if is_done(&status) && !is_done(&previous) {
            let oldest = status.history.and_then(|history| history.oldest).map(|time| time.to_rfc3339());
            info!(channel = %name, oldest, posts = intake.past.posts, "history is stored as far back as wanted");
        }
        self.set_status(name, status);
    }

    /// Shows gaps and history, and asks for what is wanting.
    fn show_past(&mut self, name: &ChannelName, intake: &Intake, status: &mut Status, wall: Time) {
        if let Some(id) = intake.ends_at {
            self.channels.ends_at(name, id);
        }
        status.gaps = intake.gaps.len();
        self.heal(name, &intake.gaps);
        status.history = self.walk_on(name, intake.past, wall);
    }

    fn count(&mut self, name: &ChannelName, intake: &Intake, wall: Time) {
        let label = self.channels.label(name);
        self.metrics.changes(label, ChangeKind::New, intake.new as u64);
        self.metrics.changes(label, ChangeKind::Edited, intake.edited as u64);
        self.metrics.problems(label, &intake.problems);
        for published in &intake.live {
            self.metrics.delay(wall - *published);
        }
        for id in self.channels.withheld_due(name, &intake.withheld, wall) {
            self.lanes.of(name).errands.push_patient(Turn { channel: name.clone(), errand: Errand::Excerpt(id) });
        }
    }

    /// The newest post that is known of the channel; the first one that can be, if none is.
    fn newest(&self, name: &ChannelName) -> PostId {
        self.channels.ids.get(name).and_then(|id| self.store.head(*id).newest).unwrap_or(PostId(1))
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
