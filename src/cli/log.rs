//! Where log lines go: to the journal under systemd, else to standard error.

use std::{
    env,
    io::{self, IsTerminal},
};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging; the level is that of `RUST_LOG`, `info` if it is not set.
pub fn start() {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sled=warn"));
    let registry = tracing_subscriber::registry().with(level);
    // systemd sets JOURNAL_STREAM when standard error is the journal.
    match env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok()) {
        Some(journal) => registry.with(journal.with_field_prefix(None)).init(),
        None => {
            // A file or a pipe is read by programs, which want no colours.
            let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            registry.with(fmt::layer().with_writer(io::stderr).with_ansi(colours)).init();
        }
    }
}
