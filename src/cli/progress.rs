//! How far a long command has come, for a person who watches standard error. Silent when nobody does.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `bytes`. It draws itself only on a terminal.
pub fn bar(bytes: u64) -> ProgressBar {
    styled(bytes, "{wide_bar} {bytes}/{total_bytes} {eta}")
}

/// As [`bar`], over so many things.
pub fn counted(things: u64) -> ProgressBar {
    styled(things, "{wide_bar} {pos}/{len} {eta}")
}

fn styled(bytes: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    // What is over in a moment needs no bar.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
