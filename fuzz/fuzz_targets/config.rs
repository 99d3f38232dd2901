//! Any text is a configuration or a list of problems, each with a line that exists.
#![no_main]

use feedbridge::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = Config::parse(text) {
        assert!(!problems.is_empty());
        let lines = text.matches('\n').count() + 1;
        assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.line)), "{problems:?}");
    }
});
