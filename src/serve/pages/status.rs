//! `/status/`: how the channels stand and what happened to them, as a page and as a feed, so that people learn in their
//! reader why a channel is silent.

use std::sync::Arc;

use askama::Template;
use hyper::http::request::Parts;

use super::{
    frame::{Frame, Moment, documents, moment},
    reply::{Failure, Made, html, reply},
};
use crate::{
    edition::{BEFORE_ANY_POST, whole_second},
    feed::{self, Author, Feed, Format, Header, Item},
    serve::{Site, answer::Answer},
    status::events::{self, Event},
};

const TITLE: &str = "Status of the feeds";
const ABOUT: &str = "An entry when a channel falls silent for a reason, is back, is renamed, or shows pages that are not \
                     understood.";
/// Entries of the feed.
const ENTRIES: usize = 50;

#[derive(Template)]
#[template(path = "status.html")]
struct Page {
    frame: Frame,
    channels: Vec<Line>,
    events: Vec<Entry>,
}

struct Line {
    name: String,
    standing: &'static str,
    fine: bool,
    since: Option<Moment>,
    checked: Option<Moment>,
}

struct Entry {
    /// Of its place on the page.
    id: String,
    title: String,
    advice: String,
    time: Moment,
}

pub async fn page(site: &Arc<Site>, parts: &Parts) -> Answer {
    reply(site, parts, |site| {
        let public_url = &site.config.server.public_url;
        let robots = site.config.server.robots;
        let events = events::all(site.store.as_ref())?;
        let channels = site.board.all().into_iter().map(|(name, status)| Line {
            name: name.to_string(),
            standing: status.state.words(),
            fine: status.state.is_fine(),
            since: status.since.map(moment),
            checked: status.last_success.map(moment),
        });
        let frame = Frame {
            description: ABOUT.to_owned(),
            links: documents("./", TITLE),
            ..Frame::new("../", TITLE.to_owned(), format!("{public_url}/status/"), robots)
        };
        html(&Page { frame, channels: channels.collect(), events: events.iter().map(entry).collect() }, robots)
    })
    .await
}

pub async fn document(site: &Arc<Site>, parts: &Parts, format: Format) -> Answer {
    reply(site, parts, move |site| made(site, format)).await
}

fn made(site: &Site, format: Format) -> Result<Made, Failure> {
    let home_url = format!("{}/status/", site.config.server.public_url);
    let events = events::all(site.store.as_ref())?;
    let changed = events.first().map_or(BEFORE_ANY_POST, |event| event.at);
    let header = Header {
        title: TITLE.to_owned(),
        description: ABOUT.to_owned(),
        self_url: format!("{home_url}{}", format.file_name()),
        home_url: home_url.clone(),
        ttl_minutes: Some(60),
        changed: Some(changed),
        ..Header::default()
    };
    let header = feed::compose(header, &[], &feed::Settings::default()).header;
    let items = events.iter().take(ENTRIES).map(|event| item(event, &home_url)).collect();
    let feed = Feed { header, updated: changed, items, deleted: Vec::new() };
    Ok(Made {
        content_type: format.content_type(),
        cache: "public, max-age=300",
        changed: Some(whole_second(changed.max(site.feeds.since()))),
        indexed: true,
        body: feed::render(&feed, format).into(),
    })
}

fn entry(event: &Event) -> Entry {
    let (title, advice) = event.told();
    Entry { id: anchor(event), title, advice, time: moment(event.at) }
}

fn item(event: &Event, home_url: &str) -> Item {
    let (title, advice) = event.told();
    let address = format!("{home_url}#{}", anchor(event));
    Item {
        guid: address.clone(),
        link: address,
        content: feed::paragraph(&advice),
        summary: advice,
        kind: title.clone(),
        title: Some(title),
        published: event.at,
        updated: event.at,
        author: Author { name: "feedbridge".to_owned(), url: home_url.to_owned() },
        tags: Vec::new(),
        via: None,
        reply: None,
        media: Vec::new(),
        image: None,
        episode: None,
    }
}

fn anchor(event: &Event) -> String {
    event.key().replace('/', "-")
}
