//! What an answer says: of the request, the channel, the host that gave it, and the exit that it came through. The one
//! table; nobody else judges a host. Pure.

use std::time::Duration;

use super::outcome::Outcome;

/// What becomes of the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// It has its answer.
    Answered,
    /// The next way is asked at once, while there is one; else this is the answer.
    Elsewhere,
}

/// What the schedule learns of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// It was seen.
    Seen,
    /// Seen if it is believed: a ban feigns the same.
    Doubtful,
    /// Not its fault: its turn comes first again.
    Waits,
    /// Not seen: back-off.
    Failed,
    /// Nothing: the request was about something else.
    Untouched,
}

/// What is known of the host now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// It shows what there is.
    Fine,
    /// Nothing either way.
    Unsure,
    /// It did not do what it is for.
    Trouble,
}

/// What the answer says of the exit, and so of every host behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Untouched,
    /// Upstream asked this address to wait.
    Paused(Option<Duration>),
    /// A page of somebody else's in Telegram's place. One host may be at fault; if several show it, the address is.
    Challenged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub request: Request,
    pub channel: Channel,
    pub host: Host,
    pub exit: Exit,
}

impl Verdict {
    /// The row of the table for `outcome`.
    pub fn of(outcome: &Outcome) -> Self {
        use {Channel as C, Exit as E, Host as H, Request as R};
        let (request, channel, host, exit) = match outcome {
            Outcome::Page(_) => (R::Answered, C::Seen, H::Fine, E::Untouched),
            Outcome::Empty(_) => (R::Answered, C::Doubtful, H::Unsure, E::Untouched),
            Outcome::Redirected => (R::Answered, C::Untouched, H::Unsure, E::Untouched),
            Outcome::Landing(_) => (R::Answered, C::Failed, H::Unsure, E::Untouched),
            Outcome::Settled { gone: true } => (R::Answered, C::Untouched, H::Fine, E::Untouched),
            Outcome::Settled { gone: false } => (R::Answered, C::Untouched, H::Unsure, E::Untouched),
            Outcome::Restricted(_) | Outcome::OtherChannel(_) => (R::Answered, C::Failed, H::Fine, E::Untouched),
            Outcome::Failed(_) => (R::Answered, C::Failed, H::Unsure, E::Untouched),
            Outcome::Unstored(_) => (R::Answered, C::Waits, H::Fine, E::Untouched),
            Outcome::Stopped(_) => (R::Answered, C::Failed, H::Unsure, E::Untouched),
            Outcome::RateLimited(wait) => (R::Elsewhere, C::Failed, H::Unsure, E::Paused(*wait)),
            Outcome::Unreachable(_) => (R::Elsewhere, C::Waits, H::Trouble, E::Untouched),
            Outcome::Refused(_) | Outcome::Broken(_) => (R::Elsewhere, C::Failed, H::Trouble, E::Untouched),
            Outcome::Foreign(_) => (R::Elsewhere, C::Failed, H::Trouble, E::Challenged),
        };
        Self { request, channel, host, exit }
    }
}
