//! What a configuration and the environment ask for, made: ways out to upstream, the store's place, the tokens.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use url::Url;

use super::Failure;
use crate::{
    config::{Config, StoreConfig, Tokens},
    fetch::{Http, without_credentials},
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
    // systemd may name several, separated by colons; the first is ours.
    let state = env::var_os("STATE_DIRECTORY").and_then(|value| env::split_paths(&value).next());
    config.store.within(state.as_deref())
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
