//! The stored history as archived feeds (RFC 5005) and as pages of JSON Feed.

use std::collections::BTreeSet;

use feedbridge::{
    model::PostId,
    status::Status,
    store::{self, Gap},
};

use crate::world::{ALPHA, World, config, empty, over};

/// Alpha holds every third id of 1 to `newest`, and the newest.
fn long(newest: u64) -> World {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    for id in (1..newest).step_by(3).chain([newest]) {
        world.publish(ALPHA, id, &format!("post number {id}."));
    }
    world
}

/// Where the document's link of that relation leads, without the host.
pub fn link(document: &str, rel: &str) -> Option<String> {
    let at = document.find(&format!("rel=\"{rel}\""))?;
    let start = document[..at].rfind('<')?;
    let element = &document[start..at + document[at..].find('>')?];
    let href = element.split("href=\"").nth(1)?.split('"').next()?;
    Some(href.replace("&amp;", "&").replacen("https://feeds.example", "", 1))
}

fn held(document: &str, newest: u64) -> BTreeSet<u64> {
    (1..=newest).filter(|id| document.contains(&format!("post number {id}."))).collect()
}

/// All that a reader finds that starts at `target` and follows the links back.
pub async fn walk(world: &World, target: &str, newest: u64) -> (Vec<String>, BTreeSet<u64>) {
    let (mut visited, mut found, mut next) = (Vec::new(), BTreeSet::new(), Some(target.to_owned()));
    while let Some(target) = next.take() {
        let reply = world.get(&target).await;
        assert_eq!(reply.status, 200, "{target}");
        found.extend(held(reply.text(), newest));
        next = if target.contains(".json") {
            let address = reply.json()["next_url"].as_str().map(str::to_owned);
            address.map(|address| address.replacen("https://feeds.example", "", 1))
        } else {
            link(reply.text(), "prev-archive")
        };
        assert!(!visited.contains(&target), "{target} comes twice");
        visited.push(target);
    }
    (visited, found)
}

fn all(newest: u64) -> BTreeSet<u64> {
    (1..newest).step_by(3).chain([newest]).collect()
}

#[tokio::test]
async fn every_stored_post_is_reachable_from_the_current_feed() {
    for newest in [1, 5, 14, 99, 100, 101, 102, 118, 121, 200, 201, 202, 460] {
        let world = long(newest);
        for target in ["/Alpha/rss.xml", "/Alpha/atom.xml", "/Alpha/feed.json"] {
            let (visited, found) = walk(&world, target, newest).await;
            assert_eq!(found, all(newest), "{newest} {visited:?}");
        }
    }
}

#[tokio::test]
async fn posts_beyond_the_bound_in_bytes_are_in_the_archive() {
    let mut small = config();
    small.feeds[0].settings.bytes = 10_000;
    let world = over(long(30).store, small);
    for id in 31..=36 {
        world.publish(ALPHA, id, &format!("post number {id}. {}", "long ".repeat(1000)));
    }
    let (visited, found) = walk(&world, "/Alpha/atom.xml", 36).await;
    assert!(visited.len() > 1 && (31..=36).all(|id| found.contains(&id)), "{visited:?} {found:?}");
    assert!(all(30).is_subset(&found));
}

#[tokio::test]
async fn an_archive_says_the_same_whatever_comes_later() {
    let world = long(260);
    let (visited, _) = walk(&world, "/Alpha/atom.xml", 260).await;
    let mut before = Vec::new();
    for target in &visited[1..] {
        before.push(world.get(target).await);
    }
    assert!(before.len() >= 3);
    for id in 261..=420 {
        world.publish(ALPHA, id, "new");
    }
    let restarted = over(world.store.clone(), config());
    for (target, before) in visited[1..].iter().zip(before) {
        assert_eq!(world.get(target).await, before, "{target}");
        assert_eq!(restarted.get(target).await, before, "{target}");
        assert_eq!(before.field("cache-control"), FOR_EVER);
        assert_eq!(world.get_with(target, &[("If-None-Match", before.field("etag"))]).await.status, 304);
    }
}

#[tokio::test]
async fn archives_link_to_their_neighbours_and_to_the_current_feed() {
    let world = long(460);
    for (file, mark) in [("atom.xml", "<fh:archive"), ("rss.xml", "<fh:archive")] {
        let at = |before: u64| Some(format!("/Alpha/{file}?before={before}"));
        let current = world.get(&format!("/Alpha/{file}")).await;
        assert!(!current.text().contains(mark) && link(current.text(), "current").is_none());
        let middle = world.get(&at(201).unwrap()).await;
        assert!(middle.text().contains(mark));
        assert_eq!(link(middle.text(), "self"), at(201));
        assert_eq!(link(middle.text(), "prev-archive"), at(101));
        assert_eq!(link(middle.text(), "next-archive"), at(301));
        assert_eq!(link(middle.text(), "current"), Some(format!("/Alpha/{file}")));
        let first = world.get(&at(101).unwrap()).await;
        assert_eq!(link(first.text(), "prev-archive"), None);
        assert_eq!(held(first.text(), 460), (1..=100).step_by(3).collect());
    }
}

#[tokio::test]
async fn ranges_without_posts_are_skipped() {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    for id in (1..=10).chain(520..=530) {
        world.publish(ALPHA, id, &format!("post number {id}."));
    }
    let (visited, found) = walk(&world, "/Alpha/atom.xml", 530).await;
    assert_eq!(found.len(), 21);
    assert_eq!(visited, ["/Alpha/atom.xml", "/Alpha/atom.xml?before=526", "/Alpha/atom.xml?before=101"]);
    let oldest = world.get("/Alpha/atom.xml?before=101").await;
    assert_eq!(link(oldest.text(), "next-archive").unwrap(), "/Alpha/atom.xml?before=601");
}

#[tokio::test]
async fn what_is_not_archived_yet_is_in_the_current_feed() {
    let world = long(130);
    for (asked, location) in [
        ("/Alpha/atom.xml?before=201", "./atom.xml"),
        ("/Alpha/feed.json?before=131", "./feed.json"),
        ("/Alpha/rss.xml?before=18446744073709551615&kind=photo", "./rss.xml?kind=photo"),
        ("/both/rss.xml?before=101", "./rss.xml"),
        ("/beta/rss.xml?before=101", "./rss.xml"),
        ("/Alpha/rss.xml?until=1709900000", "./rss.xml"),
        ("/both/rss.xml?q=x&until=4000000000", "./rss.xml?q=x"),
    ] {
        let reply = world.get(asked).await;
        assert_eq!((reply.status, reply.field("location")), (307, location), "{asked}");
        assert_eq!(reply.field("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn an_edit_of_an_archived_post_changes_its_document_and_stands_in_the_current_feed() {
    let world = long(260);
    let (edited, other) = ("/Alpha/atom.xml?before=101", "/Alpha/atom.xml?before=201");
    let before = (world.get(edited).await, world.get(other).await);
    world.edit(ALPHA, 4, "corrected", 900);
    let after = world.get(edited).await;
    assert!(after.text().contains("corrected") && after.field("etag") != before.0.field("etag"));
    assert_eq!(after.field("last-modified"), "Sat, 09 Mar 2024 03:00:00 GMT");
    assert_eq!(world.get(other).await, before.1);
    assert!(world.get("/Alpha/atom.xml").await.text().contains("corrected"));
}

const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub async fn kept_for_ever(world: &World, target: &str) -> bool {
    let reply = world.get(target).await;
    assert_eq!(reply.status, 200, "{target}");
    let again = world.get_with(target, &[("If-None-Match", reply.field("etag"))]).await;
    assert_eq!((again.status, again.field("cache-control")), (304, reply.field("cache-control")));
    reply.field("cache-control") == FOR_EVER
}

#[tokio::test]
async fn no_document_that_the_walk_back_is_still_in_is_kept_for_ever() {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    for (page, ids) in [241..=260, 221..=240, 201..=220, 181..=200].into_iter().enumerate() {
        ids.for_each(|id| world.publish(ALPHA, id, &format!("post number {id}.")));
        // Neither a board that knows of the walk nor one that knows of nothing yet decides.
        world.board.set(&"Alpha".parse().unwrap(), Status::default());
        for world in [over(world.store.clone(), config()), over(world.store.clone(), config())] {
            let linked = link(world.get("/Alpha/atom.xml").await.text(), "prev-archive").unwrap();
            assert_eq!(kept_for_ever(&world, &linked).await, page == 3, "{linked} {page}");
        }
        if page > 1 {
            assert_eq!(kept_for_ever(&world, "/Alpha/rss.xml?before=221").await, page == 3);
        }
    }
    assert!(!kept_for_ever(&world, "/Alpha/atom.xml?before=201").await);
    world.note(store::whole_state(ALPHA));
    assert!(kept_for_ever(&world, "/Alpha/atom.xml?before=201").await);
    assert!(kept_for_ever(&world, "/Alpha/feed.json?before=201&q=number").await);
}

#[tokio::test]
async fn a_document_with_a_hole_in_it_or_beside_it_is_not_kept_for_ever() {
    let world = long(460);
    let targets = ["before=101", "before=201", "before=301", "before=401"].map(|at| format!("/Alpha/atom.xml?{at}"));
    for (until, before, open) in [
        (104, 151, [false, true, false, false]),
        // What is found below 301 may become the neighbour that the document from there on names.
        (151, 301, [false, true, true, true]),
        (199, 202, [false, true, true, false]),
        (1, 4, [true, false, false, false]),
        (457, 460, [false; 4]),
    ] {
        let gap = Gap { before: PostId(before), until: PostId(until) };
        world.note(store::gaps_state(ALPHA, &[gap]).unwrap());
        for (target, open) in targets.iter().zip(open) {
            assert_eq!(kept_for_ever(&world, target).await, !open, "{target} {gap:?}");
        }
    }
    world.note(store::gaps_state(ALPHA, &[]).unwrap());
    for target in &targets {
        assert!(kept_for_ever(&world, target).await);
    }
}

#[tokio::test]
async fn the_history_of_a_selection_is_reachable_too() {
    let world = long(460);
    for target in ["/Alpha/atom.xml?q=number", "/Alpha/feed.json?limit=3&q=post"] {
        let (visited, found) = walk(&world, target, 460).await;
        assert_eq!(found, all(460), "{visited:?}");
        assert!(visited[1..].iter().all(|target| target.contains("?before=") && target.contains("&q=")), "{visited:?}");
    }
    let (_, found) = walk(&world, "/Alpha/atom.xml?q=7.", 460).await;
    assert_eq!(found, all(460).into_iter().filter(|id| id % 10 == 7).collect());
}

#[tokio::test]
async fn an_archive_is_served_while_the_store_cannot_be_read() {
    let world = long(260);
    let before = world.get("/Alpha/atom.xml?before=101").await;
    world.store.break_down();
    let after = world.get("/Alpha/atom.xml?before=101").await;
    assert_eq!((after.status, &after.body, after.field("etag")), (200, &before.body, before.field("etag")));
    // Only the store knows whether it is settled.
    assert_eq!(after.field("cache-control"), "public, max-age=60");
    world.get("/Alpha/atom.xml?before=201").await.assert_problem(503);
}
