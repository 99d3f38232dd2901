//! What the real program says of when its feeds last changed, whatever is done to it between two requests.

use std::time::{Duration, Instant};

use crate::program::{Daemon, Program};
use crate::upstream::{StandIn, base};

const FEED: &str = "/kettle/rss.xml";
/// Longer than anything takes; reached only when a test fails.
const BOUND: Duration = Duration::from_secs(30);

async fn world() -> (StandIn, Program) {
    let upstream = StandIn::with("kettle", 1_000_000_007);
    upstream.post("kettle", 1, "Cold", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    (upstream, program)
}

/// Last-Modified, once it is so long ago that a request which says only that is answered with 304.
fn settled_date(daemon: &Daemon) -> String {
    let begun = Instant::now();
    while begun.elapsed() < BOUND {
        let (_, head) = daemon.get_with(FEED, "");
        let date = head.lines().find_map(|line| line.strip_prefix("last-modified: ")).expect("a date").to_owned();
        if status_since(daemon, &date) == 304 {
            return date;
        }
    }
    panic!("what was just read is never unchanged");
}

/// The answer to who knows nothing but the date of what it has.
fn status_since(daemon: &Daemon, date: &str) -> u16 {
    daemon.get_with(FEED, &format!("If-Modified-Since: {date}\r\n")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_no_date_and_a_setting_does() {
    let (_upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let first = settled_date(&daemon);
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));

    let daemon = program.start();
    assert_eq!(settled_date(&daemon), first);
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));

    program.configure(&format!("{}title = \"Pots and pans\"\n", program.configuration()));
    let daemon = program.start();
    assert_eq!(status_since(&daemon, &first), 200);
    assert_ne!(settled_date(&daemon), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_with_another_address_or_another_length_changes_the_date() {
    let (_upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let configuration = program.configuration();
    let public_url = format!("public_url = \"http://{}\"", program.address);
    let other_url = configuration.replace(&public_url, "public_url = \"https://feeds.example\"");
    assert_ne!(other_url, configuration);
    for changed in [other_url, format!("{configuration}posts = 7\n")] {
        let before = settled_date(&daemon);
        program.configure(&changed);
        daemon.signal("HUP");
        daemon.wait_for("configuration reloaded");
        assert_eq!(status_since(&daemon, &before), 200, "{changed}");
    }
}
