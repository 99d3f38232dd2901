//! The configuration, read once into checked values. Nothing below looks at the file again.

use std::{net::SocketAddr, path::PathBuf};

use url::Url;

use crate::{feed::Settings, model::ChannelName};

/// Everything that the file says, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub store: StoreConfig,
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
}

#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub path: PathBuf,
}

#[derive(Debug, Clone)]
pub struct ChannelConfig {
    pub name: ChannelName,
}

/// What a reader subscribes to: one channel, or several merged.
#[derive(Debug, Clone)]
pub struct FeedSpec {
    /// The first part of its addresses, `/NAME/rss.xml`: the channel's name as configured, or the feed's own.
    pub name: String,
    /// None: the channel's own title.
    pub title: Option<String>,
    pub channels: Vec<ChannelName>,
    pub settings: Settings,
}

#[derive(Debug, Clone)]
pub struct Upstream {
    pub hosts: Vec<Url>,
}
