//! The real program from end to end: a channel's page becomes feeds, and signals stop it.

use crate::program::{Daemon, Program};
use crate::upstream::{StandIn, Trouble, base};
use feedbridge::model::ChannelId;
use serde_json::Value;

const KETTLE: ChannelId = ChannelId(1_000_000_007);

async fn world() -> (StandIn, Program) {
    let upstream = StandIn::with("kettle", KETTLE.0);
    upstream.post("kettle", 1, "Cold", base());
    upstream.post("kettle", 2, "Lukewarm", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    (upstream, program)
}

fn json(daemon: &Daemon, path: &str) -> Value {
    let (status, body) = daemon.get(path);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The text between the first `<name>` and its end in the item that holds `guid`.
fn of_item<'a>(feed: &'a str, item: &str, guid: &str, name: &str) -> &'a str {
    let found = feed.split(&format!("<{item}>")).find(|part| part.contains(&format!("{guid}<"))).unwrap();
    found.split(&format!("<{name}>")).nth(1).unwrap().split("</").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_served_in_three_formats_and_an_edit_moves_updated_alone() {
    let (upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    assert_eq!(daemon.get("/readyz").0, 200);
    let health = json(&daemon, "/health");
    assert_eq!((&health["status"], &health["store"]["posts"]), (&Value::from("ok"), &Value::from(2)), "{health}");

    let guid = "https://t.me/kettle/2";
    let (rss, atom) = (daemon.get("/kettle/rss.xml").1, daemon.get("/kettle/atom.xml").1);
    let items = json(&daemon, "/kettle/feed.json")["items"].as_array().unwrap().len();
    assert_eq!((rss.matches("<item>").count(), atom.matches("<entry>").count(), items), (2, 2, 2));
    let published = of_item(&rss, "item", guid, "pubDate");
    let updated = of_item(&atom, "entry", guid, "updated");

    upstream.post("kettle", 2, "Boiling", base());
    daemon.wait_for("edited=1");
    let (rss, atom) = (daemon.get("/kettle/rss.xml").1, daemon.get("/kettle/atom.xml").1);
    assert!(rss.contains("Boiling") && !rss.contains("Lukewarm"), "{rss}");
    assert_eq!(of_item(&rss, "item", guid, "pubDate"), published);
    assert_eq!(of_item(&atom, "entry", guid, "published"), updated);
    assert!(of_item(&atom, "entry", guid, "updated") > updated, "{atom}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_fetch_ends_well() {
    let (upstream, program) = world().await;
    for signal in ["TERM", "INT"] {
        upstream.world().next.push_back(Trouble::Silence);
        let daemon = program.start();
        let mut asked = upstream.requests();
        while asked == 0 {
            tokio::task::yield_now().await;
            asked = upstream.requests();
        }
        daemon.signal(signal);
        assert_eq!(daemon.end(), Some(0), "after SIG{signal}");
        upstream.world().asked.clear();
    }
    assert_eq!(program.run(&["check"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_serves_at_once_while_upstream_is_down() {
    let (upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let before = daemon.get("/kettle/atom.xml");
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));

    let host = upstream.world().asked[0].0.clone();
    upstream.world().down.insert(host, Trouble::Unreachable);
    let daemon = program.start();
    assert_eq!(daemon.get("/kettle/atom.xml"), before);
    daemon.wait_for("upstream_error");
    assert_eq!(daemon.get("/kettle/atom.xml"), before);
}
