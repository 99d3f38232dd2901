//! The command line: what each command needs is read here, built, and run.

mod backfill;
mod check;
mod export;
mod fetch;
mod import;
mod log;
mod open_files;
mod progress;
mod push;
mod restore;
mod serve;
mod show;
mod subscriptions;
mod systemd;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use chrono::NaiveDate;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use url::Url;

use crate::{
    config::{Config, Tokens},
    feed::Format,
    fetch::{Http, without_credentials},
    model::{ChannelName, PostId},
    poll::Exit,
};

/// Turns public Telegram channels into RSS, Atom and JSON feeds.
#[derive(Debug, Parser)]
#[command(name = "feedbridge", version, about)]
pub struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, default_value = "config.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: poll, store and serve. The default.
    Serve,
    /// Poll a channel once and print its feed; the store is not touched.
    Fetch {
        /// NAME, @NAME or https://t.me/NAME
        channel: ChannelName,
        #[arg(long, value_enum, default_value_t = FormatName::Rss)]
        format: FormatName,
    },
    /// Fetch a channel's older posts now, while no daemon runs. What is done stays done when it is interrupted.
    Backfill {
        /// NAME, @NAME or https://t.me/NAME
        channel: ChannelName,
        /// Back to this day (UTC), as in 2024-12-31; else as far as the configuration says, or all.
        #[arg(long, value_name = "DATE", conflicts_with = "all")]
        since: Option<NaiveDate>,
        /// Back to the channel's beginning.
        #[arg(long)]
        all: bool,
    },
    /// Check the configuration and the store, and say what is wrong.
    Check,
    /// Print a stored post with all its revisions.
    Show {
        /// NAME, @NAME or https://t.me/NAME
        channel: ChannelName,
        /// The number of the post in its address.
        id: u64,
    },
    /// Print the stored posts with all their revisions as JSON lines.
    Export {
        /// Of this channel only: NAME, @NAME or https://t.me/NAME
        channel: Option<ChannelName>,
    },
    /// Take posts from an export into the store; or print the lines to configure for the channels of an OPML file.
    Import {
        /// What `export` wrote, or OPML with addresses of t.me, RSSHub, RSS-Bridge and their like.
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    Rss,
    Atom,
    Json,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Rss => Self::Rss,
            FormatName::Atom => Self::Atom,
            FormatName::Json => Self::Json,
        }
    }
}

/// The command line as clap knows it, for the man page and the completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// A line for people on standard error, then exit code 1.
type Failure = String;

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let Arguments { config, command } = Arguments::parse();
    let result = match command.unwrap_or(Command::Serve) {
        Command::Serve => load(&config).and_then(|loaded| serve::run(&config, loaded)),
        Command::Fetch { channel, format } => {
            load_or_default(&config).and_then(|c| fetch::run(&c, &channel, format.into()))
        }
        Command::Backfill { channel, since, all } => {
            load(&config).and_then(|config| backfill::run(&config, &channel, since, all))
        }
        Command::Check => load(&config).and_then(|config| check::run(&config)),
        Command::Export { channel } => load(&config).and_then(|config| export::run(&config, channel.as_ref())),
        Command::Import { file } => load(&config).and_then(|config| import::run(&config, &file)),
        Command::Show { channel, id } => load(&config).and_then(|config| show::run(&config, &channel, PostId(id))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("feedbridge: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|error| error.to_string())
}

/// A quick look at a channel needs no configuration file.
fn load_or_default(path: &Path) -> Result<Config, Failure> {
    if path.exists() { load(path) } else { Ok(Config::shipped()) }
}

/// The ways out to upstream that the configuration names.
fn exits(config: &Config) -> Result<Vec<Exit<Http>>, Failure> {
    let exit = |proxy: Option<&Url>| {
        let upstream = Arc::new(Http::new(proxy)?);
        Ok(Exit { upstream, proxy: proxy.map(without_credentials) })
    };
    match config.upstream.proxies.as_slice() {
        [] => Ok(vec![exit(None)?]),
        proxies => proxies.iter().map(|proxy| exit(Some(proxy))).collect(),
    }
}

/// Where the store is, given the environment.
fn store_directory(config: &Config) -> PathBuf {
    // systemd may name several, separated by colons; the first is ours.
    let state = env::var_os("STATE_DIRECTORY").and_then(|value| env::split_paths(&value).next());
    config.store.directory(state.as_deref())
}

/// The tokens of those who may read, given the environment.
fn tokens(config: &Config) -> Result<Option<Tokens>, Failure> {
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    config.access.load(credentials.as_deref()).map_err(|error| error.to_string())
}
