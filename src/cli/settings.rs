//! `feedbridge check --show`: every setting in force, and where it comes from.

use std::path::Path;

use crate::{
    config::{Config, Environment, Place, Said, Sources},
    daemon::Failure,
    fetch::without_credentials,
};

/// Prints a line for each key, and one for each channel and feed.
pub fn show(path: &Path) -> Result<(), Failure> {
    let (config, sources) = Config::load_with_sources(path).map_err(|error| error.to_string())?;
    let rows: Vec<(String, String)> = rows(&config, &sources, path);
    let width = rows.iter().map(|(setting, _)| setting.chars().count()).max().unwrap_or_default().min(60);
    for (setting, source) in rows {
        println!("{setting:width$}  # {source}");
    }
    Ok(())
}

/// Of each its spelling in TOML, and its source.
fn rows(config: &Config, sources: &Sources, path: &Path) -> Vec<(String, String)> {
    let defaults = Config::read(SHIPPED, &Environment::default()).map(|(_, sources)| sources).unwrap_or_default();
    let default = |key: &str| defaults.keys.get(key).cloned().flatten().map(|said| said.value);
    let keys = sources.keys.iter().map(|(key, said)| {
        let plain = said.as_ref().map(spelled).or_else(|| default(key)).unwrap_or_else(|| "not set".to_owned());
        let source = said.as_ref().map_or_else(|| "default".to_owned(), |said| source(&said.place, path));
        let (value, source) = match key.as_str() {
            "server.public_url" => (format!("{:?}", config.server.public_url), source),
            "on_demand.enabled" if said.is_none() => {
                (config.on_demand.enabled.to_string(), format!("default, for {}", config.on_demand.reason))
            }
            "media.mode" if said.is_none() => {
                (format!("{:?}", config.media.mode.as_str()), format!("default, for {}", config.media.reason))
            }
            // What was written may hold a password.
            "upstream.proxy" if said.is_some() => {
                (format!("{:?}", config.upstream.proxies.iter().map(without_credentials).collect::<Vec<_>>()), source)
            }
            _ => (plain, source),
        };
        (format!("{key} = {value}"), source)
    });
    let entries = sources.entries.iter().map(|entry| {
        let of_channel = config.feeds.iter().any(|feed| feed.name == entry.value && !feed.is_of_channel());
        let what = if of_channel { "feed" } else { "channel" };
        (format!("{what} {:?}", entry.value), source(&entry.place, path))
    });
    keys.chain(entries).collect()
}

/// The configuration that comes with the program, which says what every key is by default.
const SHIPPED: &str = include_str!("../../config.toml");

/// A variable has no quotes, and its lists no brackets.
fn spelled(said: &Said) -> String {
    let is_bare = said.value.parse::<u64>().is_ok() || ["true", "false"].contains(&said.value.as_str());
    match said.place {
        Place::Variable(_) if !is_bare => format!("{:?}", said.value),
        _ => said.value.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

fn source(place: &Place, path: &Path) -> String {
    match place {
        Place::Line(line) => format!("{}, line {line}", path.display()),
        Place::Variable(name) => name.clone(),
    }
}
