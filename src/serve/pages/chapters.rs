//! `/NAME/ID/chapters.json`: the chapters of what is heard, for players of podcasts.

use std::sync::Arc;

use hyper::http::request::Parts;

use super::{
    archive::is_shown,
    reply::{Failure, Made, reply},
};
use crate::{
    edition::whole_second,
    feed::{self, CHAPTERS},
    feeds::FeedId,
    model::PostId,
    serve::{Site, answer::Answer},
};

pub async fn chapters(site: &Arc<Site>, parts: &Parts, feed: FeedId, id: PostId) -> Answer {
    reply(site, parts, move |site| made(site, &feed, id)).await
}

fn made(site: &Site, feed: &FeedId, id: PostId) -> Result<Made, Failure> {
    let ids = site.press.channel_ids(feed)?;
    let (1, [channel]) = (feed.channels.len(), ids.as_slice()) else { return Err(Failure::Missing) };
    let known = site.store.known(*channel, &[id])?;
    let stored = known.iter().find(|stored| stored.post.id == id && is_shown(stored, &feed.settings));
    let stored = stored.ok_or(Failure::Missing)?;
    let chapters = feed::chapters(&stored.post, &feed.settings);
    if chapters.is_empty() {
        return Err(Failure::Missing);
    }
    Ok(Made {
        content_type: CHAPTERS,
        cache: "public, max-age=300",
        changed: Some(whole_second(stored.updated.max(feed.since()))),
        indexed: site.config.server.robots,
        body: feed::write_chapters(&chapters).into(),
    })
}
