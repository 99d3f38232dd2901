//! The command line: what each command needs is read here, built, and run.

mod backfill;
mod check;
mod export;
mod fetch;
mod follow;
mod foreground;
mod health;
mod import;
mod media;
mod progress;
mod restore;
mod settings;
mod show;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::NaiveDate;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::{
    config::Config,
    daemon::{self, Failure},
    feed::Format,
    model::{ChannelName, PostId},
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
    /// Add channels to the configuration; a running daemon takes them up by itself.
    Add {
        /// NAME, @NAME, https://t.me/NAME, or the address of its feed at RSSHub, RSS-Bridge and their like
        #[arg(required = true, value_name = "CHANNEL")]
        channels: Vec<String>,
        /// Do not look at the channels on Telegram first.
        #[arg(long)]
        offline: bool,
    },
    /// Take channels out of the configuration; what is stored of them stays.
    Remove {
        /// As for `add`.
        #[arg(required = true, value_name = "CHANNEL")]
        channels: Vec<String>,
    },
    /// Print the channels of the configuration with the addresses of their feeds.
    List,
    /// Ask the running daemon how it is; exits with 0 for ok, 1 for degraded, 2 for down.
    Health {
        /// Exit with 0 unless it is down, for who restarts what fails.
        #[arg(long)]
        live: bool,
    },
    /// Look after the files of posts that are kept here.
    Media {
        #[command(subcommand)]
        command: media::Command,
    },
    /// Check the configuration and the store, and say what is wrong.
    Check {
        /// Print every setting in force instead, and where it comes from: the file, the environment, or the default.
        #[arg(long)]
        show: bool,
    },
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

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let Arguments { config, command } = Arguments::parse();
    let result = match command.unwrap_or(Command::Serve) {
        Command::Health { live } => return health::run(daemon::load(&config), live),
        Command::Serve => daemon::load(&config).and_then(|loaded| daemon::run(&config, loaded)),
        Command::Fetch { channel, format } => {
            load_or_default(&config).and_then(|c| fetch::run(&c, &channel, format.into()))
        }
        Command::Backfill { channel, since, all } => {
            daemon::load(&config).and_then(|config| backfill::run(&config, &channel, since, all))
        }
        Command::Add { channels, offline } => {
            daemon::load(&config).and_then(|loaded| follow::add(&config, &loaded, &channels, offline))
        }
        Command::Remove { channels } => {
            daemon::load(&config).and_then(|loaded| follow::remove(&config, &loaded, &channels))
        }
        Command::List => daemon::load(&config).and_then(|config| follow::list(&config)),
        Command::Media { command } => daemon::load(&config).and_then(|config| media::run(&config, command)),
        Command::Check { show: true } => settings::show(&config),
        Command::Check { show: false } => daemon::load(&config).and_then(|config| check::run(&config)),
        Command::Export { channel } => daemon::load(&config).and_then(|config| export::run(&config, channel.as_ref())),
        Command::Import { file } => daemon::load(&config).and_then(|config| import::run(&config, &file)),
        Command::Show { channel, id } => {
            daemon::load(&config).and_then(|config| show::run(&config, &channel, PostId(id)))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("feedbridge: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// A quick look at a channel needs no configuration file.
fn load_or_default(path: &Path) -> Result<Config, Failure> {
    if path.exists() { daemon::load(path) } else { Ok(Config::shipped()) }
}
