//! The polling loop against a stand-in for upstream, with the real store, on a simulated clock.

use std::{sync::Arc, time::Duration};

use crate::upstream::{StandIn, Trouble, Veil, base, group, nobody, without_preview};
use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    metrics::Metrics,
    model::{ChannelName, History, Part, PostId, Stored, Time, plain_text},
    poll::{Exit, Poller},
    schedule::Policy,
    status::{Board, State, Status},
    store::{Handle, Local, Store},
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

/// A poller at work in a temporary folder.
struct Bridge {
    store: Arc<dyn Store>,
    board: Arc<Board>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

const HOSTS: [&str; 2] = ["https://one.example", "https://two.example"];

impl Bridge {
    fn start(folder: &TempDir, upstream: &StandIn, channels: &[&str], clock: Clock) -> Self {
        Self::with_history(folder, upstream, channels, clock, History::None)
    }

    fn with_history(folder: &TempDir, upstream: &StandIn, channels: &[&str], clock: Clock, history: History) -> Self {
        let exit = Exit { upstream: Arc::new(upstream.clone()), proxy: None };
        Self::through(vec![exit], folder, channels, clock, history)
    }

    fn through(exits: Vec<Exit<StandIn>>, folder: &TempDir, channels: &[&str], clock: Clock, history: History) -> Self {
        let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
        let channels: Vec<ChannelName> = channels.iter().map(|name| name.parse().unwrap()).collect();
        let board = Arc::new(Board::new(channels.clone()));
        let poller = Poller {
            exits,
            store: Handle::new(Arc::clone(&store) as Arc<dyn Store>),
            board: Arc::clone(&board),
            metrics: Arc::new(Metrics::new(base())),
            clock,
            followed: Followed::polled(channels.into_iter().map(|name| ChannelConfig { name, history })),
            spread: false,
            readers: Arc::default(),
            refreshes: Arc::default(),
            looks: None,
            hosts: HOSTS.iter().map(|host| host.parse().unwrap()).collect(),
            policy: Policy { fixed_interval: Some(Duration::from_secs(300)), ..Policy::default() },
            seed: 7,
            eager: false,
            heartbeat: None,
        };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(poller.run(async move { drop(stopped.await) }));
        Self { store, board, stop: Some(stop), running }
    }

    fn status(&self, name: &str) -> Status {
        self.board.get(&name.parse().unwrap()).unwrap()
    }

    fn posts(&self, name: &str) -> Vec<Stored> {
        let Some(channel) = self.store.channel(&name.parse().unwrap()).unwrap() else { return Vec::new() };
        let mut posts = self.store.latest(channel.id, None, 10_000).unwrap();
        posts.reverse();
        posts
    }

    fn ids(&self, name: &str) -> Vec<u64> {
        self.posts(name).iter().map(|stored| stored.post.id.0).collect()
    }

    async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.running).await.unwrap();
        self.store.close().unwrap();
    }
}

/// Lets simulated time pass until `happened`, at most a day.
async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..24 * 3600 {
        if happened() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("in a day it did not happen that {what}");
}

fn all_open(bridge: &Bridge) -> bool {
    let hosts = bridge.board.hosts();
    !hosts.is_empty() && hosts.iter().all(|host| host.breaker == "open")
}

fn text(stored: &Stored) -> String {
    stored
        .post
        .parts
        .iter()
        .map(|part| if let Part::Text(text) = part { plain_text(text) } else { String::new() })
        .collect()
}

fn minutes(minutes: i64) -> Time {
    base() + TimeDelta::minutes(minutes)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn with_posts(range: std::ops::RangeInclusive<u64>) -> StandIn {
    let upstream = StandIn::with("kitchen", 1001);
    for id in range {
        upstream.post("kitchen", id, &format!("Soup number {id}"), minutes(id.cast_signed() - 1000));
    }
    upstream
}

#[tokio::test(start_paused = true)]
async fn a_second_poll_of_the_same_page_stores_nothing() {
    let (folder, upstream) = (folder(), with_posts(1..=5));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the page is polled twice", || {
        upstream.requests() >= 2 && bridge.status("kitchen").last_attempt > Some(minutes(2))
    })
    .await;
    assert_eq!(bridge.ids("kitchen"), [1, 2, 3, 4, 5]);
    let written = bridge.store.stats().sequence;
    until("it is polled once more", || upstream.requests() >= 4).await;
    assert_eq!(bridge.store.stats().sequence, written);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_stores_a_revision_and_moves_updated_alone() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    let before = bridge.posts("kitchen")[1].clone();
    upstream.post("kitchen", 2, "Soup number two, with salt", before.published);
    until("the edit is stored", || bridge.posts("kitchen")[1].revisions == 2).await;
    let after = bridge.posts("kitchen")[1].clone();
    assert_eq!(text(&after), "Soup number two, with salt");
    assert_eq!(after.published, before.published);
    assert!(after.updated > before.updated);
    assert_eq!(bridge.store.revisions(feedbridge::model::ChannelId(1001), PostId(2)).unwrap().len(), 2);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_nothing_new_and_keeps_the_schedule() {
    let (folder, upstream) = (folder(), with_posts(1..=5));
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("the posts are stored", || bridge.status("kitchen").last_success.is_some()).await;
    let planned = bridge.status("kitchen").next_poll.unwrap();
    let (written, asked) = (bridge.store.stats().sequence, upstream.requests());
    bridge.stop().await;

    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    assert_eq!(bridge.ids("kitchen"), [1, 2, 3, 4, 5]);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(upstream.requests(), asked, "polled at once after a restart");
    until("it is polled again", || upstream.requests() > asked).await;
    assert!((clock.steady() - planned).abs() < TimeDelta::seconds(40));
    until("the answer is taken in", || bridge.status("kitchen").last_attempt >= Some(planned)).await;
    assert_eq!(bridge.store.stats().sequence, written);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn posts_that_left_the_newest_page_between_two_polls_are_fetched() {
    let (folder, upstream) = (folder(), with_posts(1..=5));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the first posts are stored", || bridge.ids("kitchen").len() == 5).await;
    for id in 6..=75 {
        upstream.post("kitchen", id, &format!("Rush {id}"), minutes(1));
    }
    until("the burst is stored", || bridge.ids("kitchen").len() == 75).await;
    assert_eq!(bridge.ids("kitchen"), (1..=75).collect::<Vec<_>>());
    until("the gap is closed", || bridge.status("kitchen").gaps == 0).await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_a_stop_left_open_is_closed_after_the_restart() {
    let (folder, upstream) = (folder(), with_posts(1..=5));
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("the first posts are stored", || bridge.ids("kitchen").len() == 5).await;
    for id in 6..=75 {
        upstream.post("kitchen", id, &format!("Rush {id}"), minutes(1));
    }
    until("the newest page is stored", || bridge.ids("kitchen").len() > 5).await;
    bridge.stop().await;
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    assert!(bridge.ids("kitchen").len() < 75, "nothing was left to fetch");
    until("the gap is closed", || bridge.ids("kitchen").len() == 75).await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_out_for_as_long_as_it_says() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    upstream.world().next.push_back(Trouble::RateLimited(Some(1800)));
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("the limit is met", || bridge.status("kitchen").state == State::RateLimited).await;
    let asked = upstream.requests();
    until("it is polled again", || upstream.requests() > asked).await;
    assert!(clock.steady() - base() >= TimeDelta::seconds(1800));
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    assert_eq!(bridge.status("kitchen").failures, 0);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_preview_leaves_the_posts_as_they_were() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    let written = bridge.store.stats().sequence;
    for body in ["", "<html><body>Under maintenance</body></html>", "{\"ok\":false}", &nobody("kitchen")] {
        let attempt = bridge.status("kitchen").last_attempt;
        let down = |host: &str| (host.to_owned(), Trouble::Body(body.to_owned()));
        upstream.world().down.extend(HOSTS.map(down));
        until("the answer is taken in", || bridge.status("kitchen").last_attempt > attempt).await;
        assert!(bridge.status("kitchen").failures > 0, "{body}");
        assert_eq!(bridge.store.stats().sequence, written);
        assert_eq!(bridge.ids("kitchen"), [1, 2, 3]);
        upstream.world().down.clear();
        until("it is well again", || bridge.status("kitchen").failures == 0).await;
    }
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_is_told_from_its_landing_page() {
    let (folder, upstream) = (folder(), StandIn::default());
    upstream
        .world()
        .next
        .extend([Trouble::Redirect("https://t.me/kitchen".to_owned()), Trouble::Body(group("kitchen"))]);
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the state is known", || bridge.status("kitchen").state == State::IsGroup).await;
    assert_eq!(upstream.targets(), ["/s/kitchen", "/kitchen"]);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_not_found_only_on_a_second_look() {
    let (folder, upstream) = (folder(), StandIn::default());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("it was looked for once", || bridge.status("kitchen").failures == 1).await;
    assert_eq!(bridge.status("kitchen").state, State::New);
    until("it is not found", || bridge.status("kitchen").state == State::NotFound).await;
    assert!(upstream.requests() >= 4);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn channels_that_all_vanish_at_once_are_a_ban_and_stay_as_they_were() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    upstream.add("garden", 1002);
    upstream.post("garden", 1, "Beans", minutes(-5));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen", "garden"], Clock::simulated(base()));
    until("both work", || ["kitchen", "garden"].iter().all(|name| bridge.status(name).last_success.is_some())).await;
    let channels = std::mem::take(&mut upstream.world().channels);
    until("the host is left alone", || all_open(&bridge)).await;
    sleep(Duration::from_secs(4 * 3600)).await;
    for name in ["kitchen", "garden"] {
        assert_ne!(bridge.status(name).state, State::NotFound, "{name}");
    }
    upstream.world().channels = channels;
    until("both work again", || ["kitchen", "garden"].iter().all(|name| bridge.status(name).failures == 0)).await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_be_reached_is_replaced_by_the_next_and_taken_up_again() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    upstream.world().down.insert(HOSTS[0].to_owned(), Trouble::Unreachable);
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    assert_eq!(upstream.world().asked[1].0, HOSTS[1]);
    upstream.world().down.clear();
    let asked = upstream.requests();
    until("the first host is asked again", || upstream.world().asked[asked..].iter().any(|(host, _)| host == HOSTS[0]))
        .await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn posts_of_another_channel_under_the_same_name_are_refused() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    upstream.add("kitchen", 2002);
    upstream.post("kitchen", 4, "Buy my coins", minutes(1));
    until("it is noticed", || bridge.status("kitchen").state == State::Renamed).await;
    assert_eq!(bridge.ids("kitchen"), [1, 2, 3]);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_followed_under_its_new_name_keeps_its_posts_and_guids() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    bridge.stop().await;
    let moved = upstream.world().channels.remove("kitchen").unwrap();
    upstream.world().channels.insert("bistro".to_owned(), moved);
    upstream.post("bistro", 4, "We moved", minutes(1));
    let bridge = Bridge::start(&folder, &upstream, &["bistro"], clock.clone());
    until("the new post is stored", || bridge.ids("bistro").len() == 4).await;
    let channel = bridge.store.channel(&"bistro".parse().unwrap()).unwrap().unwrap();
    assert_eq!((channel.slug.as_str(), channel.current_slug.as_str()), ("kitchen", "bistro"));
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_post_is_deleted_once_two_pages_lack_it_and_its_own_page_says_so() {
    let (folder, upstream) = (folder(), with_posts(1..=5));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
    until("the posts are stored", || bridge.ids("kitchen").len() == 5).await;
    upstream.world().channels.get_mut("kitchen").unwrap().messages.remove(&3);
    until("the post is marked", || bridge.posts("kitchen")[2].deleted.is_some()).await;
    let embeds = upstream.targets().iter().filter(|target| *target == "/kitchen/3?embed=1&mode=tme").count();
    assert_eq!(embeds, 1);
    assert!(upstream.targets().iter().filter(|target| *target == "/s/kitchen").count() >= 3);
    upstream.post("kitchen", 3, "Soup number 3", bridge.posts("kitchen")[2].published);
    until("the post is back", || bridge.posts("kitchen")[2].deleted.is_none()).await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_a_request_does_not_wait_for_upstream() {
    let (folder, upstream) = (folder(), with_posts(1..=5));
    upstream.world().next.push_back(Trouble::Silence);
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("upstream is asked", || upstream.requests() == 1).await;
    let before = clock.steady();
    bridge.stop().await;
    assert!(clock.steady() - before < TimeDelta::seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_preview_that_telegram_withholds_is_told_from_one_that_is_switched_off() {
    let words = "This channel is unavailable due to copyright infringement.";
    let withheld = format!(r#"<html><body><div class="tgme_widget_message_error">{words}</div></body></html>"#);
    for (embed, state) in [(withheld, State::Restricted), (nobody("kitchen"), State::NoPreview)] {
        let (folder, upstream) = (folder(), StandIn::default());
        let landing = Trouble::Body(without_preview("kitchen"));
        upstream.world().next.extend([Trouble::Redirect("/kitchen".to_owned()), landing, Trouble::Body(embed)]);
        let bridge = Bridge::start(&folder, &upstream, &["kitchen"], Clock::simulated(base()));
        until("the state is known", || bridge.status("kitchen").state == state).await;
        assert_eq!(upstream.targets(), ["/s/kitchen", "/kitchen", "/kitchen/1?embed=1&mode=tme"]);
        assert_eq!(bridge.status("kitchen").last_error.as_deref() == Some(words), state == State::Restricted);
        assert!(state.advice().is_some());
        bridge.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_vanishes_while_the_canary_is_fine_is_gone_itself() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    upstream.add("garden", 1002);
    upstream.post("garden", 1, "Beans", minutes(-5));
    let bridge = Bridge::start(&folder, &upstream, &["kitchen", "garden"], Clock::simulated(base()));
    until("both work", || ["kitchen", "garden"].iter().all(|name| bridge.status(name).last_success.is_some())).await;
    upstream.world().channels.remove("garden");
    until("it is not found", || bridge.status("garden").state == State::NotFound).await;
    assert!(bridge.board.hosts().iter().all(|host| host.breaker == "closed"));
    assert_eq!(bridge.status("kitchen").state, State::Ok);
    assert_eq!(bridge.ids("garden"), [1]);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn during_a_ban_one_request_at_a_time_looks_whether_it_is_over() {
    let (folder, upstream) = (folder(), StandIn::default());
    let names: Vec<String> = (0..8).map(|n| format!("channel{n}")).collect();
    for (id, name) in (1..).zip(&names) {
        upstream.add(name, id);
        upstream.post(name, 1, "A word", minutes(-5));
    }
    let channels: Vec<&str> = names.iter().map(String::as_str).collect();
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &channels, clock.clone());
    until("all work", || channels.iter().all(|name| bridge.status(name).last_success.is_some())).await;
    upstream.world().veil = Some(Veil::Nobody);
    until("the ban is met", || bridge.board.hosts()[0].breaker == "open").await;
    let (asked, since) = (upstream.requests(), clock.steady());
    sleep(Duration::from_secs(2 * 3600)).await;
    let probes = upstream.requests() - asked;
    // Pauses of 1, 2, 4, 8, 16, 30, 30 ... minutes; each probe is a page and its landing page.
    assert!(probes <= 24, "{probes} requests since {since}");
    assert!(channels.iter().all(|name| bridge.status(name).state == State::Ok));
    upstream.world().veil = None;
    until("all work again", || channels.iter().all(|name| bridge.status(name).failures == 0)).await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_challenge_that_both_hosts_show_pauses_the_exit() {
    let (folder, upstream) = (folder(), StandIn::default());
    let channels = ["one", "two", "three", "four"];
    let challenge = Trouble::Body("<html><body>Are you a human?</body></html>".to_owned());
    for host in HOSTS {
        upstream.world().down.insert(host.to_owned(), challenge.clone());
    }
    let bridge = Bridge::start(&folder, &upstream, &channels, Clock::simulated(base()));
    until("the exit is left alone", || all_open(&bridge)).await;
    // As many as a burst lets go, and one of them again at the other host.
    assert!(upstream.requests() <= 4, "{:?}", upstream.world().asked);
    assert!(bridge.board.budget().unwrap().requests_per_minute <= 16.0);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_delays_no_other_channel() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    upstream.add("garden", 1002);
    upstream.post("garden", 1, "Beans", minutes(-5));
    upstream.world().next.push_back(Trouble::Silence);
    let bridge = Bridge::start(&folder, &upstream, &["garden", "kitchen"], Clock::simulated(base()));
    until("the other one was polled thrice", || upstream.targets().iter().filter(|t| *t == "/s/kitchen").count() == 3)
        .await;
    assert_eq!(bridge.ids("kitchen"), [1, 2, 3]);
    // The one that is still unanswered is not asked again meanwhile.
    assert_eq!(upstream.targets().iter().filter(|target| *target == "/s/garden").count(), 1);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_fails_or_is_shut_out_is_replaced_by_the_next() {
    for trouble in [Trouble::Unreachable, Trouble::RateLimited(Some(3600))] {
        let (folder, bad, good) = (folder(), with_posts(1..=3), with_posts(1..=3));
        for host in HOSTS {
            bad.world().down.insert(host.to_owned(), trouble.clone());
        }
        let exit = |upstream: &StandIn, name: &str| Exit {
            upstream: Arc::new(upstream.clone()),
            proxy: Some(format!("socks5h://{name}:1080")),
        };
        let clock = Clock::simulated(base());
        let exits = vec![exit(&bad, "first"), exit(&good, "second")];
        let bridge = Bridge::through(exits, &folder, &["kitchen"], clock.clone(), History::None);
        until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
        assert!(clock.steady() - base() < TimeDelta::minutes(1), "{trouble:?}");
        let used = || {
            let hosts = bridge.board.hosts().into_iter().filter(|host| host.in_use);
            hosts.map(|host| host.proxy.unwrap()).collect::<Vec<_>>()
        };
        until("the second is preferred", || used() == ["socks5h://second:1080"]).await;
        let hosts = bridge.board.hosts();
        assert_eq!(hosts[0].breaker, "open");
        bad.world().down.clear();
        let asked = bad.requests();
        until("the first is taken up again", || bad.requests() > asked).await;
        bridge.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_suspended_polls_at_once_when_it_wakes() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    let asked = upstream.requests();
    clock.sleep(TimeDelta::days(1));
    sleep(Duration::from_secs(65)).await;
    assert!(upstream.requests() > asked);
    assert!(bridge.status("kitchen").next_poll.unwrap() > base() + TimeDelta::days(1));
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_reached_no_host_is_made_up_for_as_soon_as_one_may_be_asked() {
    let (folder, upstream) = (folder(), with_posts(1..=3));
    for host in HOSTS {
        upstream.world().down.insert(host.to_owned(), Trouble::Unreachable);
    }
    let clock = Clock::simulated(base());
    let bridge = Bridge::start(&folder, &upstream, &["kitchen"], clock.clone());
    until("no host is reached", || all_open(&bridge)).await;
    let announced = bridge.status("kitchen").next_poll.unwrap();
    assert!(announced > base() && announced <= minutes(1), "announced for {announced}");
    upstream.world().down.clear();
    until("the posts are stored", || bridge.ids("kitchen").len() == 3).await;
    assert!(clock.steady() <= minutes(2), "only at {}", clock.steady());
    bridge.stop().await;
}
