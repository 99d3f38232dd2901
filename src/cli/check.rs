//! `feedbridge check`: what is wrong with the store, once the configuration has been read.

use std::collections::HashMap;

use super::export;
use crate::{
    config::{Config, Mode, OnDemand},
    daemon::{Failure, store_config, tokens, transcoding},
    model::{Channel, ChannelId},
    store::{self, Check, Error, IndexState},
};

pub fn run(config: &Config) -> Result<(), Failure> {
    println!("configuration: {} channels, served at {}", config.channels.len(), config.server.public_url);
    let OnDemand { enabled, reason, .. } = &config.on_demand;
    println!("configuration: channels are {} on demand: {reason}", if *enabled { "followed" } else { "not followed" });
    let whose = match config.media.mode {
        Mode::Direct => "Telegram's own",
        Mode::Redirect => "ours, which last",
        Mode::Cache => "ours, and the files are kept here",
    };
    println!("configuration: the addresses of files are {whose}: {}", config.media.reason);
    match transcoding(config) {
        Some(Ok(version)) => println!("configuration: M4A is made of voices by ffmpeg {version}"),
        Some(Err(reason)) => println!("configuration: media.transcode does nothing: {reason}"),
        None => {}
    }
    tokens(config)?;
    let place = store_config(config);
    let shown = place.path.display();
    if !place.path.exists() {
        println!("store: {shown} does not exist yet; the daemon makes it");
        return Ok(());
    }
    for line in twins(config, export::channels(&place).unwrap_or_default()) {
        println!("configuration: {line}");
    }
    match store::check(&place) {
        Err(Error::Locked(_)) => {
            println!("store: {shown} is in use by a running daemon, which says at /health how it is");
            Ok(())
        }
        Err(error) => Err(error.to_string()),
        Ok(check) => report(&shown.to_string(), &check),
    }
}

/// The channels that are configured under more than one name.
fn twins(config: &Config, stored: HashMap<ChannelId, Channel>) -> Vec<String> {
    let line = |channel: Channel| {
        let names = config.channels.iter().map(|configured| &configured.name).filter(|name| channel.goes_by(name));
        let names: Vec<_> = names.map(ToString::to_string).collect();
        (names.len() > 1).then(|| format!("{} are one channel, which is polled once", names.join(" and ")))
    };
    let mut lines: Vec<_> = stored.into_values().filter_map(line).collect();
    lines.sort();
    lines
}

fn report(directory: &str, check: &Check) -> Result<(), Failure> {
    println!(
        "store: {directory} holds {} posts of {} channels in {} records, {} bytes of journal",
        check.posts, check.channels, check.sequence, check.journal_bytes
    );
    if check.torn_bytes > 0 {
        println!("store: the last write was cut short; the next start removes its {} bytes", check.torn_bytes);
    }
    let damaged_state = check.damaged_state.join(" and ");
    if check.lost_state {
        println!("store: {damaged_state} are damaged; holes in channels and subscribers of the hub are forgotten");
    } else if !damaged_state.is_empty() {
        println!("store: {damaged_state} is damaged; the next start writes it again from the other one");
    }
    match &check.index {
        IndexState::Sound => {}
        IndexState::Behind(records) => println!("store: the index lacks {records} records; the next start adds them"),
        IndexState::Missing => println!("store: there is no index; the next start builds it"),
        IndexState::Bad(reason) => println!("store: the index is damaged ({reason}); the next start builds it anew"),
    }
    if check.damaged.is_empty() {
        return Ok(());
    }
    let numbers: Vec<_> = check.damaged.iter().map(ToString::to_string).collect();
    Err(format!(
        "{} of the journal's records are damaged: {}; what upstream still shows is stored again, \
         the rest is in your backups",
        numbers.len(),
        numbers.join(", ")
    ))
}
