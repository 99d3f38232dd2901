//! Lists for programs: OPML for readers, a sitemap and robots.txt for search engines.

use std::sync::Arc;

use askama::Template;
use chrono::SecondsFormat;
use hyper::{StatusCode, http::request::Parts};

use super::{
    archive::is_wanted,
    reply::{Failure, Made, reply},
    row::{about, page_of},
};
use crate::{
    edition::document_url,
    feed::{Format, Header},
    serve::{
        Site,
        answer::{self, Answer},
    },
};

const CACHE: &str = "public, max-age=3600";
/// Posts of each channel in the sitemap, which may name 50,000 pages (sitemaps.org).
const POSTS: usize = 1000;
const MOST: usize = 50_000;

/// OPML 2.0 (opml.org/spec2.opml): one outline for each feed.
#[derive(Template)]
#[template(path = "feeds.opml.xml")]
struct Outlines {
    outlines: Vec<Outline>,
}

struct Outline {
    about: Header,
    document: String,
    page: String,
}

#[derive(Template)]
#[template(path = "sitemap.xml")]
struct Sitemap {
    pages: Vec<(String, Option<String>)>,
}

fn xml(list: &impl Template, content_type: &'static str) -> Result<Made, Failure> {
    Ok(Made { content_type, cache: CACHE, changed: None, indexed: true, body: list.render()?.into() })
}

pub async fn opml(site: &Arc<Site>, parts: &Parts) -> Answer {
    reply(site, parts, |site| {
        let public_url = &site.config.server.public_url;
        let outline = |feed| Outline {
            about: about(site, feed),
            document: document_url(public_url, feed, Format::Atom),
            page: page_of(site, feed),
        };
        let outlines = site.feeds.now().feeds().iter().map(outline).collect();
        xml(&Outlines { outlines }, "text/x-opml; charset=utf-8")
    })
    .await
}

pub async fn sitemap(site: &Arc<Site>, parts: &Parts) -> Answer {
    reply(site, parts, |site| {
        let mut pages = vec![(format!("{}/", site.config.server.public_url), None)];
        for feed in site.feeds.now().feeds() {
            let page = page_of(site, feed);
            let ids = site.press.channel_ids(feed)?;
            let newest = ids.iter().filter_map(|id| site.store.head(*id).changed).max();
            let day = |time: crate::model::Time| time.to_rfc3339_opts(SecondsFormat::Secs, true);
            pages.push((page.clone(), newest.map(day)));
            if let (1, [id]) = (feed.channels.len(), ids.as_slice()) {
                let Some(channel) = site.store.channel_by_id(*id)? else { continue };
                let posts = site.store.latest(*id, None, POSTS)?;
                let posts = posts.iter().filter(|stored| is_wanted(feed, &channel, stored));
                pages.extend(posts.map(|stored| (format!("{page}{}", stored.post.id), Some(day(stored.updated)))));
            }
        }
        pages.truncate(MOST);
        xml(&Sitemap { pages }, "application/xml; charset=utf-8")
    })
    .await
}

pub fn robots(site: &Site) -> Answer {
    let server = &site.config.server;
    let rules = if server.robots {
        format!("User-agent: *\nAllow: /\nSitemap: {}/sitemap.xml\n", server.public_url)
    } else {
        "User-agent: *\nDisallow: /\n".to_owned()
    };
    answer::typed(StatusCode::OK, "text/plain; charset=utf-8", CACHE, rules)
}
