//! How far a long command has come, for a person who watches standard error. Silent when nobody does.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `bytes`. It draws itself only on a terminal.
pub fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    // What is over in a moment needs no bar.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
