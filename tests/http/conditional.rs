//! Validators and preconditions, RFC 9110 sections 8.8 and 13.

use hyper::Method;

use crate::world::{DOCUMENTS, RSS, minute, world};

#[tokio::test]
async fn a_reader_that_has_the_feed_gets_304_with_the_fields_of_200_that_caches_need() {
    let world = world();
    for target in DOCUMENTS {
        for coding in ["identity", "gzip", "br", "zstd"] {
            let full = world.get_with(target, &[("Accept-Encoding", coding)]).await;
            let tag = full.field("etag");
            let reply = world.get_with(target, &[("Accept-Encoding", coding), ("If-None-Match", tag)]).await;
            assert_eq!((reply.status, reply.body.len()), (304, 0));
            for name in ["etag", "vary", "cache-control", "last-modified"] {
                assert_eq!(reply.field(name), full.field(name), "{name}");
            }
            for name in ["content-type", "content-encoding", "content-length"] {
                assert_eq!(reply.field(name), "", "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_304_reads_nothing_from_the_store() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    let reads = world.store.reads();
    assert_eq!(world.get_with(RSS, &[("If-None-Match", &tag)]).await.status, 304);
    assert_eq!(world.get_with(RSS, &[("If-Modified-Since", "Fri, 08 Mar 2030 12:00:00 GMT")]).await.status, 304);
    assert_eq!(world.store.reads(), reads);
}

#[tokio::test]
async fn if_none_match_is_a_list_compared_weakly() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    for list in [tag.clone(), format!("W/{tag}"), format!("\"aaa\", W/\"b,c\", {tag}"), "*".to_owned()] {
        assert_eq!(world.get_with(RSS, &[("If-None-Match", &list)]).await.status, 304, "{list}");
    }
    let two_lines = [("If-None-Match", "\"aaa\""), ("If-None-Match", tag.as_str())];
    assert_eq!(world.get_with(RSS, &two_lines).await.status, 304);
    let bare = tag.trim_matches('"');
    for list in ["\"zzz\"".to_owned(), bare.to_owned(), format!("{bare}x"), format!("\"x, {bare}\""), String::new()] {
        assert_eq!(world.get_with(RSS, &[("If-None-Match", &list)]).await.status, 200, "{list}");
    }
}

#[tokio::test]
async fn if_none_match_beats_if_modified_since() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    let later = ("If-Modified-Since", "Fri, 08 Mar 2030 12:00:00 GMT");
    let earlier = ("If-Modified-Since", "Thu, 01 Jan 1998 00:00:00 GMT");
    assert_eq!(world.get_with(RSS, &[("If-None-Match", "\"zzz\""), later]).await.status, 200);
    assert_eq!(world.get_with(RSS, &[("If-None-Match", &tag), earlier]).await.status, 304);
}

#[tokio::test]
async fn last_modified_is_the_last_change_in_the_store() {
    let world = world();
    assert_eq!(world.get(RSS).await.field("last-modified"), "Fri, 08 Mar 2024 12:03:00 GMT");
    world.edit(super::world::ALPHA, 1, "edited", 90);
    assert_eq!(world.get(RSS).await.field("last-modified"), "Fri, 08 Mar 2024 13:30:00 GMT");
}

#[tokio::test]
async fn if_modified_since_is_read_in_all_three_forms() {
    let world = world();
    for date in ["Fri, 08 Mar 2024 12:03:00 GMT", "Friday, 08-Mar-24 12:03:00 GMT", "Fri Mar  8 12:03:00 2024"] {
        assert_eq!(world.get_with(RSS, &[("If-Modified-Since", date)]).await.status, 304, "{date}");
    }
    for date in ["Fri, 08 Mar 2024 12:02:59 GMT", "yesterday", ""] {
        assert_eq!(world.get_with(RSS, &[("If-Modified-Since", date)]).await.status, 200, "{date}");
    }
}

#[tokio::test]
async fn last_modified_is_never_in_the_future() {
    let world = world();
    let ahead = chrono::Utc::now() + chrono::TimeDelta::days(3);
    world.edit(super::world::ALPHA, 1, "edited", (ahead - minute(0)).num_minutes());
    let reply = world.get(RSS).await;
    let date = httpdate::parse_http_date(reply.field("last-modified")).unwrap();
    assert!(date <= std::time::SystemTime::now());
}

#[tokio::test]
async fn a_failed_precondition_is_412() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    world.get_with(RSS, &[("If-Match", "\"zzz\"")]).await.assert_problem(412);
    world.get_with(RSS, &[("If-Match", &format!("W/{tag}"))]).await.assert_problem(412);
    world.get_with(RSS, &[("If-Unmodified-Since", "Fri, 08 Mar 2024 12:02:59 GMT")]).await.assert_problem(412);
    for holds in [
        ("If-Match", tag.as_str()),
        ("If-Match", "*"),
        ("If-Unmodified-Since", "Fri, 08 Mar 2024 12:03:00 GMT"),
        ("If-Unmodified-Since", "never"),
    ] {
        assert_eq!(world.get_with(RSS, &[holds]).await.status, 200, "{holds:?}");
    }
}

#[tokio::test]
async fn head_is_conditional_too() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    assert_eq!(world.ask(Method::HEAD, RSS, &[("If-None-Match", &tag)]).await.status, 304);
}

#[tokio::test]
async fn an_old_tag_is_no_longer_matched_after_a_change() {
    let world = world();
    let tag = world.get(RSS).await.field("etag").to_owned();
    world.publish(super::world::ALPHA, 4, "news");
    let reply = world.get_with(RSS, &[("If-None-Match", &tag)]).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("https://t.me/Alpha/4"));
}
