//! What subscribers get from the hub, and hubs elsewhere from the daemon.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    hub::{Hub, Outside, Refusal, Rules, signature},
    model::Time,
    store::Handle,
};
use tokio::{sync::oneshot, time::timeout};

use crate::subscriber::{Feeds, HUB, Reader, TOPIC, folder, open, rules, start, start_at};

#[tokio::test]
async fn a_subscriber_is_verified_and_gets_the_changed_topic_signed() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    let verification = running.subscribe(&mut reader).await;
    assert_eq!(verification.query["hub.mode"], "subscribe");
    assert_eq!(verification.query["hub.topic"], TOPIC);
    assert_eq!(verification.query["hub.lease_seconds"], "864000");
    assert_eq!(verification.query["keep"], "1 2");
    assert!(verification.query["hub.challenge"].len() >= 32);

    running.feeds.change();
    let delivery = reader.next_of("POST").await;
    assert_eq!(delivery.body, running.feeds.body());
    assert_eq!(delivery.fields["content-type"], "application/atom+xml; charset=utf-8");
    assert_eq!(delivery.fields["link"], format!("<{HUB}>; rel=\"hub\", <{TOPIC}>; rel=\"self\""));
    assert_eq!(delivery.fields["x-hub-signature"], signature("s3cret", &delivery.body));
    assert_eq!(delivery.query["keep"], "1 2");
    running.stop().await;
}

#[tokio::test]
async fn who_denies_the_request_is_not_subscribed() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    reader.told.lock().unwrap().denies = true;
    running.ask("subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    running.feeds.change();
    // A second request is verified after the first is settled; no delivery comes before it.
    running.ask("subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    assert!(running.hub.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn nothing_comes_after_an_unsubscription() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    running.subscribe(&mut reader).await;
    running.ask("unsubscribe", &reader.url, &[]).await.unwrap();
    let verification = reader.next_of("GET").await;
    assert_eq!(verification.query["hub.mode"], "unsubscribe");
    assert!(!verification.query.contains_key("hub.lease_seconds"));
    running.until(Hub::is_empty).await;
    running.feeds.change();
    // What comes next is the verification of a later request, not the change.
    running.ask("subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    running.stop().await;
}

#[tokio::test]
async fn a_delivery_that_fails_is_repeated_with_what_is_current_then() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    running.subscribe(&mut reader).await;
    reader.told.lock().unwrap().statuses.extend([500, 503, 302]);
    running.feeds.change();
    for _ in 0..3 {
        reader.next_of("POST").await;
    }
    let delivery = reader.next_of("POST").await;
    assert_eq!(delivery.body, running.feeds.body());
    running.feeds.change();
    assert_eq!(reader.next_of("POST").await.body, running.feeds.body());
    running.stop().await;
}

#[tokio::test]
async fn a_callback_that_answers_410_is_dropped() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    running.subscribe(&mut reader).await;
    reader.told.lock().unwrap().statuses.push_back(410);
    running.feeds.change();
    reader.next_of("POST").await;
    running.until(Hub::is_empty).await;
    running.stop().await;
}

#[tokio::test]
async fn leases_and_what_was_told_outlive_a_restart() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    let feeds = running.feeds.clone();
    running.subscribe(&mut reader).await;
    feeds.change();
    reader.next_of("POST").await;
    running.stop().await;

    let running = start_at(&folder, &feeds, rules(), Clock::system()).await;
    assert_eq!(running.hub.len(), 1);
    feeds.change();
    let delivery = reader.next_of("POST").await;
    assert_eq!(delivery.body, feeds.body(), "what was told before the restart was told again");
    assert_eq!(delivery.fields["x-hub-signature"], signature("s3cret", &delivery.body));
    running.stop().await;
}

#[tokio::test]
async fn a_change_while_the_hub_was_down_is_delivered_after_the_crash() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    let feeds = running.feeds.clone();
    running.subscribe(&mut reader).await;
    let kept = Arc::clone(&running.store);
    timeout(Duration::from_secs(20), async {
        while kept.states("hub/").unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    drop(kept);
    running.crash().await;
    feeds.change();
    let running = start_at(&folder, &feeds, rules(), Clock::system()).await;
    assert_eq!(reader.next_of("POST").await.body, feeds.body());
    running.stop().await;
}

#[tokio::test]
async fn a_lease_that_ran_out_while_the_hub_was_down_is_let_go() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let begin = Time::from_timestamp(1_700_000_000, 0).unwrap();
    let feeds = Feeds::default();
    let running = start_at(&folder, &feeds, rules(), Clock::simulated(begin)).await;
    running.subscribe(&mut reader).await;
    running.stop().await;
    let running = start_at(&folder, &feeds, rules(), Clock::simulated(begin + TimeDelta::days(11))).await;
    running.until(Hub::is_empty).await;
    running.stop().await;
    let running = start_at(&folder, &feeds, rules(), Clock::simulated(begin)).await;
    assert!(running.hub.is_empty(), "the lease is still in the store");
    running.stop().await;
}

#[tokio::test]
async fn callbacks_into_private_networks_are_refused_and_never_dialled() {
    let (folder, reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    running.stop().await;
    let closed = Rules { allow_private_callbacks: false, ..rules() };
    let running = start_at(&folder, &Feeds::default(), closed, Clock::system()).await;
    let by_name = reader.url.replace("127.0.0.1", "localhost");
    for callback in [&reader.url, &by_name] {
        assert_eq!(running.ask("subscribe", callback, &[]).await, Err(Refusal::PrivateCallback), "{callback}");
    }
    assert!(reader.got.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn leases_of_private_callbacks_are_not_dialled_once_these_are_forbidden() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    let feeds = running.feeds.clone();
    reader.url = reader.url.replace("127.0.0.1", "localhost");
    running.subscribe(&mut reader).await;
    running.stop().await;
    feeds.change();
    let closed = Rules { allow_private_callbacks: false, ..rules() };
    let running = start_at(&folder, &feeds, closed, Clock::system()).await;
    let failed = |told: &serde_json::Value| told[&reader.url]["failures"].as_u64() > Some(2);
    running
        .until(|_| running.store.hint(&format!("hub/told/{TOPIC}")).unwrap().is_some_and(|told| failed(&told)))
        .await;
    assert!(reader.got.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_foreign_topic_is_refused() {
    let folder = folder();
    let running = start(&folder).await;
    let body = "hub.mode=subscribe&hub.topic=https://other.example/x&hub.callback=http://127.0.0.1:1/";
    assert_eq!(running.hub.receive(body.as_bytes(), |topic| topic == TOPIC).await, Err(Refusal::ForeignTopic));
    running.stop().await;
}

#[tokio::test]
async fn a_hub_elsewhere_is_told_once_per_change_and_again_when_it_failed() {
    let (folders, mut elsewhere) = ([folder(), folder()], Reader::start().await);
    let feeds = Feeds::default();
    let [first, second] = folders.each_ref().map(|folder| {
        let hub = elsewhere.url.parse().unwrap();
        Outside::new(hub, Handle::new(open(folder)), rules(), Clock::system()).unwrap()
    });
    elsewhere.told.lock().unwrap().statuses.push_back(500);
    let topics = Arc::new(feeds.clone());
    let task = tokio::spawn(first.run(Arc::clone(&topics), std::future::pending()));
    for _ in 0..2 {
        let ping = elsewhere.next_of("POST").await;
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&ping.body).into_owned().collect();
        assert_eq!((form["hub.mode"].as_str(), form["hub.url"].as_str()), ("publish", TOPIC));
    }
    feeds.change();
    elsewhere.next_of("POST").await;
    // A topic that stands still is not told of: what comes next is the ping of another run that knows of nothing.
    let (stop, stopped) = oneshot::channel::<()>();
    let other = tokio::spawn(second.run(topics, async move { drop(stopped.await) }));
    elsewhere.next_of("POST").await;
    assert!(elsewhere.got.is_empty());
    task.abort();
    drop(stop);
    other.await.unwrap();
}
