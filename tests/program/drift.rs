//! The real program and a part of upstream's markup that is new to it.

use crate::program::Program;
use crate::upstream::{StandIn, base};

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_all_channels_show_is_no_outage_and_one_entry_for_subscribers() {
    let upstream = StandIn::default();
    let channels = ["kettle", "teapot", "saucer"];
    for (name, id) in channels.into_iter().zip(1_000_000_007..) {
        upstream.add(name, id);
        upstream.post(name, 1, "Tea <span class=\"tgme_widget_message_aroma\">smells of smoke</span>", base());
    }
    let program = Program::new(upstream.listen().await.as_str(), &channels);
    let daemon = program.start();
    channels.iter().for_each(|_| drop(daemon.wait_for("channel's state changed")));
    let (status, health) = daemon.get("/health");
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, health["status"].as_str()), (200, Some("degraded")));
    for channel in health["channels"].as_array().unwrap() {
        assert_eq!((channel["state"].as_str(), channel["posts"].as_u64()), (Some("drift"), Some(1)));
    }
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));

    let daemon = program.start();
    let feed: serde_json::Value = serde_json::from_str(&daemon.get("/status/feed.json").1).unwrap();
    let titles: Vec<_> = feed["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Telegram's pages have changed: tgme_widget_message_aroma"]);
}
