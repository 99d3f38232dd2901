//! `/NAME/tags`: the hashtags of a channel's newest posts, by how often they are used.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use hyper::http::request::Parts;

use super::{
    archive::{Tag, is_wanted, tag},
    frame::{Frame, counted, distinct, documents},
    reply::{Failure, Made, html, reply},
    row::{about, page_of},
};
use crate::{
    feed,
    feeds::FeedId,
    serve::{Site, answer::Answer},
};

/// Posts looked through.
const LOOKS: usize = 2000;
/// Tags shown.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "tags.html")]
struct Page {
    frame: Frame,
    channel: String,
    looked: String,
    tags: Vec<(Tag, String)>,
}

pub async fn tags(site: &Arc<Site>, parts: &Parts, feed: FeedId) -> Answer {
    reply(site, parts, move |site| page(site, &feed)).await
}

fn page(site: &Site, feed: &FeedId) -> Result<Made, Failure> {
    let (mut counts, mut looked) = (HashMap::<String, (String, u64)>::new(), 0);
    for id in site.press.channel_ids(feed)? {
        let Some(channel) = site.store.channel_by_id(id)? else { continue };
        let posts = site.store.latest(id, None, LOOKS)?;
        for stored in posts.iter().filter(|stored| is_wanted(feed, &channel, stored)) {
            looked += 1;
            for tag in feed::tags(&stored.post) {
                counts.entry(tag.to_lowercase()).or_insert((tag, 0)).1 += 1;
            }
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, (_, many)), (b, (_, more))| more.cmp(many).then_with(|| a.cmp(b)));
    counts.truncate(MOST);
    let header = about(site, feed);
    let indexed = site.config.server.robots;
    let url = page_of(site, feed) + "tags";
    let frame = Frame {
        links: documents("./", &distinct(&header.title, feed)),
        ..Frame::new("../", format!("Tags · {}", header.title), url, indexed)
    };
    let tags = counts.into_iter().map(|(_, (name, count))| (tag(&name), counted(count, "post"))).collect();
    html(&Page { frame, channel: header.title, looked: counted(looked, "post"), tags }, indexed)
}
