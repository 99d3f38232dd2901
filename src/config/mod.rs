//! The configuration, read once into checked values. Nothing below looks at the file again.

mod access;
pub mod edit;
mod environment;
mod limits;
mod media;
mod named;
mod on_demand;
mod read;
mod section;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use url::Url;

pub use access::{Access, TokenError, Tokens};
pub use environment::Environment;
pub use limits::Limits;
pub use media::{Media, MediaStore, Mode};
pub use named::is_reserved;
pub use on_demand::OnDemand;
pub use read::is_loopback;
pub use section::{Place, Problem, Said, Sources};

use crate::{
    feed::{Filter, Settings},
    media::Addresses,
    model::{ChannelName, History},
    schedule::Policy,
};

/// Everything that the file says, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub store: StoreConfig,
    pub limits: Limits,
    pub access: Access,
    pub upstream: Upstream,
    pub poll: Poll,
    pub on_demand: OnDemand,
    pub media: Media,
    /// The channels whose files never leave the store of media.
    pub kept: BTreeSet<ChannelName>,
    pub open_in: OpenIn,
    pub hub: Hub,
    /// For feeds that say nothing of their own.
    pub defaults: Settings,
    /// For channels that say nothing of their own.
    pub history: History,
    /// All that are polled: those with a feed of their own, then those that only a named feed wants.
    pub channels: Vec<ChannelConfig>,
    /// One for each channel, then the named ones.
    pub feeds: Vec<FeedSpec>,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub listen: SocketAddr,
    /// What readers use, without a slash at the end; self links come from it, never from the Host header.
    pub public_url: String,
    /// Bytes that the shelf may hold.
    pub shelf_bytes: u64,
    /// Whether search engines may show the pages.
    pub robots: bool,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// As written; see [`StoreConfig::within`].
    pub path: PathBuf,
    /// The length at which the journal begins its next file.
    pub segment_bytes: u64,
}

impl StoreConfig {
    /// With the path where the store is: a relative one is taken from `state_directory` (systemd's STATE_DIRECTORY) when
    /// that is set, else from the working directory.
    pub fn within(&self, state_directory: Option<&Path>) -> Self {
        let path = state_directory.map_or_else(|| self.path.clone(), |base| base.join(&self.path));
        Self { path, ..self.clone() }
    }
}

#[derive(Debug, Clone)]
pub struct Upstream {
    /// Origins that serve the previews, in order of preference.
    pub hosts: Vec<Url>,
    /// Ways out, in order of preference; none is this machine's own address.
    pub proxies: Vec<Url>,
    /// Whether they are used side by side, each with a budget of its own.
    pub spread: bool,
}

/// Readers of one's own, to which pages link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenIn {
    /// Where it is, without a slash at the end.
    pub miniflux: Option<String>,
    /// As for Miniflux.
    pub freshrss: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Poll {
    pub policy: Policy,
}

/// Who pushes changes to subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hub {
    Off,
    Own(OwnHub),
    /// One elsewhere, which is told of changes.
    Outside(Url),
}

/// The limits of a hub of the daemon's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHub {
    pub subscriptions_per_topic: usize,
    pub subscriptions_per_host: usize,
    pub allow_private_callbacks: bool,
}

#[derive(Debug, Clone)]
pub struct ChannelConfig {
    pub name: ChannelName,
    pub history: History,
}

/// What a reader subscribes to: one channel, or several merged.
#[derive(Debug, Clone)]
pub struct FeedSpec {
    /// The first part of its addresses, `/NAME/rss.xml`: the channel's name as configured, or the feed's own.
    pub name: String,
    /// None: the channel's own title.
    pub title: Option<String>,
    pub channels: Vec<ChannelName>,
    /// What its posts must be.
    pub filter: Filter,
    pub settings: Settings,
    /// What RSS readers are told to wait: no channel is polled more often.
    pub ttl_minutes: u32,
}

impl FeedSpec {
    /// Whether it is the feed that a channel has under its own name.
    pub fn is_of_channel(&self) -> bool {
        matches!(self.channels.as_slice(), [name] if name.as_str() == self.name)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {path}: {source}; name another file with --config")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}", listing(.path, .problems))]
    Invalid { path: PathBuf, problems: Vec<Problem> },
}

fn listing(path: &Path, problems: &[Problem]) -> String {
    let line = |problem: &Problem| match problem.place {
        Place::Line(_) => format!("{}: {problem}", path.display()),
        Place::Variable(_) => problem.to_string(),
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Config {
    /// Reads and checks the file at `path` and the environment of this process.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::load_with_sources(path).map(|(config, _)| config)
    }

    /// As [`Config::load`], and where each key is said.
    pub fn load_with_sources(path: &Path) -> Result<(Self, Sources), Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::read(&text, &Environment::of_process())
            .map_err(|problems| Error::Invalid { path: path.to_owned(), problems })
    }

    /// The configuration that comes with the program.
    pub fn shipped() -> Self {
        Self::parse(include_str!("../../config.toml")).expect("a test reads the shipped file")
    }

    /// The hub that feeds name.
    pub fn hub_url(&self) -> Option<String> {
        match &self.hub {
            Hub::Off => None,
            Hub::Own(_) => Some(format!("{}/hub", self.server.public_url)),
            Hub::Outside(url) => Some(url.to_string()),
        }
    }

    /// Whose addresses the files of posts have.
    pub fn addresses(&self) -> Addresses {
        match self.media.mode {
            Mode::Direct => Addresses::default(),
            Mode::Redirect | Mode::Cache => Addresses::below(&self.server.public_url),
        }
    }

    /// A channel and its feed with nothing but its name.
    pub fn plain(&self, name: ChannelName) -> (ChannelConfig, FeedSpec) {
        let feed = read::plain(name.clone(), self.defaults.clone());
        let ttl_minutes = self.poll.policy.least_minutes();
        (ChannelConfig { name, history: self.history }, FeedSpec { ttl_minutes, ..feed })
    }

    /// Checks the text of a configuration; all its problems at once, in the order of the lines.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        Self::read(text, &Environment::default()).map(|(config, _)| config)
    }

    /// As [`Config::parse`], with what the environment says, which comes before the file; and where each key is said.
    pub fn read(text: &str, environment: &Environment) -> Result<(Self, Sources), Vec<Problem>> {
        read::config(text, environment)
    }
}
