//! The hub's address, and how feeds name the hub.

use std::sync::Arc;

use feedbridge::{
    clock::Clock,
    config::{Config, Hub as HubConfig, OwnHub},
    hub::{Hub, Rules},
    metrics::Metrics,
    serve::{Site, handle},
    store::Handle,
};
use hyper::{Request, StatusCode};

use crate::world::{DOCUMENTS, RSS, World, config, minute, over, world};

/// Over the same store and board, with a hub of its own.
async fn with_hub(world: World) -> World {
    let address = hub_config().hub_url().unwrap();
    let hub = Hub::open(address, Handle::new(world.store.clone()), Rules::default(), Clock::system()).await.unwrap();
    under(hub, world)
}

fn hub_config() -> Config {
    let own = OwnHub { subscriptions_per_topic: 10, subscriptions_per_host: 10, allow_private_callbacks: false };
    Config { hub: HubConfig::Own(own), ..config() }
}

/// Over the same store and board, with `hub`.
pub fn under(hub: Hub, world: World) -> World {
    let config = hub_config();
    let metrics = Arc::new(Metrics::new(minute(0)));
    let site = Site::new(Arc::new(config), world.store.clone(), world.board.clone(), metrics);
    World { site: Arc::new(site.with_hub(Some(Arc::new(hub)))), ..world }
}

pub async fn post(world: &World, content_type: &str, body: &str) -> StatusCode {
    let request = Request::post("/hub").header("Host", "feeds.example").header("Content-Type", content_type);
    handle(&world.site, request.body(body.to_owned()).unwrap()).await.status()
}

pub const FORM: &str = "application/x-www-form-urlencoded";
const WHOLE: &str = "hub.mode=subscribe&hub.callback=https://8.8.8.8/&hub.topic=https://feeds.example/Alpha/rss.xml";

#[tokio::test]
async fn a_request_is_accepted_before_it_is_verified() {
    let world = with_hub(world()).await;
    assert_eq!(post(&world, FORM, WHOLE).await, 202);
    assert_eq!(post(&world, "application/x-www-form-urlencoded; charset=utf-8", WHOLE).await, 202);
}

#[tokio::test]
async fn health_and_metrics_tell_of_the_hub_where_there_is_one() {
    let world = with_hub(world()).await;
    assert_eq!(post(&world, FORM, WHOLE).await, 202);
    let health = world.get("/health").await.json();
    let hub = serde_json::json!({"verified": 0, "pending": 1, "delivered": 0, "failed": 0, "gone": 0});
    assert_eq!(health["hub"], hub);
    let metrics = world.get("/metrics").await.text().to_owned();
    for line in [
        "feedbridge_hub_subscriptions 0",
        "feedbridge_hub_pending 1",
        "feedbridge_hub_deliveries_total{outcome=\"delivered\"} 0",
        "feedbridge_hub_deliveries_total{outcome=\"failed\"} 0",
        "feedbridge_hub_gone_total 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert!(!crate::world::empty().get("/metrics").await.text().contains("feedbridge_hub"));
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let world = with_hub(world()).await;
    assert_eq!(post(&world, "application/json", "{}").await, 415);
    assert_eq!(post(&world, FORM, "").await, 400);
    assert_eq!(post(&world, FORM, &format!("{WHOLE}&hub.secret={}", "x".repeat(200))).await, 400);
    assert_eq!(post(&world, FORM, &format!("{WHOLE}x")).await, 404);
    assert_eq!(post(&world, FORM, &WHOLE.replace("8.8.8.8", "127.0.0.1")).await, 400);
    assert_eq!(post(&world, FORM, &"x".repeat(9000)).await, 413);
    let reply = world.get("/hub").await;
    reply.assert_problem(405);
    assert_eq!(reply.field("allow"), "POST");
}

#[tokio::test]
async fn there_is_no_hub_unless_it_is_switched_on() {
    let world = world();
    assert_eq!(post(&world, FORM, WHOLE).await, 405);
    world.get("/hub").await.assert_problem(404);
    assert_eq!(world.get(RSS).await.field("link"), "");
    assert!(!world.get(RSS).await.text().contains("hub"));
}

#[tokio::test]
async fn feeds_name_the_hub_and_themselves_in_fields_and_body() {
    let world = with_hub(world()).await;
    for document in DOCUMENTS {
        let reply = world.get(document).await;
        let itself = format!("https://feeds.example{document}");
        let expected = format!("<https://feeds.example/hub>; rel=\"hub\", <{itself}>; rel=\"self\"");
        assert_eq!(reply.field("link"), expected);
        assert_eq!(world.ask(hyper::Method::HEAD, document, &[]).await.field("link"), expected);
        assert!(reply.text().contains("https://feeds.example/hub") && reply.text().contains(&itself));
    }
}

#[tokio::test]
async fn switching_the_hub_on_changes_the_entity_tag() {
    let without = world();
    let tag = without.get(RSS).await.field("etag").to_owned();
    let again = over(without.store.clone(), config());
    assert_eq!(again.get(RSS).await.field("etag"), tag);
    let with = with_hub(without).await;
    assert_ne!(with.get(RSS).await.field("etag"), tag);
    assert_eq!(with.get_with(RSS, &[("If-None-Match", &tag)]).await.status, 200);
}
