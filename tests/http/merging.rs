//! Posts of one channel that came together, as one item.

use chrono::TimeDelta;
use feedbridge::{
    feed::{Deleted, Settings},
    model::{ChangeKind, Part, Photo, PostId, Stored},
    store::Store,
};
use serde_json::Value;

use crate::world::{ALPHA, DOCUMENTS, World, config, minute, over, stored};

/// Alpha's posts that came within a minute of the first are one item, of at most `posts` in a feed.
fn world(posts: usize, change: impl Fn(&mut Settings)) -> World {
    let mut config = config();
    for feed in &mut config.feeds {
        feed.settings = Settings { posts, merge_seconds: 60, ..Settings::default() };
        change(&mut feed.settings);
    }
    let world = over(Default::default(), config);
    world.add_channel(ALPHA, "Alpha");
    world
}

/// Published so many seconds after noon.
fn post(id: u64, text: &str, seconds: i64) -> Stored {
    let at = minute(0) + TimeDelta::seconds(seconds);
    let mut post = stored(id, text);
    post.post.published = Some(at);
    Stored { published: at, updated: at, first_seen: at, renewed: at, ..post }
}

fn photo(id: u64, seconds: i64) -> Stored {
    let mut photo = post(id, "", seconds);
    let url = format!("https://cdn.example/{id}.jpg");
    photo.post.parts = vec![Part::Photo(Photo { url: url.into(), ..Photo::default() })];
    photo
}

async fn items(world: &World, target: &str) -> Vec<Value> {
    world.get(target).await.json()["items"].as_array().unwrap().clone()
}

/// The posts that each item is known by.
async fn ids(world: &World, target: &str) -> Vec<u64> {
    let id = |item: &Value| item["id"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    items(world, target).await.iter().map(id).collect()
}

#[tokio::test]
async fn a_picture_and_the_text_sent_after_it_are_one_item_with_the_pictures_guid() {
    let world = world(10, |_| {});
    world.keep(ALPHA, photo(1, 0));
    let alone = items(&world, "/Alpha/feed.json").await;
    world.keep(ALPHA, post(2, "A kettle on the boil", 40));
    world.keep(ALPHA, post(3, "Much later", 900));
    let items = items(&world, "/Alpha/feed.json").await;
    assert_eq!(ids(&world, "/Alpha/feed.json").await, [3, 1]);
    assert_eq!((&items[1]["id"], &items[1]["url"]), (&alone[0]["id"], &alone[0]["url"]));
    assert_eq!(items[1]["date_published"], alone[0]["date_published"]);
    assert_eq!(items[1]["title"], "A kettle on the boil");
    let content = items[1]["content_html"].as_str().unwrap();
    assert!(content.find("1.jpg").unwrap() < content.find("on the boil").unwrap(), "{content}");
    for target in DOCUMENTS {
        let text = world.get(target).await.text().to_owned();
        assert!(
            text.contains("1.jpg") && text.contains("on the boil") && !text.contains("Alpha/2\""),
            "{target}: {text}"
        );
    }
    assert_eq!(world.get("/Alpha/2").await.status, 200, "each post has its page");
}

#[tokio::test]
async fn what_is_too_late_for_the_first_begins_another_item_wherever_the_feed_begins() {
    for posts in [1, 2, 3, 10] {
        let world = world(posts, |_| {});
        for (id, seconds) in [(1, 0), (2, 30), (3, 60), (4, 61), (5, 121), (6, 500)] {
            world.keep(ALPHA, post(id, &format!("Number {id}"), seconds));
        }
        let all = [6, 4, 1];
        assert_eq!(ids(&world, "/Alpha/feed.json").await, all[..posts.min(3)], "{posts}");
    }
}

#[tokio::test]
async fn an_edit_of_any_of_its_posts_updates_the_item_and_brings_all_of_it_back() {
    let world = world(2, |_| {});
    world.keep(ALPHA, photo(1, 0));
    world.keep(ALPHA, post(2, "Before", 30));
    for id in 3..9 {
        world.keep(ALPHA, post(id, "Later", id as i64 * 600));
    }
    assert_eq!(ids(&world, "/Alpha/feed.json").await, [8, 7]);
    let edited = Stored { updated: minute(200), revisions: 2, ..post(2, "After", 30) };
    world.change(ALPHA, ChangeKind::Edited, minute(200), edited);
    let items = items(&world, "/Alpha/feed.json").await;
    let brought = items.iter().find(|item| item["id"].as_str().unwrap().ends_with("/1")).unwrap();
    let content = brought["content_html"].as_str().unwrap();
    assert!(content.contains("1.jpg") && content.contains("After"), "{content}");
    assert_eq!(brought["date_modified"], "2024-03-08T15:20:00Z");
}

#[tokio::test]
async fn a_delta_has_the_whole_item_that_a_new_post_joined() {
    let world = world(10, |_| {});
    world.keep(ALPHA, post(1, "Long ago", 0));
    world.keep(ALPHA, photo(2, 600));
    let tag = world.get("/Alpha/atom.xml").await.field("etag").to_owned();
    world.keep(ALPHA, post(3, "Its text", 620));
    let delta = world.get_with("/Alpha/atom.xml", &[("A-IM", "feed"), ("If-None-Match", &tag)]).await;
    assert_eq!(delta.status, 226);
    assert!(delta.text().contains("2.jpg") && delta.text().contains("Its text"), "{}", delta.text());
    assert!(!delta.text().contains("Long ago"));
}

#[tokio::test]
async fn an_item_whose_first_post_is_gone_keeps_its_guid_and_one_that_is_gone_is_told_once() {
    for (deleted, told) in [(Deleted::Drop, false), (Deleted::Announce, true)] {
        let world = world(10, |settings| settings.deleted = deleted);
        let gone = |stored: Stored| Stored { deleted: Some(minute(30)), ..stored };
        world.keep(ALPHA, photo(1, 0));
        world.keep(ALPHA, post(2, "The text", 20));
        world.change(ALPHA, ChangeKind::Deleted, minute(30), gone(photo(1, 0)));
        assert_eq!(ids(&world, "/Alpha/feed.json").await, [1]);
        let atom = world.get("/Alpha/atom.xml").await.text().to_owned();
        assert!(atom.contains("The text") && !atom.contains("1.jpg") && !atom.contains("deleted-entry"), "{atom}");
        world.change(ALPHA, ChangeKind::Deleted, minute(31), gone(post(2, "The text", 20)));
        assert_eq!(ids(&world, "/Alpha/feed.json").await, [] as [u64; 0]);
        let atom = world.get("/Alpha/atom.xml").await.text().to_owned();
        assert_eq!(atom.matches("deleted-entry ref=\"https://t.me/Alpha/1\"").count(), usize::from(told), "{atom}");
        assert!(!atom.contains("Alpha/2\""), "{atom}");
    }
}

#[tokio::test]
async fn documents_of_the_archive_split_no_item() {
    let world = world(2, |_| {});
    // Documents hold a hundred ids each: 100 and 101 are one item.
    for (id, seconds) in [(98, 0), (99, 600), (100, 1200), (101, 1220), (102, 1800), (150, 2400), (160, 3000)] {
        world.keep(ALPHA, post(id, &format!("Number {id}"), seconds));
    }
    let (older, newer) = ("/Alpha/feed.json?before=101", "/Alpha/feed.json?before=150");
    assert_eq!((ids(&world, older).await, ids(&world, newer).await), (vec![100, 99, 98], vec![102]));
    let content = items(&world, older).await[0]["content_html"].as_str().unwrap().to_owned();
    assert!(content.contains("Number 100") && content.contains("Number 101"), "{content}");
    let tag = world.get(older).await.field("etag").to_owned();
    let edited = Stored { updated: minute(200), revisions: 2, ..post(101, "Number 101, better", 1220) };
    world.change(ALPHA, ChangeKind::Edited, minute(200), edited);
    assert_eq!(world.get_with(older, &[("If-None-Match", &tag)]).await.status, 200);
    assert!(world.store.post(ALPHA, PostId(101)).unwrap().is_some());
}

#[tokio::test]
async fn channels_are_not_merged_with_each_other_and_a_filter_is_asked_first() {
    let mut config = config();
    for feed in &mut config.feeds {
        feed.settings = Settings { merge_seconds: 60, ..Settings::default() };
    }
    config.feeds[0].filter.not = [feedbridge::feed::Kind::Photo].into();
    let world = over(Default::default(), config);
    world.add_channel(ALPHA, "Alpha");
    world.add_channel(crate::world::BETA, "beta");
    world.keep(ALPHA, photo(1, 0));
    world.keep(ALPHA, post(2, "Text of alpha", 10));
    world.keep(crate::world::BETA, post(7, "Text of beta", 20));
    assert_eq!(ids(&world, "/both/feed.json").await, [7, 1]);
    assert_eq!(ids(&world, "/Alpha/feed.json").await, [2]);
}
