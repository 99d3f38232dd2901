//! `/NAME/ID`: one post, with what it said before it was edited.

use std::sync::Arc;

use askama::Template;
use hyper::http::request::Parts;

use super::{
    archive::{Article, article, is_shown, shown},
    frame::{Frame, Moment, distinct, documents, moment},
    reply::{Failure, Made, html, reply},
    row::{about, page_of},
};
use crate::{
    edition::answer_one,
    feed::{self, Item, Settings},
    feeds::FeedId,
    model::{ChangeKind, Channel, PostId, Stored},
    serve::{Site, answer::Answer},
};

#[derive(Template)]
#[template(path = "post.html")]
struct Page {
    frame: Frame,
    channel: String,
    article: Article,
    /// Earlier versions, the newest of them first.
    versions: Vec<Version>,
}

struct Version {
    at: Moment,
    /// "First seen", "Edited" and the like.
    what: &'static str,
    content: String,
}

pub async fn post(site: &Arc<Site>, parts: &Parts, feed: FeedId, id: PostId) -> Answer {
    reply(site, parts, move |site| page(site, &feed, id)).await
}

fn page(site: &Site, feed: &FeedId, id: PostId) -> Result<Made, Failure> {
    let ids = site.press.channel_ids(feed)?;
    let (1, [channel_id]) = (feed.channels.len(), ids.as_slice()) else { return Err(Failure::Missing) };
    let settings = shown(&feed.settings);
    let stored = site.store.known(*channel_id, &[id])?.into_iter().find(|stored| is_shown(stored, &settings));
    let (Some(mut stored), Some(channel)) = (stored, site.store.channel_by_id(*channel_id)?) else {
        return Err(Failure::Missing);
    };
    if stored.post.id != id {
        return Err(Failure::Moved(format!("./{}", stored.post.id)));
    }
    answer_one(site.store.as_ref(), &channel, &mut stored)?;
    let item = site.press.item(&channel, &stored, &settings);
    let header = about(site, feed);
    let neighbour = |found: Vec<Stored>| found.first().map(|stored| format!("./{}", stored.post.id));
    let article = article(site, &channel, &stored, &item, true);
    let frame = Frame {
        description: item.summary.clone(),
        image: item.image.clone().or(header.image),
        kind: "article",
        links: documents("./", &distinct(&header.title, feed)),
        newer: neighbour(site.store.following(*channel_id, id, 1)?),
        older: neighbour(site.store.latest(*channel_id, Some(id), 1)?),
        ..Frame::new(
            "../",
            format!("{} · {}", article.title, header.title),
            format!("{}{id}", page_of(site, feed)),
            site.config.server.robots,
        )
    };
    let versions = versions(site, &channel, &stored, &item, &settings)?;
    html(&Page { frame, channel: header.title, article, versions }, site.config.server.robots)
}

/// What the post said before what it says now, and when it went and came back.
fn versions(
    site: &Site,
    channel: &Channel,
    stored: &Stored,
    now: &Item,
    settings: &Settings,
) -> Result<Vec<Version>, Failure> {
    if stored.revisions < 2 {
        return Ok(Vec::new());
    }
    let revisions = site.store.revisions(channel.id, stored.post.id)?;
    let mut versions = Vec::new();
    let mut later = now.content.clone();
    for revision in revisions.iter().rev() {
        let what = match revision.kind {
            ChangeKind::New => "First seen",
            ChangeKind::Edited => "Edited",
            ChangeKind::Renewed | ChangeKind::Deleted | ChangeKind::Restored => continue,
        };
        let item = site.press.item(channel, &revision.stored, settings);
        if item.content != later {
            later.clone_from(&item.content);
            versions.push(Version { at: moment(revision.at), what, content: feed::for_page(&item.content) });
        }
    }
    Ok(versions)
}
