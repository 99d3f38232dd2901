//! The man page and the completions in `packaging/` are made from the command line itself.
//! `FEEDBRIDGE_UPDATE=1 cargo test --test house packaging` writes them anew.

use std::{env, fs, path::Path};

use clap_complete::{Shell, generate};
use feedbridge::cli;

fn generated() -> Vec<(&'static str, Vec<u8>)> {
    let mut page = Vec::new();
    clap_mangen::Man::new(cli::command()).render(&mut page).unwrap();
    let mut files = vec![("feedbridge.1", page)];
    for (name, shell) in
        [("feedbridge.bash", Shell::Bash), ("_feedbridge", Shell::Zsh), ("feedbridge.fish", Shell::Fish)]
    {
        let mut script = Vec::new();
        generate(shell, &mut cli::command(), "feedbridge", &mut script);
        files.push((name, script));
    }
    files
}

#[test]
fn the_man_page_and_the_completions_are_those_of_the_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    for (name, bytes) in generated() {
        let file = folder.join(name);
        if env::var_os("FEEDBRIDGE_UPDATE").is_some() {
            fs::write(&file, &bytes).unwrap();
        }
        let kept = fs::read(&file).unwrap_or_default();
        assert!(kept == bytes, "{name} is out of date: run FEEDBRIDGE_UPDATE=1 cargo test --test house packaging");
    }
}
