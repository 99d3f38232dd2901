//! Names that nobody configured, asked for at the real program.

use std::thread;

use crate::{
    program::Program,
    upstream::{StandIn, Trouble, base, group},
};

/// A channel with one post, and a daemon that follows `channels`.
async fn world(channels: &[&str]) -> (StandIn, Program) {
    let upstream = StandIn::with("kettle", 1_000_000_007);
    upstream.post("kettle", 1, "Cold", base());
    for (number, name) in channels.iter().enumerate() {
        upstream.add(name, 2_000_000_000 + number as u64);
        upstream.post(name, 1, "Ours", base());
    }
    let program = Program::new(upstream.listen().await.as_str(), channels);
    // A name that is looked at a second time would be seen so.
    let text = program.configuration().replace("interval_seconds = 1", "requests_per_minute = 600\nfloor_seconds = 1");
    program.configure(&text);
    (upstream, program)
}

fn asked(upstream: &StandIn, name: &str) -> usize {
    upstream.targets().iter().filter(|target| **target == format!("/s/{name}")).count()
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_follows_answers_with_its_posts() {
    for path in ["/kettle/atom.xml", "/kettle/rss.xml?limit=3", "/kettle/feed.json", "/kettle/", "/kettle/?q=cold"] {
        let (upstream, program) = world(&[]).await;
        let daemon = program.start();
        let (status, body) = daemon.get(path);
        assert!(status == 200 && body.contains("Cold"), "{path}: {status} {body}");
        assert_eq!(asked(&upstream, "kettle"), 1);
        assert_eq!(daemon.get("/kettle/atom.xml").0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_name_leads_to_its_page_and_any_spelling_to_the_channels_own() {
    let (upstream, program) = world(&[]).await;
    upstream.add("KETTLE", 1_000_000_007);
    upstream.world().channels.get_mut("KETTLE").unwrap().slug = Some("kettle".to_owned());
    upstream.post("KETTLE", 1, "Cold", base());
    let daemon = program.start();
    let (status, head) = daemon.get_with("/KETTLE", "");
    assert_eq!((status, header(&head, "location")), (307, Some("./KETTLE/")));
    let (status, head) = daemon.get_with("/KETTLE/atom.xml", "");
    assert_eq!((status, header(&head, "location")), (308, Some("../kettle/atom.xml")));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_of_one_new_name_cost_one_poll() {
    let (upstream, program) = world(&["ours"]).await;
    let daemon = program.start();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..300).map(|_| scope.spawn(|| daemon.get("/kettle/atom.xml"))).collect();
        for reader in readers {
            let (status, body) = reader.join().unwrap();
            assert!(status == 200 && body.contains("Cold"), "{status} {body}");
        }
    });
    assert_eq!(asked(&upstream, "kettle"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_followed_after_a_kill_with_upstream_gone() {
    let (upstream, program) = world(&[]).await;
    let daemon = program.start();
    assert_eq!(daemon.get("/kettle/atom.xml").0, 200);
    daemon.signal("KILL");
    assert_eq!(daemon.end(), None);
    let host = upstream.world().asked[0].0.clone();
    upstream.world().down.insert(host, Trouble::Unreachable);
    let daemon = program.start();
    let (status, body) = daemon.get("/kettle/atom.xml");
    assert!(status == 200 && body.contains("Cold"), "{status} {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_channel_is_said_and_asked_for_once() {
    let (upstream, program) = world(&["ours"]).await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let (status, body) = daemon.get("/nobody/atom.xml");
    assert!(status == 404 && body.contains("not found on Telegram"), "{status} {body}");
    upstream.world().landings.insert("crowd".to_owned(), group("crowd"));
    let (status, body) = daemon.get("/crowd/");
    assert!(status == 404 && body.contains("<p>a group, not a channel."), "{body}");
    let before = upstream.targets().iter().filter(|target| target.contains("nobody")).count();
    for path in ["/nobody/atom.xml", "/NOBODY/rss.xml", "/nobody/"] {
        assert_eq!(daemon.get(path).0, 404, "{path}");
    }
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));
    let daemon = program.start();
    assert_eq!(daemon.get("/nobody/atom.xml").0, 404);
    let after = upstream.targets().iter().filter(|target| target.contains("nobody")).count();
    assert_eq!((before, after), (2, 2), "the preview, and why there is none");
    let health = daemon.get("/health").1;
    assert!(!health.contains("nobody"), "{health}");
    assert!(!daemon.get("/status/atom.xml").1.contains("nobody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_upstream_is_down_the_name_stays_wanted_and_the_next_request_succeeds() {
    let (upstream, program) = world(&[]).await;
    let text = program.configuration();
    program.configure(&format!("{text}[on_demand]\nwait_seconds = 1\n"));
    let host = text.split("hosts = [\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    upstream.world().down.insert(host.clone(), Trouble::Status(500));
    let daemon = program.start();
    let (status, head) = daemon.get_with("/kettle/atom.xml", "");
    let wait: u64 = header(&head, "retry-after").unwrap().parse().unwrap();
    assert!(status == 503 && (1..60).contains(&wait), "{head}");
    upstream.world().down.clear();
    daemon.wait_for("followed on demand");
    let (status, body) = daemon.get("/kettle/atom.xml");
    assert!(status == 200 && body.contains("Cold"), "{status} {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_without_posts_is_no_empty_feed() {
    let (upstream, program) = world(&[]).await;
    upstream.add("void", 1_000_000_009);
    program.configure(&format!("{}[on_demand]\nwait_seconds = 1\n", program.configuration()));
    let daemon = program.start();
    let (status, head) = daemon.get_with("/void/atom.xml", "");
    assert!(status == 503 && header(&head, "retry-after").is_some(), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_polled_for_another_feed_has_its_own_at_once() {
    let (upstream, program) = world(&[]).await;
    let feed = "[[feed]]\nname = \"house\"\nchannels = [\"kettle\"]\n";
    program.configure(&format!("{}{feed}", program.configuration()));
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let before = upstream.requests();
    let (status, body) = daemon.get("/kettle/atom.xml");
    assert!(status == 200 && body.contains("Cold"), "{status} {body}");
    assert_eq!(upstream.requests(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_page_has_a_channel_followed() {
    let (upstream, program) = world(&[]).await;
    let daemon = program.start();
    for fields in
        ["Sec-Fetch-Site: cross-site\r\n", "Origin: https://evil.example\r\n", "Referer: https://evil.example/\r\n"]
    {
        let (status, _) = daemon.get_with("/kettle/", fields);
        assert_eq!(status, 403, "{fields}");
    }
    assert_eq!(asked(&upstream, "kettle"), 0);
    assert_eq!(daemon.get_with("/kettle/", "Sec-Fetch-Site: same-origin\r\n").0, 200);
    assert_eq!(daemon.get_with("/kettle/", "Sec-Fetch-Site: cross-site\r\n").0, 200, "it is followed by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_new_names_an_hour_and_another_its_own() {
    let (upstream, program) = world(&[]).await;
    for number in 0..12 {
        upstream.add(&format!("cup_{number}"), 3_000_000_000 + number);
        upstream.post(&format!("cup_{number}"), 1, "Tea", base());
    }
    program.configure(&format!("{}[on_demand]\nnew_per_hour = 4\n", program.configuration()));
    let daemon = program.start();
    let ask = |number: usize, from: &str| {
        let fields = format!("X-Forwarded-For: {from}\r\n");
        daemon.get_with(&format!("/cup_{number}/atom.xml"), &fields)
    };
    let own: Vec<u16> = (0..6).map(|number| ask(number, "198.51.100.1").0).collect();
    assert_eq!(own, [200, 200, 200, 200, 429, 429]);
    assert!(header(&ask(5, "198.51.100.1").1, "retry-after").is_some());
    let network: Vec<u16> = (6..12).map(|number| ask(number, &format!("2001:db8::{number}")).0).collect();
    assert_eq!(network, [200, 200, 200, 200, 429, 429], "a /64 is one");
    assert_eq!(ask(0, "198.51.100.1").0, 200, "what is followed has no limit");
    let metrics = daemon.get("/metrics").1;
    assert!(metrics.contains("feedbridge_refused_total{limit=\"new_per_hour\"} 5"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_switches_it_off_gets_what_is_configured() {
    let (upstream, program) = world(&["ours"]).await;
    program.configure(&format!("{}[on_demand]\nenabled = false\n", program.configuration()));
    let daemon = program.start();
    for path in ["/kettle/atom.xml", "/kettle/", "/kettle"] {
        assert_eq!(daemon.get(path).0, 404, "{path}");
    }
    assert_eq!(asked(&upstream, "kettle"), 0);
    assert_eq!(daemon.get("/ours/atom.xml").0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_what_is_followed_and_what_is_waited_for() {
    let (upstream, program) = world(&[]).await;
    let daemon = program.start();
    assert_eq!(daemon.get("/kettle/atom.xml").0, 200);
    upstream.world().next.push_back(Trouble::Silence);
    let waiting = thread::scope(|scope| {
        let waiting = scope.spawn(|| daemon.get("/spout/atom.xml").0);
        while asked(&upstream, "spout") == 0 {
            thread::yield_now();
        }
        upstream.add("spout", 1_000_000_008);
        upstream.post("spout", 1, "Hot", base());
        daemon.signal("HUP");
        daemon.wait_for("configuration reloaded");
        waiting.join().unwrap()
    });
    assert!([200, 503].contains(&waiting), "{waiting}");
    assert_eq!(daemon.get("/spout/atom.xml").0, 200);
    assert_eq!(daemon.get("/kettle/atom.xml").0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_followed_on_demand_is_counted_together_and_named_in_no_metric() {
    let (upstream, program) = world(&["ours"]).await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    assert_eq!(daemon.get("/kettle/atom.xml").0, 200);
    let metrics = daemon.get("/metrics").1;
    for line in [
        "feedbridge_channels{origin=\"configured\"} 1",
        "feedbridge_channels{origin=\"on_demand\"} 1",
        "feedbridge_channels{origin=\"idle\"} 0",
        "feedbridge_first_looks_waiting 0",
        "feedbridge_polls_total{channel=\"*\",outcome=\"page\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert!(!metrics.contains("kettle") && metrics.contains("channel=\"ours\""));
    let health: serde_json::Value = serde_json::from_str(&daemon.get("/health").1).unwrap();
    assert_eq!(health["on_demand"]["followed"], 1, "{health}");
    let origins = health["channels"].as_array().unwrap().iter().map(|channel| (&channel["name"], &channel["origin"]));
    assert_eq!(
        origins.collect::<Vec<_>>(),
        [(&"ours".into(), &"configured".into()), (&"kettle".into(), &"on_demand".into())]
    );
    assert_eq!((&health["status"], asked(&upstream, "kettle")), (&"ok".into(), 1));
}
