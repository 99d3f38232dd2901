//! `feedbridge show`: a stored post with all its revisions, as text.

use super::{Failure, store_directory};
use crate::{
    config::Config,
    model::{ChannelName, Part, Post, PostId, plain_text},
    store::{Error, Local, Revision, Store},
};

pub fn run(config: &Config, name: &ChannelName, id: PostId) -> Result<(), Failure> {
    let store = Local::open(&store_directory(config)).map_err(|error| error.to_string())?;
    let revisions = read(&store, name, id).map_err(|error| error.to_string())?;
    if revisions.is_empty() {
        return Err(format!("{name}: post {id} is not stored"));
    }
    for revision in &revisions {
        println!("{}", describe(revision));
    }
    Ok(())
}

fn read(store: &Local, name: &ChannelName, id: PostId) -> Result<Vec<Revision>, Error> {
    let Some(channel) = store.channel(name)? else { return Ok(Vec::new()) };
    // A member of an album is shown as the album.
    let Some(stored) = store.known(channel.id, &[id])?.pop() else { return Ok(Vec::new()) };
    store.revisions(channel.id, stored.post.id)
}

fn describe(revision: &Revision) -> String {
    let Revision { at, kind, stored } = revision;
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
