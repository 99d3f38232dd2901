//! The `feedbridge` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    feedbridge::cli::run()
}
