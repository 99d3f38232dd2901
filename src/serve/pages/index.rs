//! `/`: all feeds at a glance.

use std::sync::Arc;

use askama::Template;
use hyper::http::request::Parts;

use super::{
    frame::{Frame, documents},
    reply::{html, reply},
    row::{Row, about, row},
};
use crate::{
    edition::page_url,
    serve::{Site, answer::Answer},
};

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    frame: Frame,
    feeds: Vec<Row>,
}

pub async fn index(site: &Arc<Site>, parts: &Parts) -> Answer {
    reply(site, parts, |site| {
        let server = &site.config.server;
        let feeds = site.config.feeds.iter().enumerate();
        let feeds: Vec<Row> =
            feeds.map(|(feed, spec)| row(site, feed, &about(site, feed), &page_url(".", spec))).collect();
        let mut links: Vec<_> = feeds.iter().flat_map(|row| row.documents.clone()).collect();
        links.extend(documents("./status/", "Status of the feeds"));
        let frame = Frame {
            description: "Telegram channels as RSS, Atom and JSON Feed, with all their posts.".to_owned(),
            links,
            ..Frame::new("./", "Feeds".to_owned(), format!("{}/", server.public_url), server.robots)
        };
        html(&Index { frame, feeds }, server.robots)
    })
    .await
}
