//! Deltas of feeds, RFC 3229 with the instance manipulation `feed`.

use crate::world::{ALPHA, BETA, DOCUMENTS, RSS, World, config, over, world};

const ASKED: (&str, &str) = ("A-IM", "feed");

async fn tag_of(world: &World, target: &str) -> String {
    world.get(target).await.field("etag").to_owned()
}

#[tokio::test]
async fn a_reader_that_asks_gets_only_what_changed_since() {
    for target in DOCUMENTS {
        let world = world();
        let tag = tag_of(&world, target).await;
        world.publish(ALPHA, 4, "fresh");
        world.edit(ALPHA, 1, "improved", 90);
        let reply = world.get_with(target, &[ASKED, ("If-None-Match", &tag)]).await;
        assert_eq!((reply.status, reply.field("im")), (226, "feed"));
        assert_eq!(reply.field("cache-control"), "no-store, im");
        assert_eq!(reply.field("vary"), "A-IM, If-None-Match, Accept-Encoding");
        assert!(reply.text().contains("fresh") && reply.text().contains("improved"));
        assert!(!reply.text().contains("post number"), "{}", reply.text());
        assert_eq!(reply.field("etag"), tag_of(&world, target).await);
        assert_eq!(reply.field("content-type"), world.get(target).await.field("content-type"));
    }
}

#[tokio::test]
async fn a_reader_that_asks_without_knowing_gets_the_whole_feed() {
    for agent in
        ["rss2email/3.13.1 (https://github.com/rss2email/rss2email)", "feedparser/6.0.14 +https://example.org/"]
    {
        let world = world();
        let tag = tag_of(&world, RSS).await;
        world.publish(ALPHA, 4, "fresh");
        let reply = world.get_with(RSS, &[ASKED, ("If-None-Match", &tag), ("User-Agent", agent)]).await;
        assert_eq!(reply.status, 200, "{agent}");
        assert!(reply.text().contains("fresh") && reply.text().contains("post number"), "{}", reply.text());
    }
}

#[tokio::test]
async fn the_new_tag_of_a_delta_leads_to_304() {
    let world = world();
    let tag = tag_of(&world, RSS).await;
    world.publish(ALPHA, 4, "fresh");
    let delta = world.get_with(RSS, &[ASKED, ("If-None-Match", &tag)]).await;
    let again = world.get_with(RSS, &[ASKED, ("If-None-Match", delta.field("etag"))]).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn a_delta_is_negotiated_like_any_answer() {
    let world = world();
    let gzip = ("Accept-Encoding", "gzip");
    let tag = world.get_with(RSS, &[gzip]).await.field("etag").to_owned();
    world.publish(ALPHA, 4, "fresh");
    let delta = world.get_with(RSS, &[ASKED, gzip, ("If-None-Match", &tag)]).await;
    assert_eq!((delta.status, delta.field("content-encoding")), (226, "gzip"));
    assert_eq!(delta.field("etag"), world.get_with(RSS, &[gzip]).await.field("etag"));
}

#[tokio::test]
async fn an_unknown_tag_gets_the_whole_feed() {
    let world = world();
    let tag = tag_of(&world, RSS).await;
    world.publish(ALPHA, 4, "fresh");
    let shortened = &tag[..tag.len() / 2];
    for unknown in ["\"zzz\"", "\"a-b-c-d\"", "\"---\"", shortened, "zzz"] {
        let reply = world.get_with(RSS, &[ASKED, ("If-None-Match", unknown)]).await;
        assert_eq!((reply.status, reply.field("im")), (200, ""), "{unknown}");
    }
    assert_eq!(world.get_with(RSS, &[ASKED]).await.status, 200);
}

#[tokio::test]
async fn who_does_not_ask_gets_the_whole_feed() {
    let world = world();
    let tag = tag_of(&world, RSS).await;
    world.publish(ALPHA, 4, "fresh");
    for manipulation in ["vcdiff", "feed;q=0", ""] {
        let reply = world.get_with(RSS, &[("A-IM", manipulation), ("If-None-Match", &tag)]).await;
        assert_eq!(reply.status, 200, "{manipulation}");
    }
    let listed = world.get_with(RSS, &[("A-IM", "vcdiff, feed;q=0.5"), ("If-None-Match", &tag)]).await;
    assert_eq!(listed.status, 226);
}

#[tokio::test]
async fn a_tag_from_before_the_settings_changed_gets_the_whole_feed() {
    let world = world();
    let tag = tag_of(&world, RSS).await;
    world.publish(ALPHA, 4, "fresh");
    let mut changed = config();
    changed.feeds[0].settings.title_length = 10;
    let after = over(world.store.clone(), changed);
    assert_eq!(after.get_with(RSS, &[ASKED, ("If-None-Match", &tag)]).await.status, 200);
}

#[tokio::test]
async fn a_merged_feed_has_deltas_over_all_its_channels() {
    let world = world();
    let tag = tag_of(&world, "/both/atom.xml").await;
    world.add_channel(BETA, "beta");
    world.publish(BETA, 9, "from the other");
    world.set_state("beta", feedbridge::status::State::Ok);
    let reply = world.get_with("/both/atom.xml", &[ASKED, ("If-None-Match", &tag)]).await;
    assert_eq!(reply.status, 226);
    assert!(reply.text().contains("from the other") && !reply.text().contains("post number"));
}
