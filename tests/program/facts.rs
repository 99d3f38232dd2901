//! What is found out of files, as feeds tell it.

use serde_json::Value;

use crate::{
    cdn::{Cdn, Given, picture},
    media::header,
    program::{Daemon, Program},
    upstream::{StandIn, base},
};

const FILM: &str = r#"<a class="tgme_widget_message_video_player" href="https://t.me/kettle/2"><i class="tgme_widget_message_video_thumb" style="background-image:url('CDN/kettle/2.jpg')"></i><div class="tgme_widget_message_video_wrap" style="width:640px;padding-top:50%"><video src="CDN/kettle/2.mp4" class="tgme_widget_message_video"></video></div><time class="message_video_duration">0:41</time></a>"#;

/// A channel with a picture and a film, and a program that asks for it every second.
async fn world(settings: &str) -> (StandIn, Cdn, Program) {
    let (upstream, cdn) = (StandIn::with("kettle", 1_000_000_007), Cdn::listen().await);
    upstream.world().cdn = cdn.base();
    upstream.post_picture("kettle", 1, "Cold", base());
    upstream.post("kettle", 2, "Warm", base());
    set_media(&upstream, 2, FILM);
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    let text =
        program.configuration().replace("interval_seconds = 1", "interval_seconds = 1\nrequests_per_minute = 600");
    program.configure(&format!("{text}[media]\nallow_private = true\n{settings}\n"));
    (upstream, cdn, program)
}

fn set_media(upstream: &StandIn, id: u64, media: &str) {
    let mut world = upstream.world();
    media.clone_into(&mut world.channels.get_mut("kettle").unwrap().messages.get_mut(&id).unwrap().media);
}

fn film() -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypmp42".to_vec();
    bytes.resize(5000, 7);
    bytes
}

/// The channel's items by id, once `is_so` of all of them.
fn items(daemon: &Daemon, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    for _ in 0..5000 {
        let feed: Value = serde_json::from_str(&daemon.get("/kettle/feed.json").1).unwrap_or_default();
        let mut items = feed["items"].as_array().cloned().unwrap_or_default();
        items.sort_by_key(|item| item["id"].to_string());
        if items.len() == 2 && is_so(&items) {
            return items;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    panic!("{} and the log", daemon.get("/kettle/feed.json").1);
}

fn are_measured(items: &[Value]) -> bool {
    items.iter().all(|item| item["attachments"][0]["size_in_bytes"].is_u64())
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_and_types_are_told_once_they_are_known_and_no_post_is_updated_for_it() {
    for mode in ["redirect", "cache"] {
        let (_upstream, cdn, program) = world(&format!("mode = \"{mode}\"")).await;
        cdn.give("/kettle/2.mp4", Given::File(film()));
        let daemon = program.start();
        let items = items(&daemon, are_measured);
        for (item, length, mime) in [(&items[0], 1000, "image/jpeg"), (&items[1], 5000, "video/mp4")] {
            assert_eq!(item["attachments"][0]["size_in_bytes"], length, "{mode}");
            assert_eq!(item["attachments"][0]["mime_type"], mime);
            assert_eq!(item["date_modified"], Value::Null);
        }
        let rss = daemon.get("/kettle/rss.xml").1;
        let film = format!("http://{}/media/kettle/2/1.mp4", program.address);
        assert!(rss.contains(&format!("<enclosure url=\"{film}\" length=\"5000\" type=\"video/mp4\"/>")), "{rss}");
        assert!(rss.contains("fileSize=\"1000\""), "{rss}");
        let atom = daemon.get("/kettle/atom.xml").1;
        assert!(atom.contains("length=\"1000\"") && atom.contains("length=\"5000\""), "{atom}");
        let tag = |daemon: &Daemon| header(&daemon.get_with("/kettle/atom.xml", "").1, "etag").map(str::to_owned);
        let before = tag(&daemon);
        daemon.signal("TERM");
        assert_eq!(daemon.end(), Some(0));
        assert_eq!(tag(&program.start()), before, "{mode}: it is stored");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_an_edit_puts_in_the_place_of_another_is_fetched_and_measured_anew() {
    for eager in [true, false] {
        let (upstream, cdn, program) = world(&format!("mode = \"cache\"\neager = {eager}")).await;
        let daemon = program.start();
        daemon.wait_for("posts stored");
        while daemon.get("/media/kettle/1/1.jpg").0 != 200 || daemon.get("/media/kettle/2/1.mp4").0 != 200 {
            std::thread::yield_now();
        }
        items(&daemon, are_measured);
        cdn.give("/kettle/1.jpg", Given::File(picture().repeat(2)));
        let other = upstream.world().channels["kettle"].messages[&1].media.replace(" 511 ", " 521 ");
        set_media(&upstream, 1, &other);
        let items = items(&daemon, |items| items[0]["attachments"][0]["size_in_bytes"] == 2000 && are_measured(items));
        assert_ne!(items[0]["date_modified"], Value::Null);
        let (_, head) = daemon.get_with("/media/kettle/1/1.jpg", "");
        assert_eq!(header(&head, "content-length"), Some("2000"), "eager: {eager}");
        assert_eq!(cdn.fetched("/kettle/2.mp4"), 1, "what the edit left as it was is not fetched again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_gone_is_a_still_or_a_link_with_its_reason() {
    let (upstream, cdn, program) = world("mode = \"cache\"\neager = false\nmax_bytes = 2000").await;
    cdn.give("/kettle/2.mp4", Given::File(film()));
    let daemon = program.start();
    daemon.wait_for("posts stored");
    upstream.take("kettle", 1);
    upstream.world().cdn = cdn.expire();
    assert_eq!(daemon.get("/media/kettle/1/1.jpg").0, 410);
    assert_eq!(daemon.get("/media/kettle/2/1.mp4").0, 302);
    let body = |item: &Value| item["content_html"].as_str().unwrap_or_default().to_owned();
    let items = items(&daemon, |items| body(&items[0]).contains("404") && body(&items[1]).contains("1 MB"));
    let film = format!("http://{}/media/kettle/2/1.mp4", program.address);
    assert!(!body(&items[0]).contains("<img") && body(&items[0]).contains("https://t.me/kettle/1"), "{}", items[0]);
    let large = body(&items[1]);
    assert!(large.contains("<img") && large.contains(&film) && !large.contains("<video"), "{large}");
    let (status, head) = daemon.get_with("/media/kettle/2/1.mp4", "");
    assert_eq!((status, header(&head, "location")), (302, Some(format!("{}/kettle/2.mp4", cdn.base()).as_str())));
}
