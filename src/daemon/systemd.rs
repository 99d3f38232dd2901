//! What the daemon and systemd tell each other: sd_notify(3), the watchdog, sd_listen_fds(3).
//! Without systemd nothing here does anything.

use std::{net::TcpListener, time::Duration};

use listenfd::ListenFd;
use rustix::net::sockopt;
use sd_notify::NotifyState;
use tracing::warn;

use super::Failure;
use crate::{config::Config, poll::Heartbeat};

/// The socket accepts and the configuration is in force.
pub fn ready(config: &Config) {
    notify(&[NotifyState::Ready, NotifyState::Status(&serving(config))]);
}

/// The configuration is in force still, since the changed one cannot be used.
pub fn refused(config: &Config, error: &str) {
    // A line's end would end the message.
    let status = format!("{}; the changed configuration is refused: {}", serving(config), error.replace('\n', "; "));
    notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

fn serving(config: &Config) -> String {
    format!("Serving {} channels at {}", config.channels.len(), config.server.public_url)
}

/// Both in one message, as systemd 253 and newer ask for.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now, NotifyState::Status("Reading the configuration")]),
        Err(error) => warn!(%error, "cannot read the clock that systemd wants to know"),
    }
}

pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("Finishing requests")]);
}

/// Beats three times in a watchdog period, from within the polling loop: a loop that hangs is restarted.
pub fn heartbeat() -> Option<Heartbeat> {
    let period = sd_notify::watchdog_enabled()?;
    Some(Heartbeat { period: (period / 3).max(Duration::from_millis(50)), beat: || notify(&[NotifyState::Watchdog]) })
}

/// The socket that systemd passes to this process, if it passes one. To be called once, while there is one thread: what
/// says so is taken out of the environment.
pub fn socket() -> Result<Option<TcpListener>, Failure> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        return Err(format!("systemd passes {} sockets; feedbridge takes one", passed.len()));
    }
    // One of another kind, or of a single connection (`Accept=yes`), would fail only when readers come.
    match passed.take_tcp_listener(0) {
        Ok(None) => Ok(None),
        Ok(Some(socket)) if sockopt::socket_acceptconn(&socket) == Ok(true) => Ok(Some(socket)),
        _ => Err("systemd passes a socket that is no listening TCP socket; see systemd/feedbridge.socket".to_owned()),
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot tell systemd");
    }
}
