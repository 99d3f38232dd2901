//! Any text is a configuration or a list of problems, each with a line that exists.
#![no_main]

use feedbridge::config::{Config, Place};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = Config::parse(text) {
        assert!(!problems.is_empty());
        let lines = text.matches('\n').count() + 1;
        let exists = |place: &Place| matches!(place, Place::Line(line) if (1..=lines).contains(line));
        assert!(problems.iter().all(|problem| exists(&problem.place)), "{problems:?}");
    }
});
