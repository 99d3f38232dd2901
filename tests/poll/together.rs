//! Two things at once: answers that cross a request to wait, a page of somebody else's in answer to a post's own, two
//! names of one channel. What the one says is not taken for the other.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    fetch::{Answer, Error, Upstream},
    model::{History, PostId},
    status::State,
};
use tokio::time::sleep;
use url::Url;

use crate::{
    trouble::{Bridge, HOSTS, MAINTENANCE, folder, until, upstream},
    upstream::{StandIn, Trouble, base, without_preview},
};

/// Asks the first request to wait an hour, while the second is still under way; then answers that one.
#[derive(Clone)]
struct Crossing(StandIn, Arc<std::sync::atomic::AtomicUsize>);

impl Upstream for Crossing {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        match self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => {
                sleep(Duration::from_millis(500)).await;
                Err(Error::RateLimited { status: 429, retry_after: Some(Duration::from_secs(3600)) })
            }
            1 => {
                sleep(Duration::from_secs(1)).await;
                self.0.get(host, target).await
            }
            _ => self.0.get(host, target).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_asked_for_before_a_request_to_wait_does_not_end_the_pause() {
    let channels = ["kitchen", "garden", "cellar"];
    let (folder, upstream, clock) = (folder(), upstream(&channels), Clock::simulated(base()));
    let crossing = Crossing(upstream.clone(), Arc::default());
    let bridge = Bridge::start(&folder, crossing, &HOSTS, &channels, &clock);
    until("the page is stored", || channels.iter().any(|name| bridge.posts(name) == 1)).await;
    sleep(Duration::from_secs(3500)).await;
    assert_eq!(upstream.requests(), 1, "{:?}", bridge.board.hosts());
    until("all are stored", || channels.iter().all(|name| bridge.posts(name) == 1)).await;
    bridge.stop().await;
}

/// One host answers for posts' own pages with somebody else's page.
#[derive(Clone)]
struct Portal(StandIn);

impl Upstream for Portal {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        if target.contains("embed") && host.as_str().starts_with(HOSTS[0]) {
            return Ok(Answer::Body(MAINTENANCE.to_owned()));
        }
        self.0.get(host, target).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_somebody_else_is_not_taken_for_a_posts_own() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    for id in 2..=4 {
        upstream.post("kitchen", id, "More soup", base());
    }
    let bridge = Bridge::start(&folder, Portal(upstream.clone()), &HOSTS, &["kitchen"], &clock);
    until("the posts are stored", || bridge.posts("kitchen") == 4).await;
    upstream.take("kitchen", 3);
    let id = bridge.store.channel(&"kitchen".parse().unwrap()).unwrap().unwrap().id;
    let is_deleted = || bridge.store.post(id, PostId(3)).unwrap().unwrap().deleted.is_some();
    until("the second host says that the post is gone", is_deleted).await;
    assert!(clock.steady() - base() <= TimeDelta::minutes(20), "only at {}", clock.steady());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_somebody_else_says_nothing_of_a_channels_preview() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    let body = Trouble::Body(without_preview("kitchen"));
    upstream.world().next.extend([Trouble::Redirect("https://t.me/kitchen".to_owned()), body]);
    upstream.world().next.extend([Trouble::Body(MAINTENANCE.to_owned()), Trouble::Body(MAINTENANCE.to_owned())]);
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &clock);
    until("the answers are taken in", || bridge.status("kitchen").last_attempt.is_some()).await;
    assert_eq!(bridge.status("kitchen").state, State::UpstreamError);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_names_alone_the_second_is_asked_when_the_first_is_gone() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    upstream.add("pantry", 1001);
    upstream.world().channels.get_mut("pantry").unwrap().slug = Some("kitchen".to_owned());
    upstream.post("pantry", 1, "Soup", base() - TimeDelta::minutes(5));
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen", "pantry"], &clock);
    let is_twin = |name| bridge.status(name).same_as.is_some();
    until("they are one", || is_twin("pantry") || is_twin("kitchen")).await;
    let (polled, other) = if is_twin("pantry") { ("kitchen", "pantry") } else { ("pantry", "kitchen") };
    upstream.world().channels.remove(polled);
    upstream.post(other, 2, "More soup", base() + TimeDelta::minutes(1));
    until("the new post is stored", || bridge.posts(other) == 2).await;
    assert!(clock.steady() - base() <= TimeDelta::hours(2), "only at {}", clock.steady());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_names_the_one_that_wants_more_of_the_history_gets_it() {
    for histories in [[History::None, History::All], [History::All, History::None], [History::Posts(5), History::All]] {
        let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
        upstream.add("pantry", 1001);
        upstream.world().channels.get_mut("pantry").unwrap().slug = Some("kitchen".to_owned());
        for id in 1..=70 {
            for name in ["kitchen", "pantry"] {
                upstream.post(name, id, "Soup", base() - TimeDelta::minutes(100 - id.cast_signed()));
            }
        }
        let channels = [("kitchen", histories[0]), ("pantry", histories[1])];
        let often = Duration::from_secs(300);
        let bridge = Bridge::wanted(often, &folder, upstream, &HOSTS, &channels, &clock);
        until("all is stored", || bridge.posts("kitchen") == 70).await;
        bridge.stop().await;
    }
}

/// One host shows nobody anything.
#[derive(Clone)]
struct Veiled(StandIn, Arc<std::sync::atomic::AtomicBool>);

impl Upstream for Veiled {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let is_veiled = self.1.load(std::sync::atomic::Ordering::SeqCst) && host.as_str().starts_with(HOSTS[0]);
        if is_veiled { Ok(Answer::Body(crate::upstream::nobody("kitchen"))) } else { self.0.get(host, target).await }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_asked_at_once_when_the_first_shows_nobody_anything() {
    let channels = ["kitchen", "garden", "cellar"];
    let (folder, upstream, clock) = (folder(), upstream(&channels), Clock::simulated(base()));
    let veiled = Veiled(upstream.clone(), Arc::default());
    let bridge = Bridge::start(&folder, veiled.clone(), &HOSTS, &channels, &clock);
    until("all are stored", || channels.iter().all(|name| bridge.posts(name) == 1)).await;
    veiled.1.store(true, std::sync::atomic::Ordering::SeqCst);
    let begin = clock.steady();
    for name in channels {
        upstream.post(name, 2, "More soup", base());
    }
    until("the new posts are stored", || channels.iter().all(|name| bridge.posts(name) == 2)).await;
    assert!(clock.steady() - begin <= TimeDelta::minutes(10), "only after {}", clock.steady() - begin);
    bridge.stop().await;
}
