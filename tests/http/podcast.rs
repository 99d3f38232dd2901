//! `podcast.xml` over HTTP: a feed of its own kind, by the rules of all feeds.

use feedbridge::model::{Inline, Part, Stored, Voice};
use serde_json::json;

use crate::world::*;

const PODCAST: &str = "/Alpha/podcast.xml";

fn heard(id: u64) -> Stored {
    let mut stored = stored(id, "On kettles");
    let url = format!("https://cdn4.example.org/file/{id}.ogg");
    stored.post.parts.push(Part::Voice(Voice { url: Some(url.as_str().into()), duration_seconds: Some(95) }));
    stored
}

/// Three posts that are read, one that is heard.
fn speaking() -> World {
    let world = world();
    world.keep(ALPHA, heard(4));
    world
}

#[tokio::test]
async fn a_podcast_has_the_validators_and_codings_of_any_feed() {
    let world = speaking();
    let reply = world.get(PODCAST).await;
    assert_eq!((reply.status, reply.field("content-type")), (200, "application/rss+xml; charset=utf-8"));
    assert!(reply.text().contains("<enclosure url=\"https://cdn4.example.org/file/4.ogg\""), "{}", reply.text());
    let (tag, date) = (reply.field("etag"), reply.field("last-modified"));
    assert_ne!(tag, world.get(RSS).await.field("etag"));
    for field in [("If-None-Match", tag), ("If-Modified-Since", date)] {
        assert_eq!(world.get_with(PODCAST, &[field]).await.status, 304, "{field:?}");
    }
    assert_eq!(world.get_with(PODCAST, &[("Accept-Encoding", "gzip")]).await.field("content-encoding"), "gzip");
    let head = world.ask(hyper::Method::HEAD, PODCAST, &[]).await;
    assert_eq!((head.status, head.field("etag"), head.body.len()), (200, tag, 0));
}

#[tokio::test]
async fn a_podcast_reaches_back_to_what_was_heard_before_many_posts_that_are_read() {
    let world = speaking();
    for id in 5..=40 {
        world.publish(ALPHA, id, "words");
    }
    assert!(!world.get(RSS).await.text().contains("https://t.me/Alpha/4<"));
    let text = world.get(PODCAST).await.text().to_owned();
    assert!(text.contains("https://t.me/Alpha/4<") && text.matches("<item>").count() == 1, "{text}");
}

#[tokio::test]
async fn a_podcast_may_be_chosen_from_like_any_feed() {
    let world = speaking();
    world.keep(ALPHA, heard(5));
    let items = |text: &str| text.matches("<item>").count();
    for (query, wanted) in [("?limit=1", 1), ("?q=kettles", 2), ("?q=teapots", 0), ("?not=voice", 0)] {
        assert_eq!(items(world.get(&format!("{PODCAST}{query}")).await.text()), wanted, "{query}");
    }
    assert_eq!(items(world.get("/both/podcast.xml").await.text()), 2, "of several channels");
}

#[tokio::test]
async fn a_channels_page_offers_a_podcast_where_there_is_something_to_hear() {
    let link = "href=\"./podcast.xml\"";
    assert!(!world().get("/Alpha/").await.text().contains(link));
    let world = speaking();
    let page = world.get("/Alpha/").await;
    assert_eq!(page.text().matches(link).count(), 2, "as a button and in the head");
    for path in ["/", "/feeds.opml", "/Alpha/4", "/beta/"] {
        assert!(!world.get(path).await.text().contains("podcast.xml"), "{path}");
    }
    assert_eq!(world.get("/status/podcast.xml").await.status, 404);
}

#[tokio::test]
async fn chapters_are_served_by_the_rules_of_pages() {
    let world = world();
    let mut spoken = heard(4);
    let words = ["0:00 Intro", "1:00 Tea & milk"].map(|line| Part::Text(vec![Inline::Text(line.to_owned())]));
    spoken.post.parts.extend(words);
    world.keep(ALPHA, spoken);
    world.keep(ALPHA, heard(5));
    let podcast = world.get(PODCAST).await;
    let address = "https://feeds.example/Alpha/4/chapters.json";
    assert!(podcast.text().contains(&format!("url=\"{address}\"")), "{}", podcast.text());
    assert_eq!(podcast.text().matches("podcast:chapters").count(), 2, "of one episode");
    let path = "/Alpha/4/chapters.json";
    let reply = world.get(path).await;
    assert_eq!((reply.status, reply.field("content-type")), (200, "application/json+chapters"));
    let chapters = json!([{"startTime": 0, "title": "Intro"}, {"startTime": 60, "title": "Tea & milk"}]);
    assert_eq!(reply.json(), json!({"version": "1.2.0", "chapters": chapters}));
    for field in [("If-None-Match", reply.field("etag")), ("If-Modified-Since", reply.field("last-modified"))] {
        assert_eq!(world.get_with(path, &[field]).await.status, 304, "{field:?}");
    }
    assert_eq!(world.get_with(path, &[("Accept-Encoding", "gzip")]).await.field("content-encoding"), "gzip");
    let moved = world.get("/alpha/4/chapters.json").await;
    assert_eq!((moved.status, moved.field("location")), (308, "../../Alpha/4/chapters.json"));
    for path in ["/Alpha/5/chapters.json", "/Alpha/04/chapters.json", "/both/4/chapters.json", "/none/4/chapters.json"]
    {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}
