//! Where log lines go: to the journal under systemd, else to standard error.

use std::{
    env,
    io::{self, Write},
};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging; the level is that of `RUST_LOG`, `info` if it is not set.
pub fn start() {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sled=warn"));
    let registry = tracing_subscriber::registry().with(level);
    // systemd sets JOURNAL_STREAM when standard error is the journal.
    match env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok()) {
        Some(journal) => registry.with(journal.with_field_prefix(None)).init(),
        // Without colours: their marks would have to be told from those that a channel sends.
        None => registry.with(fmt::layer().with_ansi(false).with_writer(|| OneLine(io::stderr()))).init(),
    }
}

/// Writes each event as one line of visible characters: what comes from channels and requests can forge no line and
/// steer no terminal.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// `event` is whole, with its newline: that is how tracing-subscriber writes.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut line = String::with_capacity(text.len());
        for character in text.strip_suffix('\n').unwrap_or(&text).chars() {
            if is_visible(character) { line.push(character) } else { line.extend(character.escape_unicode()) }
        }
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Neither a control nor one of those that break lines or turn the direction of what follows.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let mut written = Vec::new();
        let event = "channel=a error=x\n2026 INFO forged\r\u{1b}[2J\u{9b}1m\u{202e}\u{2028}é\n";
        OneLine(&mut written).write_all(event.as_bytes()).unwrap();
        let line = String::from_utf8(written).unwrap();
        assert_eq!(line, "channel=a error=x\\u{a}2026 INFO forged\\u{d}\\u{1b}[2J\\u{9b}1m\\u{202e}\\u{2028}é\n");
    }
}
