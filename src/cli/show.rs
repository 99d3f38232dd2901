//! `feedbridge show`: a stored post with all its revisions, as text. Reads beside a running daemon.

use std::collections::HashMap;

use crate::{
    config::Config,
    daemon::{Failure, store_config},
    diff,
    model::{Change, ChangeKind, Channel, ChannelName, Part, Post, PostId, Time, plain_text},
    store::{Error, Record, Records, records},
};

/// One of the post's revisions, deletions and returns, with its time.
type Step = (Time, Change);

pub fn run(config: &Config, name: &ChannelName, id: PostId) -> Result<(), Failure> {
    let steps = records(&store_config(config)).and_then(|records| history(records, name, id));
    let steps = steps.map_err(|error| error.to_string())?;
    if steps.is_empty() {
        return Err(format!("{name}: post {id} is not stored"));
    }
    for step in &steps {
        println!("{}", describe(step));
    }
    Ok(())
}

/// A member of an album is shown as the album.
fn history(records: Records, name: &ChannelName, id: PostId) -> Result<Vec<Step>, Error> {
    let mut channels = HashMap::new();
    let mut steps = Vec::new();
    for entry in records {
        let entry = entry?;
        match entry.record {
            Record::Channel(channel) => drop(channels.insert(channel.id, channel)),
            Record::Change(change) if diff::ids(&change.stored.post).any(|own| own == id) => {
                steps.push((entry.at, change));
            }
            Record::Change(_) | Record::State { .. } | Record::StateRemoved { .. } => {}
        }
    }
    let is_of_it = |id| channels.get(&id).is_some_and(|channel: &Channel| channel.goes_by(name));
    steps.retain(|(_, change)| is_of_it(change.channel) && change.kind != ChangeKind::Renewed);
    Ok(steps)
}

fn describe((at, Change { kind, stored, .. }): &Step) -> String {
    format!("── {} {kind:?} (published {})\n{}", at.to_rfc3339(), stored.published.to_rfc3339(), words(&stored.post))
}

fn words(post: &Post) -> String {
    let parts: Vec<_> = post.parts.iter().map(part).collect();
    parts.join("\n")
}

fn part(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Unknown(text) => plain_text(text),
        other => serde_json::to_string(other).unwrap_or_else(|error| error.to_string()),
    }
}
