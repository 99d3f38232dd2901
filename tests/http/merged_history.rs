//! The history of merged and filtered feeds as archived feeds (RFC 5005).

use std::collections::BTreeSet;

use feedbridge::{
    feed::{Filter, Kind, Pattern},
    model::{ChannelId, Forward, PostId, Stored},
    store::{self, Gap},
};

use crate::{
    history::{kept_for_ever, link, walk},
    world::{ALPHA, BETA, World, config, empty, minute, over, stored},
};

const NEWEST: u64 = 160;

/// "post number `id`.", published so many hours after the start.
fn post(id: u64, hours: i64) -> Stored {
    let at = minute(60 * hours);
    let stored = stored(id, &format!("post number {id}."));
    Stored { published: at, updated: at, first_seen: at, renewed: at, ..stored }
}

/// Alpha's posts 1 to 60, one each five hours, and beta's from 101 on, one each eleven; both from their beginnings.
fn two() -> World {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    world.add_channel(BETA, "beta");
    (1..=60).for_each(|id| world.keep(ALPHA, post(id, 5 * id as i64)));
    (101..=125).for_each(|id| world.keep(BETA, post(id, 11 * (id as i64 - 100))));
    world.note(store::whole_state(BETA));
    world
}

fn all() -> BTreeSet<u64> {
    (1..=60).chain(101..=125).collect()
}

#[tokio::test]
async fn every_post_of_a_merged_feed_is_reachable_from_it() {
    let world = two();
    for target in ["/both/rss.xml", "/both/atom.xml", "/both/feed.json", "/both/atom.xml?q=number"] {
        let (visited, found) = walk(&world, target, NEWEST).await;
        assert_eq!(found, all(), "{visited:?}");
        assert!((12..=15).contains(&visited.len()), "a document for each day: {visited:?}");
    }
}

#[tokio::test]
async fn every_post_is_reachable_wherever_it_stands_out_of_order() {
    for seed in 1..=12_u64 {
        let world = empty();
        world.add_channel(ALPHA, "Alpha");
        world.add_channel(BETA, "beta");
        for id in 1..=60 {
            let strange = (id * seed) % 7 == 0;
            world.keep(ALPHA, post(id, if strange { (id * seed * 37 % 400) as i64 } else { 5 * id as i64 }));
            world.keep(BETA, post(100 + id, 3 * id as i64));
        }
        let (visited, found) = walk(&world, "/both/atom.xml", NEWEST).await;
        assert_eq!(found, (1..=60).chain(101..=160).collect(), "{seed} {visited:?}");
    }
}

#[tokio::test]
async fn a_merged_feeds_documents_are_archives_that_say_the_same_whatever_comes_later() {
    let world = two();
    let (visited, _) = walk(&world, "/both/atom.xml", NEWEST).await;
    let mut before = Vec::new();
    for target in &visited[2..] {
        let reply = world.get(target).await;
        assert!(reply.text().contains("<fh:archive") && kept_for_ever(&world, target).await, "{target}");
        assert_eq!(link(reply.text(), "self").as_ref(), Some(target));
        assert_eq!(link(reply.text(), "current").unwrap(), "/both/atom.xml");
        before.push(reply);
    }
    for id in 61..=90 {
        world.keep(ALPHA, post(id, 5 * id as i64));
        world.keep(BETA, post(100 + id, 5 * id as i64));
    }
    let restarted = over(world.store.clone(), config());
    for (target, before) in visited[2..].iter().zip(before) {
        assert_eq!(world.get(target).await, before, "{target}");
        assert_eq!(restarted.get(target).await, before, "{target}");
    }
}

#[tokio::test]
async fn a_merged_document_is_kept_for_ever_once_it_is_settled_in_every_channel() {
    let world = two();
    let (visited, _) = walk(&world, "/both/atom.xml", NEWEST).await;
    let old = &visited[6];
    assert!(kept_for_ever(&world, old).await);
    let gap = Gap { before: PostId(60), until: PostId(1) };
    world.note(store::gaps_state(ALPHA, &[gap]).unwrap());
    assert!(!kept_for_ever(&world, old).await);
    world.note(store::gaps_state(ALPHA, &[]).unwrap());
    let mut three = config();
    three.feeds[2].channels.push("gamma".parse().unwrap());
    let world = over(world.store.clone(), three);
    assert!(!kept_for_ever(&world, old).await, "nothing is stored of gamma yet");
    world.add_channel(ChannelId(1_000_000_003), "gamma");
    assert!(!kept_for_ever(&world, old).await, "gamma may still say something of that day");
}

#[tokio::test]
async fn a_merged_feed_that_shows_all_has_no_archive_and_one_without_posts_neither() {
    let world = empty();
    assert_eq!(link(world.get("/both/atom.xml").await.text(), "prev-archive"), None);
    world.add_channel(ALPHA, "Alpha");
    (1..=5).for_each(|id| world.publish(ALPHA, id, "few"));
    assert_eq!(link(world.get("/both/atom.xml").await.text(), "prev-archive"), None);
}

#[tokio::test]
async fn filtered_feeds_have_archives_of_what_they_admit() {
    let world = two();
    let mut config = config();
    for feed in [0, 2] {
        config.feeds[feed].filter = Filter { pattern: Some(Pattern::new("[02468]\\.").unwrap()), ..Filter::default() };
    }
    let world = over(world.store.clone(), config);
    let even = |id: &u64| id.is_multiple_of(2);
    for (target, expected) in [
        ("/both/atom.xml", all().into_iter().filter(even).collect::<BTreeSet<_>>()),
        ("/Alpha/atom.xml", (1..=60).filter(even).collect()),
    ] {
        let (visited, found) = walk(&world, target, NEWEST).await;
        assert_eq!(found, expected, "{visited:?}");
    }
    let mut none = crate::world::config();
    none.feeds[2].filter = Filter { kinds: [Kind::Video].into(), ..Filter::default() };
    let world = over(world.store.clone(), none);
    assert!(walk(&world, "/both/feed.json", NEWEST).await.1.is_empty());
}

#[tokio::test]
async fn a_copy_that_the_feed_leaves_out_makes_no_document_of_its_own() {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    world.add_channel(BETA, "beta");
    world.publish(ALPHA, 1, "the first");
    let mut copy = stored(101, "the copy");
    let href = Some("https://t.me/Alpha/1".to_owned());
    copy.post.forward = Some(Forward { name: "Alpha".to_owned(), href, author: None });
    world.keep(BETA, copy);
    let feed = world.get("/both/atom.xml").await;
    assert!(!feed.text().contains("the copy"));
    assert_eq!(link(feed.text(), "prev-archive"), None);
}
