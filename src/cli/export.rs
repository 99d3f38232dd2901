//! `feedbridge export`: the stored posts as JSON lines, one for each revision, on standard output.
//! Reads beside a running daemon.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufWriter, ErrorKind, Write},
};

use super::progress;
use crate::{
    config::{Config, StoreConfig},
    daemon::{Failure, store_config},
    model::{Channel, ChannelId, ChannelName},
    store::{Entry, Error, Record, records},
};

/// Of all channels, or of one.
pub fn run(config: &Config, only: Option<&ChannelName>) -> Result<(), Failure> {
    let place = store_config(config);
    let mut channels = channels(&place).map_err(|error| error.to_string())?;
    if let Some(name) = only {
        channels.retain(|_, channel| channel.goes_by(name));
        if channels.is_empty() {
            return Err(format!("{name} is not stored"));
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&place, channels, &mut out) {
        // Whoever reads has seen enough.
        Err(Stop::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Output(error)) => Err(format!("cannot write the posts: {error}")),
        Err(Stop::Store(error)) => Err(error.to_string()),
        Ok(()) => Ok(()),
    }
}

enum Stop {
    Output(io::Error),
    Store(Error),
}

/// Every channel as it is now, with all the names that it was asked for under.
pub fn channels(place: &StoreConfig) -> Result<HashMap<ChannelId, Channel>, Error> {
    let mut channels: HashMap<ChannelId, Channel> = HashMap::new();
    for entry in records(place)? {
        if let Record::Channel(channel) = entry?.record {
            let before = channels.remove(&channel.id);
            channels.insert(channel.id, channel.after(before));
        }
    }
    Ok(channels)
}

/// Each channel once, before the first of its revisions; then all revisions in the order in which they were stored.
fn write(place: &StoreConfig, mut channels: HashMap<ChannelId, Channel>, out: &mut impl Write) -> Result<(), Stop> {
    let mut records = records(place).map_err(Stop::Store)?;
    let wanted: HashSet<_> = channels.keys().copied().collect();
    let bar = progress::bar(records.bytes());
    while let Some(entry) = records.next() {
        let Entry { at, record } = entry.map_err(Stop::Store)?;
        bar.set_position(records.read());
        let Some(id) = record.channel().filter(|id| wanted.contains(id)) else { continue };
        if let Some(channel) = channels.remove(&id) {
            line(out, &Entry { at, record: Record::Channel(channel) })?;
        }
        if let Record::Change(mut change) = record {
            // A place in this store, which means nothing in another.
            change.stored.sequence = 0;
            line(out, &Entry { at, record: Record::Change(change) })?;
        }
    }
    bar.finish_and_clear();
    out.flush().map_err(Stop::Output)
}

fn line(out: &mut impl Write, entry: &Entry) -> Result<(), Stop> {
    let text = serde_json::to_string(entry).map_err(|error| Stop::Store(error.into()))?;
    writeln!(out, "{text}").map_err(Stop::Output)
}
