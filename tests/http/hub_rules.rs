//! The hub's rules, with the time passed in.

use chrono::TimeDelta;
use feedbridge::{
    fetch::is_public,
    hub::{Lease, Outcome, Refusal, Request, Rules, Seen, Subscriptions, Task, parse, signature},
    model::Time,
};

const TOPIC: &str = "https://feeds.example/kitchen/atom.xml";

fn at(minutes: i64) -> Time {
    Time::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}

fn ask(fields: &[(&str, &str)]) -> Result<Request, Refusal> {
    parse(&form(fields), false)
}

fn request(mode: &str, callback: &str) -> Request {
    ask(&[("hub.mode", mode), ("hub.topic", TOPIC), ("hub.callback", callback)]).unwrap()
}

fn seen(version: u64) -> Seen {
    Seen { heads: version, digest: version + 1000 }
}

fn subscribe(hub: &mut Subscriptions, callback: &str, heads: u64, now: Time) {
    hub.receive(request("subscribe", callback), now).unwrap();
    let Some(Task::Verify(asked)) = hub.next(now) else { panic!("nothing to verify") };
    hub.verified(&asked, true, heads, now);
}

fn delivery(hub: &mut Subscriptions, now: Time) -> Option<Lease> {
    match hub.next(now)? {
        Task::Deliver(lease) => Some(lease),
        Task::Verify(request) => panic!("{request:?} is to be verified"),
    }
}

/// With one subscriber, who knows version 1.
fn one() -> Subscriptions {
    let mut hub = Subscriptions::new(Rules::default());
    subscribe(&mut hub, "https://reader.example/a", 1, at(0));
    hub
}

#[test]
fn requests_that_lack_or_misname_something_are_refused() {
    let whole = [("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", "https://reader.example/a")];
    assert!(ask(&whole).is_ok());
    assert_eq!(ask(&whole[1..]), Err(Refusal::Mode));
    assert_eq!(ask(&[("hub.mode", "publish"), whole[1], whole[2]]), Err(Refusal::Mode));
    assert_eq!(ask(&[whole[0], whole[2]]), Err(Refusal::NoTopic));
    assert_eq!(ask(&whole[..2]), Err(Refusal::Callback));
    for callback in ["file:///etc/passwd", "reader.example", "https://user@reader.example/", "ftp://reader.example/"] {
        assert_eq!(ask(&[whole[0], whole[1], ("hub.callback", callback)]), Err(Refusal::Callback), "{callback}");
    }
    let secret = |length| ask(&[whole[0], whole[1], whole[2], ("hub.secret", &"x".repeat(length))]).map(drop);
    assert_eq!((secret(199), secret(200)), (Ok(()), Err(Refusal::Secret)));
}

#[test]
fn leases_last_ten_days_and_otherwise_five_minutes_to_thirty_days() {
    let lease = |seconds| {
        let fields = [("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", "https://reader.example/a")];
        ask(&[&fields[..], &[("hub.lease_seconds", seconds)]].concat()).map(|request| request.lease)
    };
    assert_eq!(request("subscribe", "https://reader.example/a").lease, TimeDelta::days(10));
    assert_eq!(lease("3600"), Ok(TimeDelta::hours(1)));
    assert_eq!(lease("0"), Ok(TimeDelta::minutes(5)));
    assert_eq!(lease("18446744073709551615"), Ok(TimeDelta::days(30)));
    assert_eq!(lease("-1"), Err(Refusal::Lease));
}

#[test]
fn addresses_that_are_not_public_are_known_in_every_disguise() {
    let private = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001::1",
        "2001:db8::1",
    ];
    for address in private {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    let public = [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ];
    for address in public {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn a_callback_written_as_a_private_address_is_refused_at_once() {
    for callback in
        ["http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/", "http://[::ffff:a00:1]/"]
    {
        let fields = [("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", callback)];
        assert_eq!(ask(&fields), Err(Refusal::PrivateCallback), "{callback}");
        assert!(parse(&form(&fields), true).is_ok());
    }
}

/// The second test case of RFC 4231.
#[test]
fn signatures_are_hmac_sha_256() {
    let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
}

#[test]
fn nothing_is_delivered_before_the_topic_changes_and_each_change_once() {
    let mut hub = one();
    hub.moved(TOPIC, seen(1));
    assert_eq!(delivery(&mut hub, at(1)), None);
    hub.moved(TOPIC, seen(2));
    let lease = delivery(&mut hub, at(2)).unwrap();
    assert_eq!(delivery(&mut hub, at(2)), None, "delivered twice at once");
    hub.delivered(&lease, Outcome::Taken(seen(2)), at(2));
    assert_eq!(delivery(&mut hub, at(3)), None);
}

#[test]
fn a_channel_that_changes_without_changing_the_feed_is_no_news() {
    let mut hub = one();
    hub.moved(TOPIC, seen(2));
    let lease = delivery(&mut hub, at(1)).unwrap();
    hub.delivered(&lease, Outcome::Taken(seen(2)), at(1));
    hub.moved(TOPIC, Seen { heads: 3, ..seen(2) });
    assert_eq!(delivery(&mut hub, at(2)), None);
}

#[test]
fn a_request_that_is_not_confirmed_changes_nothing() {
    let mut hub = one();
    hub.take_writes();
    for (mode, callback) in [("subscribe", "https://reader.example/b"), ("unsubscribe", "https://reader.example/a")] {
        hub.receive(request(mode, callback), at(1)).unwrap();
        let Some(Task::Verify(asked)) = hub.next(at(1)) else { panic!("nothing to verify") };
        hub.verified(&asked, false, 1, at(1));
    }
    assert_eq!((hub.len(), hub.take_writes()), (1, Vec::new()));
    assert!(hub.lease(TOPIC, "https://reader.example/a").is_some());
}

#[test]
fn failures_are_retried_ever_more_slowly_and_given_up_after_a_day() {
    let mut hub = one();
    hub.moved(TOPIC, seen(2));
    let (mut attempts, mut pauses, mut last) = (0, Vec::new(), at(0));
    for half_minute in 0..=3 * 24 * 120 {
        let now = at(0) + TimeDelta::seconds(30 * half_minute);
        let Some(lease) = delivery(&mut hub, now) else { continue };
        attempts += 1;
        pauses.push((now - last).num_seconds());
        last = now;
        if hub.delivered(&lease, Outcome::Failed, now) {
            break;
        }
    }
    for (pause, longest) in pauses[1..9].iter().zip([30, 60, 120, 240, 480, 960, 1920, 3600]) {
        assert!((longest / 2..=longest).contains(pause), "{pauses:?}");
    }
    assert!(hub.is_empty() && (24..80).contains(&attempts), "{attempts} attempts");
    assert!(last - at(0) >= TimeDelta::days(1) && last - at(0) < TimeDelta::hours(26));
    assert!(matches!(hub.take_writes().last(), Some((_, None))), "the lease stays in the store");
}

#[test]
fn a_success_ends_the_count_of_failures() {
    let mut hub = one();
    hub.moved(TOPIC, seen(2));
    let lease = delivery(&mut hub, at(0)).unwrap();
    hub.delivered(&lease, Outcome::Failed, at(0));
    let lease = delivery(&mut hub, at(1)).unwrap();
    hub.delivered(&lease, Outcome::Taken(seen(2)), at(1));
    hub.moved(TOPIC, seen(3));
    let lease = delivery(&mut hub, at(2 * 24 * 60)).unwrap();
    assert!(!hub.delivered(&lease, Outcome::Failed, at(2 * 24 * 60)));
}

#[test]
fn a_callback_that_is_gone_is_dropped_at_once() {
    let mut hub = one();
    hub.moved(TOPIC, seen(2));
    let lease = delivery(&mut hub, at(0)).unwrap();
    assert!(hub.delivered(&lease, Outcome::Gone, at(0)));
    assert!(hub.is_empty());
}

#[test]
fn a_lease_ends_in_time_unless_it_is_renewed() {
    let mut hub = one();
    subscribe(&mut hub, "https://reader.example/b", 1, at(0));
    let day = 24 * 60;
    subscribe(&mut hub, "https://reader.example/a", 1, at(5 * day));
    assert_eq!(hub.expire(at(10 * day) - TimeDelta::seconds(1)), 0);
    assert_eq!(hub.expire(at(10 * day)), 1);
    assert!(hub.lease(TOPIC, "https://reader.example/a").is_some());
    assert_eq!(hub.expire(at(15 * day)), 1);
    assert!(hub.is_empty());
}

#[test]
fn topics_and_hosts_take_so_many_subscriptions_and_renewals_always() {
    let mut hub = Subscriptions::new(Rules { per_topic: 3, per_host: 2, ..Rules::default() });
    subscribe(&mut hub, "https://one.example/a", 1, at(0));
    hub.receive(request("subscribe", "https://one.example/b"), at(0)).unwrap();
    assert_eq!(hub.receive(request("subscribe", "https://one.example/c"), at(0)), Err(Refusal::HostFull));
    hub.receive(request("subscribe", "https://two.example/a"), at(0)).unwrap();
    assert_eq!(hub.receive(request("subscribe", "https://three.example/a"), at(0)), Err(Refusal::TopicFull));
    assert_eq!(hub.receive(request("subscribe", "https://one.example/a"), at(0)), Ok(()));
}

#[test]
fn a_flood_of_requests_is_put_off_to_the_next_minute() {
    let mut hub = one();
    let mut flood = |now| (0..400).find(|_| hub.receive(request("unsubscribe", "https://x.example/"), now).is_err());
    assert!(flood(at(1)).is_some());
    assert!(flood(at(2)).is_some_and(|taken| taken > 200));
}

#[test]
fn one_host_is_asked_a_few_things_at_a_time() {
    let mut hub = Subscriptions::new(Rules::default());
    for number in 0..10 {
        hub.receive(request("subscribe", &format!("https://slow.example/{number}")), at(0)).unwrap();
    }
    hub.receive(request("subscribe", "https://fast.example/"), at(0)).unwrap();
    let tasks: Vec<Task> = std::iter::from_fn(|| hub.next(at(0))).collect();
    let hosts: Vec<&str> =
        tasks.iter().map(|task| if let Task::Verify(asked) = task { asked.host() } else { "" }).collect();
    assert_eq!(hosts.iter().filter(|host| **host == "slow.example").count(), 4);
    assert!(hosts.contains(&"fast.example"));
}

#[test]
fn what_was_kept_tells_after_a_restart_who_is_behind() {
    let mut hub = one();
    subscribe(&mut hub, "https://reader.example/b", 1, at(0));
    hub.moved(TOPIC, seen(2));
    let lease = delivery(&mut hub, at(0)).unwrap();
    hub.delivered(&lease, Outcome::Taken(seen(2)), at(0));
    let leases: Vec<Lease> =
        hub.take_writes().into_iter().map(|(_, value)| serde_json::from_value(value.unwrap()).unwrap()).collect();
    let progress = hub.take_progress();
    let restarted = |progress: &[(String, serde_json::Value)]| {
        let mut hub = Subscriptions::new(Rules::default());
        leases.iter().for_each(|lease| hub.restore(lease.clone()));
        progress.iter().for_each(|(topic, kept)| hub.restore_progress(topic, kept.clone()));
        hub.moved(TOPIC, seen(2));
        let due: Vec<Lease> = std::iter::from_fn(|| delivery(&mut hub, at(0))).collect();
        due.into_iter().map(|lease| lease.callback).collect::<Vec<_>>()
    };
    assert_eq!(restarted(&progress), ["https://reader.example/b"]);
    assert_eq!(restarted(&[]).len(), 2, "what is not known to be told is told once more");
}
