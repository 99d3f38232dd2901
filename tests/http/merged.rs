//! Named feeds: several channels, some of their posts, each once.

use std::sync::Arc;

use feedbridge::{
    feed::{Filter, Kind, Pattern},
    model::Forward,
    status::State,
    store::{Batch, Store},
};

use crate::world::{ALPHA, BETA, World, config, minute, over, stored, world};

/// The posts 1 to 3 of Alpha, and beta with nothing yet; `both` merges them.
fn two() -> World {
    let world = world();
    world.add_channel(BETA, "beta");
    world.set_state("beta", State::Ok);
    world
}

fn forwarded(id: u64, from: Option<&str>) -> feedbridge::model::Stored {
    let mut stored = stored(id, &format!("copy number {id}."));
    let href = from.map(str::to_owned);
    stored.post.forward = Some(Forward { name: "Somebody".to_owned(), href, author: None });
    stored
}

async fn held(world: &World) -> Vec<String> {
    let feed = world.get("/both/feed.json").await.json();
    let ids = feed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
    ids.map(|id| id.replace("https://t.me/", "")).collect()
}

#[tokio::test]
async fn two_names_of_one_channel_serve_and_report_the_same_posts_and_a_feed_of_both_has_each_once() {
    let world = world();
    let channel = world.store.channel(&"Alpha".parse().unwrap()).unwrap().unwrap();
    let called = channel.called(&"beta".parse().unwrap());
    world.store.commit(minute(10), Batch { channel: Some(called), ..Batch::default() }).unwrap();
    let feeds = ["Alpha", "beta", "both"].map(|name| format!("/{name}/feed.json"));
    for feed in feeds {
        let feed = world.get(&feed).await.json();
        let ids: Vec<_> = feed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["https://t.me/Alpha/3", "https://t.me/Alpha/2", "https://t.me/Alpha/1"]);
    }
    assert_eq!(world.get("/both/feed.json").await.json()["description"], "The Alpha & Co");
    let health = world.get("/health").await.json();
    let told = |at: usize| (health["channels"][at]["posts"].clone(), health["channels"][at]["newest_post"].clone());
    assert_eq!(told(0), told(1));
    assert_eq!(told(0).0, 3);
}

#[tokio::test]
async fn a_post_that_one_channel_forwards_from_the_other_is_shown_where_it_was_first() {
    let world = two();
    world.keep(BETA, forwarded(40, Some("https://t.me/alpha/2")));
    world.publish(BETA, 41, "its own");
    assert_eq!(held(&world).await, ["beta/41", "Alpha/3", "Alpha/2", "Alpha/1"]);
}

#[tokio::test]
async fn the_copy_does_not_come_up_when_the_feed_has_left_the_first_behind() {
    let world = two();
    world.keep(BETA, forwarded(40, Some("https://t.me/Alpha/1")));
    for id in 10..=30 {
        world.publish(ALPHA, id, "news");
    }
    assert!(held(&world).await.iter().all(|id| id.starts_with("Alpha/")));
}

#[tokio::test]
async fn of_two_forwards_of_one_post_the_earlier_is_shown() {
    let world = two();
    world.keep(ALPHA, forwarded(21, Some("https://t.me/Elsewhere/7")));
    world.keep(BETA, forwarded(20, Some("https://t.me/elsewhere/7?single")));
    world.keep(ALPHA, forwarded(22, Some("https://t.me/elsewhere/8")));
    assert_eq!(held(&world).await, ["Alpha/22", "beta/20", "Alpha/3", "Alpha/2", "Alpha/1"]);
}

#[tokio::test]
async fn forwards_from_nobody_knows_where_are_all_shown() {
    let world = two();
    world.keep(ALPHA, forwarded(21, None));
    world.keep(BETA, forwarded(20, None));
    world.keep(BETA, forwarded(22, Some("https://t.me/elsewhere")));
    assert_eq!(held(&world).await[..3], ["beta/22", "Alpha/21", "beta/20"]);
}

#[tokio::test]
async fn a_channels_own_feed_shows_its_forwards() {
    let world = two();
    world.keep(BETA, forwarded(40, Some("https://t.me/alpha/2")));
    assert!(world.get("/beta/rss.xml").await.text().contains("copy number 40."));
}

#[tokio::test]
async fn a_feed_holds_only_what_its_filter_admits_and_queries_choose_among_that() {
    let base = two();
    base.keep(BETA, forwarded(40, None));
    base.publish(BETA, 41, "An LLM, finally");
    base.publish(BETA, 42, "llms and numbers");
    let mut config = config();
    let pattern = Some(Pattern::new("(?i)llm|copy").unwrap());
    config.feeds[2].filter = Filter { not: [Kind::Forward].into(), pattern, ..Filter::default() };
    let world = over(Arc::clone(&base.store), config);
    assert_eq!(held(&world).await, ["beta/42", "beta/41"]);
    let chosen = world.get("/both/rss.xml?q=numbers").await;
    assert!(chosen.text().contains("beta/42") && !chosen.text().contains("beta/41"));
    let tag = |reply: &crate::world::Reply| reply.field("etag").to_owned();
    assert_ne!(tag(&world.get("/both/rss.xml").await), tag(&base.get("/both/rss.xml").await));
}

#[tokio::test]
async fn a_named_feed_has_an_id_of_its_own_though_it_is_of_one_channel() {
    let mut config = config();
    config.feeds[1].name = "best-of".to_owned();
    config.feeds[1].channels = vec!["Alpha".parse().unwrap()];
    let world = over(world().store, config);
    assert!(world.get("/Alpha/atom.xml").await.text().contains("<id>https://t.me/Alpha</id>"));
    assert!(world.get("/best-of/atom.xml").await.text().contains("<id>https://feeds.example/best-of/</id>"));
}
