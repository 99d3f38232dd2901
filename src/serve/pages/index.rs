//! `/`: all feeds at a glance, a hundred to a page, and by name; and the way to any channel.

use std::sync::Arc;

use askama::Template;
use hyper::{StatusCode, http::request::Parts};
use url::form_urlencoded;

use super::{
    frame::{Frame, counted, documents},
    notice::{Notice, notice},
    reply::{Failure, Made, html, reply},
    row::{Row, about, row},
};
use crate::{
    edition::page_url,
    feed::{Header, Refusal, fold, pairs},
    opml::meant,
    serve::{
        Site,
        answer::{Answer, found_elsewhere},
    },
};

/// Feeds on one page.
const ROWS: usize = 100;
/// More than anybody has.
const MOST_PAGES: usize = 1_000_000;

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    frame: Frame,
    feeds: Vec<Row>,
    /// That the names were searched for.
    words: String,
    found: String,
    /// Whether any channel can be followed.
    open: bool,
    /// Leads from a page on Telegram to the channel's here.
    bookmarklet: String,
}

/// Which feeds, and which page of them, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    words: String,
    page: usize,
}

impl Choice {
    fn parse(query: &str) -> Result<Self, Refusal> {
        let mut choice = Self { words: String::new(), page: 1 };
        for (key, value) in pairs(query, &["page", "q"])? {
            if key == "q" {
                choice.words = value.trim().to_owned();
            } else {
                let page = value.parse().ok().filter(|page| (1..=MOST_PAGES).contains(page));
                let allowed = format!("must be a number from 1 to {MOST_PAGES}");
                choice.page = page.ok_or_else(|| Refusal { asked: format!("page={value}"), allowed })?;
            }
        }
        Ok(choice)
    }

    fn href(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.words.is_empty() {
            query.append_pair("q", &self.words);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "./".to_owned() } else { format!("./?{query}") }
    }

    fn fits(&self, header: &Header, name: &str) -> bool {
        let folded = [&header.title, name].map(fold);
        let mut words = self.words.split_whitespace().map(fold);
        words.all(|word| folded.iter().any(|text| text.contains(&word)))
    }
}

pub async fn index(site: &Arc<Site>, parts: &Parts) -> Answer {
    let query = parts.uri.query().unwrap_or_default();
    if let Some((_, words)) = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "channel") {
        return lead(site, words.trim());
    }
    let choice = Choice::parse(query);
    reply(site, parts, move |site| page(site, choice?)).await
}

/// To the page of the channel that is meant.
fn lead(site: &Site, words: &str) -> Answer {
    match meant(words, &site.config.server.public_url) {
        Ok(name) => found_elsewhere(&format!("./{name}/")),
        Err(error) => {
            let (title, words) = ("No channel is called so".to_owned(), error.to_string());
            let said = Notice { root: "./", title, words: &words, again: Some("./") };
            notice(site, StatusCode::BAD_REQUEST, said)
        }
    }
}

fn page(site: &Site, choice: Choice) -> Result<Made, Failure> {
    let server = &site.config.server;
    let followed = site.feeds.now();
    let all = followed.feeds().iter();
    let found: Vec<_> = if choice.words.is_empty() {
        all.map(|feed| (feed, None)).collect()
    } else {
        let known = all.map(|feed| (feed, about(site, feed)));
        known
            .filter(|(feed, header)| choice.fits(header, &feed.name))
            .map(|(feed, about)| (feed, Some(about)))
            .collect()
    };
    let first = (choice.page - 1) * ROWS;
    let on_page = found.iter().skip(first).take(ROWS);
    let feeds: Vec<Row> = on_page
        .map(|(feed, header)| {
            let header = header.clone().unwrap_or_else(|| about(site, feed));
            row(site, feed, &header, &page_url(".", feed)).with_last(site, feed)
        })
        .collect();
    let mut links: Vec<_> = feeds.iter().flat_map(|row| row.documents.clone()).collect();
    links.extend(documents("./status/", "Status of the feeds"));
    let indexed = server.robots && choice.words.is_empty();
    let frame = Frame {
        description: "Telegram channels as RSS, Atom and JSON Feed, with all their posts.".to_owned(),
        links,
        newer: (choice.page > 1).then(|| choice.href(choice.page - 1)),
        older: (first + ROWS < found.len()).then(|| choice.href(choice.page + 1)),
        ..Frame::new("./", "Feeds".to_owned(), format!("{}/", server.public_url), indexed)
    };
    let found = counted(found.len() as u64, "feed");
    let open = site.demand().is_some();
    let bookmarklet =
        format!("javascript:location.href='{}/?channel='+encodeURIComponent(location.href)", server.public_url);
    html(&Index { frame, feeds, words: choice.words, found, open, bookmarklet }, indexed)
}
