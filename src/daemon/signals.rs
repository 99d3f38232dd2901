//! The signals that the daemon obeys.

use tokio::{
    select,
    signal::unix::{self, SignalKind},
};

use super::Failure;

pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// By the name of what asked for it.
    Stop(&'static str),
    Reload,
}

impl Signals {
    /// From here on no signal ends the process by itself.
    pub fn new() -> Result<Self, Failure> {
        let listen = |kind| unix::signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Several of a kind that come before they are waited for are one.
    pub async fn next(&mut self) -> Signal {
        select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}
