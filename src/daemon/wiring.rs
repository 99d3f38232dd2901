//! What a configuration and the environment ask for, made: ways out to upstream, the store's place, the tokens.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use url::Url;

use super::Failure;
use crate::{
    clock::Clock,
    config::{Config, MediaStore, Mode, StoreConfig, Tokens},
    fetch::{Http, without_credentials},
    media::{Cache, Objects, Place, Present, Rules, ffmpeg_version},
    model::ChannelName,
    poll::Exit,
};

/// The checked configuration in the file `path`.
pub fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|error| error.to_string())
}

/// The ways out to upstream that the configuration names.
pub fn exits(config: &Config) -> Result<Vec<Exit<Http>>, Failure> {
    let exit = |proxy: Option<&Url>| {
        let upstream = Arc::new(Http::new(proxy)?);
        Ok(Exit { upstream, proxy: proxy.map(without_credentials) })
    };
    match config.upstream.proxies.as_slice() {
        [] => Ok(vec![exit(None)?]),
        proxies => proxies.iter().map(|proxy| exit(Some(proxy))).collect(),
    }
}

/// The store, given the environment.
pub fn store_config(config: &Config) -> StoreConfig {
    config.store.within(state_directory().as_deref())
}

/// systemd may name several, separated by colons; the first is ours.
fn state_directory() -> Option<PathBuf> {
    env::var_os("STATE_DIRECTORY").and_then(|value| env::split_paths(&value).next())
}

/// Where files are kept, given the environment.
pub fn media_place(config: &Config) -> Place {
    match config.media.store.within(state_directory().as_deref()) {
        MediaStore::Directory(path) => Place::Directory(path),
        MediaStore::Bucket { url, endpoint } => Place::Bucket { url, endpoint },
    }
}

/// The files that are kept, as the configuration says.
pub async fn media_cache(config: &Config, present: Arc<Present>, clock: Clock) -> Result<Cache, Failure> {
    let media = &config.media;
    let rules = Rules {
        max_bytes: media.max_bytes,
        quota_bytes: media.quota_bytes,
        unused_days: media.unused_days,
        bytes_per_second: media.bytes_per_second,
        kept: config.kept.iter().map(ChannelName::key).collect(),
        transcode: media.transcode,
    };
    let objects = Objects::open(&media_place(config)).map_err(|error| error.to_string())?;
    let spool = spool(config).join(format!("{:016x}", fastrand::u64(..)));
    Cache::open(objects, present, spool, rules, clock).await.map_err(|error| error.to_string())
}

/// By which version of ffmpeg M4A is made of voices, or why it cannot be; None where nobody asks for it. Blocks.
pub fn transcoding(config: &Config) -> Option<Result<String, &'static str>> {
    let media = &config.media;
    media.transcode.then(|| match media.mode {
        Mode::Cache => ffmpeg_version().ok_or("ffmpeg is not found, or does not run (Debian: apt-get install ffmpeg)"),
        Mode::Direct | Mode::Redirect => Err("files are not kept here (media.mode = \"cache\")"),
    })
}

/// Where files are until they are whole: nothing in it outlives the process.
pub fn spool(config: &Config) -> PathBuf {
    store_config(config).path.join("spool")
}

/// The tokens of those who may read, given the environment.
pub fn tokens(config: &Config) -> Result<Option<Tokens>, Failure> {
    config.access.load(credentials().as_deref()).map_err(|error| error.to_string())
}

/// A token that opens the daemon of this configuration, where one is asked for.
pub fn password(config: &Config) -> Result<Option<String>, Failure> {
    config.access.password(credentials().as_deref()).map_err(|error| error.to_string())
}

fn credentials() -> Option<PathBuf> {
    env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
