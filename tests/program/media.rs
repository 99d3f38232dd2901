//! Addresses of our own for the files of posts, at the real program.

use crate::{
    cdn::{Cdn, Given, picture},
    program::{Daemon, Program},
    upstream::{StandIn, base},
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

pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
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
    while daemon.get("/kettle/feed.json").1.matches("size_in_bytes").count() < 2 {
        std::thread::yield_now();
    }
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

const CACHE: &str = "mode = \"cache\"\nallow_private = true";

/// Waits until the file is kept; its head.
fn kept(daemon: &Daemon, path: &str) -> String {
    for _ in 0..2000 {
        let (status, head) = daemon.get_with(path, "");
        if status == 200 && header(&head, "etag").is_some() {
            return head;
        }
        std::thread::yield_now();
    }
    panic!("{path} is not kept: {:?}", daemon.get_with(path, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_outlives_its_address_its_post_and_the_process() {
    let (upstream, cdn, program) = world(CACHE).await;
    let daemon = started(&program);
    for path in ["/media/kettle/1/1.jpg", "/media/kettle/2/1.jpg"] {
        let head = kept(&daemon, path);
        assert_eq!(header(&head, "content-type"), Some("image/jpeg"));
        assert_eq!(header(&head, "content-length"), Some("1000"));
        assert_eq!(header(&head, "content-security-policy"), Some("sandbox; default-src 'none'"));
    }
    assert_eq!(cdn.fetched("/kettle/1.jpg"), 1, "however often it was asked for");
    upstream.take("kettle", 1);
    upstream.take("kettle", 2);
    cdn.expire();
    daemon.signal("KILL");
    assert_eq!(daemon.end(), None);
    let daemon = program.start();
    kept(&daemon, "/media/kettle/1/1.jpg");
    let files = |folder: &str| walk(&program.path(folder)).len();
    assert_eq!((files("data/media/objects"), files("data/media/index")), (1, 2), "equal files lie there once");
    assert_eq!(files("data/spool"), 0);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_what_is_kept_and_what_a_reader_has_already_are_answered_by_the_rules() {
    let (_upstream, _cdn, program) = world(CACHE).await;
    let daemon = started(&program);
    let path = "/media/kettle/1/1.jpg";
    let tag = header(&kept(&daemon, path), "etag").unwrap().to_owned();
    let asked = |fields: &str| {
        let (status, head) = daemon.get_with(path, fields);
        (status, header(&head, "content-range").map(str::to_owned), header(&head, "content-length").map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(asked("Range: bytes=10-19\r\n"), (206, some("bytes 10-19/1000"), some("10")));
    assert_eq!(asked("Range: bytes=-5\r\n"), (206, some("bytes 995-999/1000"), some("5")));
    assert_eq!(asked("Range: bytes=1000-\r\n").0, 416);
    assert_eq!(asked("Range: bytes=0-1,4-5\r\n"), (200, None, some("1000")));
    assert_eq!(asked(&format!("Range: bytes=0-1\r\nIf-Range: {tag}\r\n")).0, 206);
    assert_eq!(asked("Range: bytes=0-1\r\nIf-Range: \"other\"\r\n").0, 200);
    assert_eq!(asked(&format!("If-None-Match: {tag}\r\n")).0, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_breaks_off_or_is_too_large_is_never_kept_and_readers_are_led_to_it() {
    let (_upstream, cdn, program) = world(&format!("{CACHE}\nmax_bytes = 2000")).await;
    cdn.give("/kettle/1.jpg", Given::Lying(picture()));
    cdn.give("/kettle/2.jpg", Given::File(picture().repeat(3)));
    let daemon = started(&program);
    for id in [1, 2] {
        let path = format!("/media/kettle/{id}/1.jpg");
        while led(&daemon, &path).0 != 302 {
            std::thread::yield_now();
        }
        assert_eq!(led(&daemon, &path).1, Some(format!("{}/kettle/{id}.jpg", cdn.base())));
    }
    assert_eq!(walk(&program.path("data/media/index")).len() + walk(&program.path("data/media/objects")).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_or_is_packed_is_never_kept() {
    let (_upstream, cdn, program) = world(&format!("{CACHE}\nmax_bytes = 1000000")).await;
    cdn.give("/kettle/1.jpg", Given::Endless);
    cdn.give("/kettle/2.jpg", Given::Packed(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    let daemon = started(&program);
    let failed = "feedbridge_media_events_total{event=\"failed\"} 2";
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !daemon.get("/metrics").1.contains(failed) {
        assert!(std::time::Instant::now() < end, "{}", daemon.get("/metrics").1);
    }
    assert_eq!(walk(&program.path("data/media/objects")).len(), 0);
    for (id, status) in [(1, 302), (2, 503)] {
        assert_eq!(led(&daemon, &format!("/media/kettle/{id}/1.jpg")).0, status, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_feeds_need_a_token_files_need_it_too() {
    let (_upstream, _cdn, program) = world(CACHE).await;
    std::fs::write(program.path("tokens"), "correct-horse-battery\n").unwrap();
    program.configure(&format!("{}[access]\ntokens_file = \"tokens\"\n", program.configuration()));
    let daemon = started(&program);
    kept(&daemon, "/t/correct-horse-battery/media/kettle/1/1.jpg");
    for denied in ["/media/kettle/1/1.jpg", "/t/correct-horse-batterx/media/kettle/1/1.jpg"] {
        assert_eq!(daemon.get(denied).0, 401, "{denied}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_took_away_is_fetched_again() {
    let (_upstream, cdn, program) = world(CACHE).await;
    // A small one would be in memory.
    cdn.give("/kettle/1.jpg", Given::File(picture().repeat(200)));
    let daemon = started(&program);
    kept(&daemon, "/media/kettle/1/1.jpg");
    std::fs::remove_dir_all(program.path("data/media/objects")).unwrap();
    assert_eq!(daemon.get("/media/kettle/1/1.jpg").0, 503);
    kept(&daemon, "/media/kettle/1/1.jpg");
    assert_eq!(cdn.fetched("/kettle/1.jpg"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_for_files_that_cannot_be_used_stops_no_feed_and_readers_are_led_to_the_files() {
    let (_upstream, cdn, program) = world(&format!("{CACHE}\nstore = \"config.toml/media\"")).await;
    let daemon = program.start();
    while daemon.get("/kettle/feed.json").1.matches("Cold").count() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(led(&daemon, "/media/kettle/1/1.jpg"), (302, Some(format!("{}/kettle/1.jpg", cdn.base()))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_a_page_or_a_drawing_is_saved_and_not_shown() {
    let (_upstream, cdn, program) = world(CACHE).await;
    cdn.give("/kettle/1.jpg", Given::File(b"<!DOCTYPE html><script>alert(1)</script>".to_vec()));
    cdn.give("/kettle/2.jpg", Given::File(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()));
    let daemon = started(&program);
    for id in [1, 2] {
        let head = kept(&daemon, &format!("/media/kettle/{id}/1.jpg"));
        assert_eq!(header(&head, "content-type"), Some("application/octet-stream"));
        assert_eq!(header(&head, "content-disposition"), Some("attachment"));
        assert_eq!(header(&head, "x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_into_a_private_network_is_not_followed() {
    let (_upstream, cdn, program) = world("mode = \"cache\"").await;
    cdn.give("/kettle/1.jpg", Given::Elsewhere("http://169.254.169.254/latest".to_owned()));
    let daemon = started(&program);
    assert_eq!(led(&daemon, "/media/kettle/1/1.jpg").0, 503);
    assert_eq!(cdn.asked(), 0, "nor is the private address that it starts from");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_holds_and_what_is_to_be_kept_for_ever_stays() {
    let (upstream, cdn, program) = world(&format!("{CACHE}\nquota_bytes = 2500")).await;
    for id in 1..=6 {
        upstream.post_picture("kettle", id, "Tea", base());
        let mut bytes = picture();
        bytes[500] = id as u8;
        cdn.give(&format!("/kettle/{id}.jpg"), Given::File(bytes));
    }
    let daemon = started(&program);
    let stored = || walk(&program.path("data/media/objects")).len();
    let entered = || walk(&program.path("data/media/index")).len();
    while entered() < 6 {
        std::thread::yield_now();
    }
    while stored() > 2 {
        std::thread::yield_now();
    }
    drop(daemon);
    let text = program.configuration().replace("name = \"kettle\"", "name = \"kettle\"\nkeep = \"forever\"");
    program.configure(&text);
    let daemon = program.start();
    for id in 1..=6 {
        kept(&daemon, &format!("/media/kettle/{id}/1.jpg"));
    }
    assert_eq!(stored(), 6, "what left is fetched again, and stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_can_be_counted_verified_pruned_and_completed_by_hand() {
    let (_upstream, cdn, program) = world(&format!("{CACHE}\neager = false")).await;
    drop(started(&program));
    assert_eq!(program.run(&["media", "stats"]).out, "0 files, 0 bytes, for 0 places in posts\n");
    let ran = program.run(&["media", "fetch", "kettle"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "2 files of kettle: 2 fetched, 0 not to be had\n"), "{ran:?}");
    assert_eq!(program.run(&["media", "stats"]).out, "1 files, 1000 bytes, for 2 places in posts\n");
    let ran = program.run(&["media", "verify"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "1 files are what they were; 0 places lead to files that have left\n")
    );
    cdn.expire();
    let ran = program.run(&["media", "fetch", "kettle"]);
    assert_eq!(ran.out, "2 files of kettle: 0 fetched, 0 not to be had\n");
    let file = walk(&program.path("data/media/objects")).remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[700] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let ran = program.run(&["media", "verify"]);
    assert!(ran.code == 1 && ran.err.contains("holds something else"), "{ran:?}");
    program.configure(
        &format!("{}\nquota_bytes = 1024", program.configuration())
            .replace("eager = false", "eager = false\nunused_days = 36500"),
    );
    assert!(program.run(&["media", "prune"]).out.starts_with("0 files have left"), "within the quota");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_whose_addresses_are_dead_are_fetched_by_hand_as_long_as_upstream_shows_their_posts() {
    let (upstream, cdn, program) = world(&format!("{CACHE}\neager = false")).await;
    drop(started(&program));
    upstream.world().cdn = cdn.expire();
    upstream.take("kettle", 1);
    let ran = program.run(&["media", "fetch", "kettle"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "2 files of kettle: 1 fetched, 1 not to be had\n"), "{ran:?}");
    let daemon = program.start();
    kept(&daemon, "/media/kettle/2/1.jpg");
    assert!(daemon.get("/kettle/feed.json").1.contains("size_in_bytes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_of_the_files_that_are_kept() {
    let (_upstream, _cdn, program) = world(CACHE).await;
    let daemon = started(&program);
    kept(&daemon, "/media/kettle/1/1.jpg");
    kept(&daemon, "/media/kettle/2/1.jpg");
    let health: serde_json::Value = serde_json::from_str(&daemon.get("/health").1).unwrap();
    assert_eq!((&health["media"]["files"], &health["media"]["bytes"]), (&1.into(), &1000.into()), "{health}");
    let metrics = daemon.get("/metrics").1;
    for line in [
        "feedbridge_media_files 1",
        "feedbridge_media_bytes 1000",
        "feedbridge_media_events_total{event=\"fetched\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
