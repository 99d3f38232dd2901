//! Feeds: what is in them, when they are made, and what happens when the store fails.

use chrono::{TimeDelta, Utc};
use feedbridge::{
    model::{PostId, Reply},
    status::{
        State, Status,
        events::{self, Event, What},
    },
};
use hyper::Method;

use crate::world::{ALPHA, BETA, DOCUMENTS, POSTS, RSS, config, empty, minute, over, stored, world};

#[tokio::test]
async fn each_format_comes_with_its_media_type_and_all_posts() {
    let world = world();
    let types = ["application/rss+xml", "application/atom+xml", "application/feed+json"];
    for (target, media_type) in DOCUMENTS.into_iter().zip(types) {
        let reply = world.get(target).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.field("content-type"), format!("{media_type}; charset=utf-8"));
        assert_eq!(reply.field("vary"), "Accept-Encoding");
        assert_eq!(reply.field("x-content-type-options"), "nosniff");
        assert_eq!(reply.field("referrer-policy"), "no-referrer");
        assert_eq!(reply.field("content-length"), reply.body.len().to_string());
        assert_eq!(reply.field("set-cookie"), "");
        for id in 1..=3 {
            assert!(reply.text().contains(&format!("https://t.me/Alpha/{id}")), "{target} {id}");
        }
    }
}

#[tokio::test]
async fn a_reply_to_any_message_of_an_album_answers_the_post_that_readers_know() {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    let mut reply = stored(11, "Well said");
    let href = Some("https://t.me/Alpha/3".to_owned());
    reply.post.reply = Some(Reply { href, author: None, text: Vec::new(), thumbnail: None });
    // The album is found after what answers it.
    world.keep(ALPHA, reply);
    world.publish(ALPHA, 12, "Later");
    assert!(world.get("/Alpha/atom.xml").await.text().contains("ref=\"https://t.me/Alpha/3\""));
    let mut album = stored(2, "Three pictures");
    album.post.members = [2, 3, 4].map(PostId).to_vec();
    world.keep(ALPHA, album);
    for target in DOCUMENTS.into_iter().flat_map(|target| [target.to_owned(), format!("{target}?before=12")]) {
        let document = world.get(&target).await;
        assert!(!document.text().contains("t.me/Alpha/3"), "{target}: {}", document.text());
        // Its guid, its address, and what answers it.
        assert!(document.text().matches("https://t.me/Alpha/2").count() >= 3, "{target}: {}", document.text());
    }
    assert!(world.get("/Alpha/atom.xml").await.text().contains("ref=\"https://t.me/Alpha/2\""));
    for page in ["/Alpha/", "/Alpha/11", "/Alpha/2024-03-08"] {
        let page = world.get(page).await;
        assert!(page.text().contains("href=\"https://t.me/Alpha/2\""), "{}", page.text());
        assert!(!page.text().contains("t.me/Alpha/3"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_feed_names_its_own_public_address_whatever_host_was_asked() {
    let world = world();
    for target in DOCUMENTS {
        let reply = world.get_with(target, &[]).await;
        assert!(reply.text().contains(&format!("https://feeds.example{target}")), "{target}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let world = world();
    for coding in ["identity", "gzip"] {
        let fields = [("Accept-Encoding", coding)];
        let get = world.get_with(RSS, &fields).await;
        let head = world.ask(Method::HEAD, RSS, &fields).await;
        assert_eq!((head.status, &head.headers), (get.status, &get.headers));
        assert!(head.body.is_empty() && !get.body.is_empty());
    }
}

#[tokio::test]
async fn a_feed_is_the_same_in_the_next_process() {
    let world = world();
    let after = over(world.store.clone(), config());
    assert_eq!(world.get(RSS).await, after.get(RSS).await);
}

#[tokio::test]
async fn other_settings_make_another_version() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    let mut moved = config();
    moved.server.public_url = "https://elsewhere.example".to_owned();
    let mut shortened = config();
    shortened.feeds[0].settings.title_length = 10;
    for config in [moved, shortened] {
        assert_ne!(over(world.store.clone(), config).get(RSS).await.field("etag"), tag);
    }
}

#[tokio::test]
async fn a_change_of_one_channel_changes_its_feeds_only() {
    let world = world();
    let tags = async |target| world.get(target).await.field("etag").to_owned();
    let before = (tags("/Alpha/rss.xml").await, tags("/beta/rss.xml").await, tags("/both/rss.xml").await);
    world.publish(ALPHA, 4, "news");
    let after = (tags("/Alpha/rss.xml").await, tags("/beta/rss.xml").await, tags("/both/rss.xml").await);
    assert!(before.0 != after.0 && before.1 == after.1 && before.2 != after.2);
}

#[tokio::test]
async fn an_edition_is_rendered_once_per_version() {
    let world = world();
    world.get(RSS).await;
    let reads = world.store.reads();
    for coding in ["identity", "gzip", "br", "zstd", "identity"] {
        world.get_with(RSS, &[("Accept-Encoding", coding)]).await;
    }
    assert_eq!(world.store.reads(), reads);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thundering_herd_renders_once() {
    let world = std::sync::Arc::new(world());
    world.get("/Alpha/atom.xml").await;
    let one = {
        let before = world.store.reads();
        world.publish(ALPHA, 4, "news");
        world.get("/Alpha/atom.xml").await;
        world.store.reads() - before
    };
    let before = world.store.reads();
    let herd: Vec<_> = {
        let held_up = world.store.gate.lock().unwrap();
        let herd = (0..200).map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.get(RSS).await.status })
        });
        let herd = herd.collect();
        drop(held_up);
        herd
    };
    for reader in herd {
        assert_eq!(reader.await.unwrap(), 200);
    }
    assert_eq!(world.store.reads() - before, one);
}

#[tokio::test]
async fn a_feed_holds_no_more_posts_than_set() {
    let world = world();
    for id in 4..=9 {
        world.publish(ALPHA, id, "more");
    }
    let reply = world.get(RSS).await;
    let held: Vec<u64> = (1..=9).filter(|id| reply.text().contains(&format!("https://t.me/Alpha/{id}"))).collect();
    assert_eq!(held, [5, 6, 7, 8, 9]);
    assert_eq!(held.len(), POSTS);
}

#[tokio::test]
async fn an_edited_old_post_takes_the_place_of_the_oldest() {
    let world = world();
    for id in 4..=9 {
        world.publish(ALPHA, id, "more");
    }
    world.edit(ALPHA, 2, "corrected", 90);
    let reply = world.get(RSS).await;
    assert!(reply.text().contains("corrected") && !reply.text().contains("https://t.me/Alpha/5"));
}

#[tokio::test]
async fn a_merged_feed_holds_the_newest_of_all_its_channels() {
    let world = world();
    world.add_channel(BETA, "beta");
    for id in 3..=6 {
        world.publish(BETA, id, "of beta");
    }
    let reply = world.get("/both/rss.xml").await;
    for (post, held) in [("Alpha/1", false), ("Alpha/2", false), ("Alpha/3", true), ("beta/3", true), ("beta/6", true)]
    {
        assert_eq!(reply.text().contains(&format!("https://t.me/{post}")), held, "{post}");
    }
}

#[tokio::test]
async fn a_channel_with_nothing_stored_has_a_stable_empty_feed() {
    let world = empty();
    let reply = world.get("/beta/rss.xml").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.field("last-modified"), "Wed, 14 Aug 2013 00:00:00 GMT");
    assert_eq!(over(world.store.clone(), config()).get("/beta/rss.xml").await, reply);
}

#[tokio::test]
async fn a_channel_is_found_as_soon_as_its_first_poll_is_through() {
    let world = empty();
    world.get(RSS).await;
    world.add_channel(ALPHA, "Alpha");
    world.publish(ALPHA, 1, "the first");
    world.set_state("Alpha", State::Ok);
    assert!(world.get(RSS).await.text().contains("the first"));
}

#[tokio::test]
async fn a_channel_whose_store_was_emptied_is_found_again_without_a_change_of_state() {
    let world = empty();
    let name = "Alpha".parse().unwrap();
    let polled = |minutes| Status {
        state: State::Ok,
        since: Some(minute(0)),
        last_success: Some(minute(minutes)),
        ..Status::default()
    };
    world.board.set(&name, polled(1));
    world.get(RSS).await;
    world.add_channel(ALPHA, "Alpha");
    world.publish(ALPHA, 1, "the first");
    world.board.set(&name, polled(2));
    assert!(world.get(RSS).await.text().contains("the first"));
}

#[tokio::test]
async fn an_unknown_channel_is_not_looked_up_again_for_every_request() {
    let world = empty();
    world.get("/beta/rss.xml").await;
    let reads = world.store.reads();
    world.get("/beta/rss.xml").await;
    assert_eq!(world.store.reads(), reads);
}

#[tokio::test]
async fn the_last_good_edition_is_served_while_the_store_cannot_be_read() {
    let world = world();
    let before = world.get(RSS).await;
    world.publish(ALPHA, 4, "news");
    world.store.break_down();
    let after = world.get(RSS).await;
    assert_eq!((after.status, &after.body, after.field("etag")), (200, &before.body, before.field("etag")));
    let tag = ("If-None-Match", before.field("etag"));
    assert_eq!(world.get_with(RSS, &[tag]).await.status, 304);
}

#[tokio::test]
async fn the_last_good_edition_is_compressed_for_who_wants_it_so() {
    let world = world();
    world.get(RSS).await;
    world.store.break_down();
    // A new state makes the name be looked up, which fails too.
    world.set_state("Alpha", State::Unreachable);
    let reply = world.get_with(RSS, &[("Accept-Encoding", "gzip")]).await;
    assert_eq!((reply.status, reply.field("content-encoding")), (200, "gzip"));
}

#[tokio::test]
async fn without_any_edition_a_failing_store_is_503_with_retry_after() {
    let world = world();
    world.store.break_down();
    let reply = world.get(RSS).await;
    reply.assert_problem(503);
    assert_eq!(reply.field("retry-after"), "30");
}

#[tokio::test]
async fn stored_posts_are_served_whatever_upstream_says() {
    let world = world();
    for state in [State::RateLimited, State::Unreachable, State::NotFound, State::Renamed, State::Drift] {
        world.set_state("Alpha", state);
        let reply = world.get(RSS).await;
        assert!(reply.status == 200 && reply.text().contains("https://t.me/Alpha/3"), "{state:?}");
    }
}

#[tokio::test]
async fn max_age_lasts_until_the_next_poll_within_a_minute_and_an_hour() {
    let world = world();
    let name = "Alpha".parse().unwrap();
    for (seconds, max_age) in [(-500, 60), (20, 60), (400, 300), (100_000, 3600)] {
        let next_poll = Some(Utc::now() + TimeDelta::seconds(seconds));
        world.board.set(&name, Status { next_poll, ..Status::default() });
        assert_eq!(world.get(RSS).await.field("cache-control"), format!("public, max-age={max_age}"));
    }
}

#[tokio::test]
async fn a_range_is_ignored() {
    let world = world();
    let whole = world.get(RSS).await;
    let reply = world.get_with(RSS, &[("Range", "bytes=0-9")]).await;
    assert_eq!((reply.status, reply.body), (200, whole.body));
}

#[tokio::test]
async fn every_feed_is_valid_in_every_format_with_entries_and_without() {
    let (world, bare) = (world(), empty());
    bare.add_channel(BETA, "beta");
    let fell =
        Event { at: minute(5), channel: "Alpha".parse().unwrap(), what: What::State(State::NotFound), reason: None };
    events::keep(world.store.as_ref(), &[fell]).unwrap();
    for feed in ["Alpha", "beta", "both", "status"] {
        for world in [&world, &bare] {
            let atom = world.get(&format!("/{feed}/atom.xml")).await;
            let head = atom.text().split("<entry>").next().unwrap();
            for element in ["<title>", "<id>https://", "<updated>20", "<author><name>", "<uri>https://"] {
                assert!(head.contains(element), "{feed} {element} {head}");
            }
            let rss = world.get(&format!("/{feed}/rss.xml")).await;
            let head = rss.text().split("<item>").next().unwrap();
            for element in ["<title>", "<link>https://", "<description>", "<lastBuildDate>", "rel=\"self\""] {
                assert!(head.contains(element), "{feed} {element} {head}");
            }
            let json = world.get(&format!("/{feed}/feed.json")).await.json();
            assert!(json["items"].is_array() && json["title"].as_str().is_some_and(|title| !title.is_empty()));
            for bytes in [&atom.body, &rss.body] {
                let parsed = feed_rs::parser::parse(bytes.as_slice()).unwrap();
                assert_eq!(parsed.entries.len(), json["items"].as_array().unwrap().len());
            }
        }
    }
}
