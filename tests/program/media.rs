//! Addresses of our own for the files of posts, at the real program.

use crate::{
    cdn::Cdn,
    program::{Daemon, Program},
    upstream::{StandIn, base, nobody},
};

/// A channel with two pictures, and a program that gives them addresses of its own.
async fn world(settings: &str) -> (StandIn, Cdn, Program) {
    let (upstream, cdn) = (StandIn::with("kettle", 1_000_000_007), Cdn::listen().await);
    upstream.world().cdn = cdn.base();
    upstream.post_picture("kettle", 1, "Cold", base());
    upstream.post_picture("kettle", 2, "Warm", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    let text =
        program.configuration().replace("interval_seconds = 1", "interval_seconds = 600\nrequests_per_minute = 600");
    program.configure(&format!("{text}[media]\n{settings}\n"));
    (upstream, cdn, program)
}

const REDIRECT: &str = "mode = \"redirect\"\nallow_private = true";

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Status and Location.
fn led(daemon: &Daemon, path: &str) -> (u16, Option<String>) {
    let (status, head) = daemon.get_with(path, "");
    (status, header(&head, "location").map(str::to_owned))
}

fn started(program: &Program) -> Daemon {
    let daemon = program.start();
    daemon.wait_for("posts stored");
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_pages_carry_addresses_that_lead_to_the_present_ones() {
    let (_upstream, cdn, program) = world(REDIRECT).await;
    let daemon = started(&program);
    let own = format!("http://{}/media/kettle/1/1.jpg", program.address);
    for path in ["/kettle/atom.xml", "/kettle/rss.xml", "/kettle/feed.json", "/kettle/", "/kettle/1"] {
        let (status, body) = daemon.get(path);
        let body = body.replace("\\/", "/");
        assert!(status == 200 && body.contains(&own) && !body.contains(&cdn.base()), "{path}: {status} {body}");
    }
    let (status, head) = daemon.get_with("/media/kettle/1/1.jpg", "");
    assert_eq!((status, header(&head, "location")), (302, Some(format!("{}/kettle/1.jpg", cdn.base()).as_str())));
    assert_eq!(header(&head, "cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_address_is_renewed_from_the_posts_own_page_once_and_no_feed_changes() {
    let (upstream, cdn, program) = world(REDIRECT).await;
    let daemon = started(&program);
    let tag = |daemon: &Daemon| {
        let (_, head) = daemon.get_with("/kettle/atom.xml", "");
        ["etag", "last-modified"].map(|name| header(&head, name).unwrap().to_owned())
    };
    let before = tag(&daemon);
    assert_eq!(led(&daemon, "/media/kettle/1/1.jpg").0, 302);
    upstream.world().cdn = cdn.expire();
    // The address that was looked at lately counts as alive for half a minute; the other one does not.
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..20).map(|_| scope.spawn(|| led(&daemon, "/media/kettle/2/1.jpg"))).collect();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), (302, Some(format!("{}/kettle/2.jpg", cdn.base()))));
        }
    });
    let own_page = |target: &String| target.starts_with("/kettle/2?");
    assert_eq!(upstream.targets().iter().filter(|target| own_page(target)).count(), 1);
    assert_eq!(tag(&daemon), before);
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));
    let daemon = program.start();
    assert_eq!(tag(&daemon), before, "nor after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_post_that_is_gone_upstream_is_gone_once_its_address_is_dead() {
    let (upstream, cdn, program) = world(REDIRECT).await;
    let daemon = started(&program);
    upstream.take("kettle", 2);
    assert_eq!(led(&daemon, "/media/kettle/2/1.jpg").0, 302, "while its address lives");
    upstream.take("kettle", 1);
    upstream.world().cdn = cdn.expire();
    assert_eq!(led(&daemon, "/media/kettle/1/1.jpg").0, 410);
    let before = upstream.requests();
    assert_eq!(led(&daemon, "/media/kettle/1/1.jpg").0, 410);
    assert_eq!(upstream.requests(), before, "and is not asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_files_of_stored_posts_can_be_had() {
    let (upstream, cdn, program) = world(REDIRECT).await;
    let daemon = started(&program);
    let before = (upstream.requests(), cdn.asked());
    for path in [
        "/media/kettle/1/2.jpg",
        "/media/kettle/1/1.png",
        "/media/kettle/3/1.jpg",
        "/media/spout/1/1.jpg",
        "/media/kettle/1/01.jpg",
        "/media/kettle/1/1",
        "/media/kettle/avatar/0.jpg",
        "/media/kettle",
        "/media/",
        "/media/http:%2f%2fexample.org/1/1.jpg",
    ] {
        assert_eq!(daemon.get(path).0, 404, "{path}");
    }
    assert_eq!((upstream.requests(), cdn.asked()), before);
    assert!(!nobody("x").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_private_network_is_neither_asked_for_nor_led_to() {
    let (_upstream, cdn, program) = world("mode = \"redirect\"").await;
    let daemon = started(&program);
    let (status, location) = led(&daemon, "/media/kettle/1/1.jpg");
    assert_eq!((status, location, cdn.asked()), (503, None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn directly_feeds_carry_upstreams_addresses() {
    for settings in ["", "mode = \"direct\""] {
        let (_upstream, cdn, program) = world(settings).await;
        let daemon = started(&program);
        assert!(daemon.get("/kettle/atom.xml").1.contains(&format!("{}/kettle/1.jpg", cdn.base())));
        assert_eq!(daemon.get("/media/kettle/1/1.jpg").0, 404);
    }
}
