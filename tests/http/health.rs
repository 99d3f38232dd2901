//! What machines ask.

use std::time::Duration;

use chrono::TimeDelta;
use feedbridge::{
    model::{ChangeKind, ChannelName},
    schedule::Budget,
    status::{HostStatus, Progress, State, Status},
};

use crate::world::{RSS, empty, minute, world};

#[tokio::test]
async fn health_tells_all_of_every_channel() {
    let world = world();
    let status = Status {
        state: State::RateLimited,
        since: Some(minute(1)),
        last_success: Some(minute(2)),
        last_attempt: Some(minute(3)),
        next_poll: Some(minute(4)),
        failures: 5,
        gaps: 6,
        history: Some(Progress { done: false, oldest: Some(minute(0)), before: None }),
        last_error: Some("429".to_owned()),
        unknown: Vec::new(),
        same_as: None,
    };
    world.board.set(&"Alpha".parse().unwrap(), status);
    let host = HostStatus {
        host: "t.me".to_owned(),
        proxy: None,
        in_use: true,
        breaker: "closed",
        open_until: None,
        error: None,
    };
    world.board.set_hosts(vec![host]);
    let reply = world.get("/health").await;
    assert_eq!((reply.status, reply.field("content-type")), (200, "application/json"));
    assert_eq!(reply.field("cache-control"), "no-store");
    let health = reply.json();
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime_seconds"].is_u64());
    assert_eq!(health["store"]["posts"], 3);
    assert_eq!(health["hosts"], serde_json::json!([{"host": "t.me", "in_use": true, "breaker": "closed"}]));
    let expected = serde_json::json!({
        "name": "Alpha", "origin": "configured", "state": "rate_limited", "since": "2024-03-08T12:01:00Z", "posts": 3,
        "newest_post": "2024-03-08T12:03:00Z", "last_success": "2024-03-08T12:02:00Z",
        "last_attempt": "2024-03-08T12:03:00Z", "next_poll": "2024-03-08T12:04:00Z", "failures": 5, "gaps": 6, "last_error": "429",
        "advice": State::RateLimited.advice(), "history": {"done": false, "oldest": "2024-03-08T12:00:00Z"},
    });
    assert_eq!(health["channels"][0], expected);
    assert_eq!(health["channels"][1]["name"], "beta");
}

#[tokio::test]
async fn one_channel_amiss_is_degraded_all_amiss_is_down() {
    let world = world();
    let judged = async || {
        let reply = world.get("/health").await;
        (reply.status, reply.json()["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(judged().await, (200, "ok".to_owned()));
    world.set_state("Alpha", State::NotFound);
    assert_eq!(judged().await, (200, "degraded".to_owned()));
    world.set_state("beta", State::Unreachable);
    assert_eq!(judged().await, (503, "down".to_owned()));
    world.set_state("Alpha", State::Empty);
    assert_eq!(judged().await, (200, "degraded".to_owned()));
    world.set_state("beta", State::Ok);
    assert_eq!(judged().await, (200, "ok".to_owned()));
}

#[tokio::test]
async fn pages_that_are_only_partly_understood_are_degraded_however_many_show_them() {
    let world = world();
    world.set_state("Alpha", State::Drift);
    world.set_state("beta", State::Drift);
    let reply = world.get("/health").await;
    assert_eq!((reply.status, reply.json()["status"].as_str()), (200, Some("degraded")));
    world.set_state("beta", State::NotFound);
    assert_eq!(world.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_down() {
    let world = world();
    world.store.break_down();
    let reply = world.get("/health").await;
    assert_eq!((reply.status, reply.json()["status"].as_str()), (503, Some("down")));
    assert_eq!(reply.field("retry-after"), "30");
    assert_eq!(reply.json()["channels"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn alive_is_always_ok_and_ready_only_when_it_is() {
    let world = empty();
    world.store.break_down();
    assert_eq!(world.get("/healthz").await.status, 200);
    let reply = world.get("/readyz").await;
    reply.assert_problem(503);
    assert_eq!(reply.field("retry-after"), "30");
    world.site.set_ready(true);
    assert_eq!(world.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_count_requests_editions_polls_and_posts() {
    let world = world();
    world.get(RSS).await;
    world.get(RSS).await;
    world.get("/nowhere").await;
    world.set_state("Alpha", State::Drift);
    let alpha: ChannelName = "Alpha".parse().unwrap();
    world.site.metrics.poll(&alpha, "drift", Duration::from_millis(300));
    world.site.metrics.changes(&alpha, ChangeKind::Edited, 7);
    let reply = world.get("/metrics").await;
    assert_eq!(reply.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "feedbridge_http_requests_total{route=\"rss\",status=\"200\"} 2",
        "feedbridge_http_requests_total{route=\"none\",status=\"404\"} 1",
        "feedbridge_editions_total{outcome=\"made\"} 1",
        "feedbridge_editions_total{outcome=\"shelved\"} 1",
        "feedbridge_polls_total{channel=\"Alpha\",outcome=\"drift\"} 1",
        "feedbridge_poll_duration_seconds_count 1",
        "feedbridge_post_changes_total{channel=\"Alpha\",kind=\"edited\"} 7",
        "feedbridge_channel_state{channel=\"Alpha\",state=\"drift\"} 1",
        "feedbridge_channel_posts{channel=\"Alpha\"} 3",
        "feedbridge_channel_newest_post_timestamp_seconds{channel=\"Alpha\"} 1709899380.0",
        "feedbridge_store_posts 3",
    ] {
        assert!(reply.text().lines().any(|found| found == line), "{line}\n{}", reply.text());
    }
}

#[tokio::test]
async fn every_sample_has_its_help_and_type_under_its_own_name() {
    let world = world();
    world.get(RSS).await;
    world.site.metrics.poll(&"Alpha".parse::<ChannelName>().unwrap(), "ok", Duration::from_millis(300));
    let text = world.get("/metrics").await.text().to_owned();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let described = |name: &str| ["HELP", "TYPE"].iter().all(|kind| text.contains(&format!("# {kind} {name} ")));
        assert!(described(name) || histogram.is_some_and(described), "{line}");
    }
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
}

#[tokio::test]
async fn who_asks_for_openmetrics_gets_it() {
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    let reply = world().get_with("/metrics", &[("Accept", accept)]).await;
    assert!(reply.field("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(reply.text().ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_way_that_is_no_longer_configured_is_no_longer_measured() {
    let world = world();
    let way = |proxy: &str| HostStatus {
        host: "t.me".into(),
        proxy: Some(proxy.into()),
        in_use: true,
        breaker: "open",
        open_until: None,
        error: None,
    };
    world.board.set_hosts(vec![way("socks5h://before:1080")]);
    assert!(world.get("/metrics").await.text().contains("before:1080"));
    world.board.set_hosts(vec![way("socks5h://after:1080")]);
    let text = world.get("/metrics").await.text().to_owned();
    assert!(text.contains("after:1080") && !text.contains("before:1080"), "{text}");
}

#[tokio::test]
async fn a_channel_that_is_no_longer_followed_is_no_longer_measured() {
    let world = world();
    let (alpha, beta): (ChannelName, ChannelName) = ("Alpha".parse().unwrap(), "beta".parse().unwrap());
    for name in [&alpha, &beta] {
        world.board.set(name, Status { last_success: Some(minute(2)), gaps: 1, failures: 2, ..Status::default() });
        world.site.metrics.poll(name, "page", Duration::from_millis(300));
        world.site.metrics.changes(name, ChangeKind::New, 3);
    }
    let samples = |text: &str, name: &str| text.matches(&format!("channel=\"{name}\"")).count();
    let before = world.get("/metrics").await.text().to_owned();
    // State, gaps, failures, posts, last success; polls and changes; and of what is stored the newest post.
    assert_eq!((samples(&before, "Alpha"), samples(&before, "beta")), (8, 7), "{before}");
    world.board.remove(&alpha);
    let after = world.get("/metrics").await.text().to_owned();
    assert_eq!((samples(&after, "Alpha"), samples(&after, "beta")), (0, 7), "{after}");
    world.board.set(&alpha, Status::default());
    assert!(!world.get("/metrics").await.text().contains("post_changes_total{channel=\"Alpha\""));
}

#[tokio::test]
async fn every_metric_of_the_grafana_board_is_there() {
    let world = world();
    world.get(RSS).await;
    let alpha: ChannelName = "Alpha".parse().unwrap();
    let metrics = &world.site.metrics;
    metrics.poll(&alpha, "page", Duration::from_millis(300));
    metrics.changes(&alpha, ChangeKind::New, 1);
    metrics.delay(TimeDelta::seconds(40));
    let host =
        HostStatus { host: "t.me".into(), proxy: None, in_use: true, breaker: "open", open_until: None, error: None };
    world.board.set_hosts(vec![host]);
    world.board.set(&alpha, Status { last_success: Some(minute(2)), ..Status::default() });
    world.board.set_budget(Budget { requests_per_minute: 15.0, tokens: 2 });
    let text = world.get("/metrics").await.text().to_owned();
    for line in [
        "feedbridge_upstream_breaker{host=\"t.me\",proxy=\"\"} 2",
        "feedbridge_upstream_budget_requests 2",
        "feedbridge_upstream_budget_requests_per_minute 15.0",
        "feedbridge_post_delay_seconds_bucket{le=\"32.0\"} 0",
        "feedbridge_post_delay_seconds_bucket{le=\"64.0\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let board = include_str!("../../docs/grafana.json");
    let parsed: serde_json::Value = serde_json::from_str(board).unwrap();
    let mut named = 0;
    for panel in parsed["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            for name in expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                if name.starts_with("feedbridge_") {
                    named += 1;
                    let is_sample = |line: &str| line.split(['{', ' ']).next() == Some(name);
                    assert!(text.lines().any(is_sample), "{name} in {expression}");
                }
            }
        }
    }
    assert!(named >= 15, "{named}");
}
