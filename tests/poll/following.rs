//! Channels that are followed, and left, while the poller runs.

use std::{sync::Arc, time::Duration};

use feedbridge::{
    clock::Clock,
    config::{ChannelConfig, Config, FeedSpec},
    feeds::Feeds,
    model::{ChannelName, History},
    status::State,
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    trouble::{Bridge, HOSTS, folder, until, upstream},
    upstream::{StandIn, base},
};

const HOUR: Duration = Duration::from_secs(3600);

fn config() -> Config {
    Config::parse("[[channel]]\nname = \"kitchen\"\n[[feed]]\nname = \"house\"\nchannels = [\"cellar\"]\n").unwrap()
}

fn follow(feeds: &Feeds, name: &str) {
    let (config, channel): (_, ChannelName) = (config(), name.parse().unwrap());
    let spec = FeedSpec { name: name.to_owned(), channels: vec![channel.clone()], ..config.feeds[0].clone() };
    feeds.follow(ChannelConfig { name: channel, history: History::None }, spec, chrono::Utc::now());
}

fn start(folder: &TempDir, upstream: &StandIn, feeds: &Feeds) -> Bridge {
    let minutes = Duration::from_secs(300);
    Bridge::following(minutes, folder, upstream.clone(), &HOSTS, feeds.changes(), &Clock::simulated(base()))
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_followed_at_run_time_is_served_and_polled_at_once() {
    let (folder, upstream, feeds) = (folder(), upstream(&["kitchen", "cellar", "garden"]), Feeds::of(&config()));
    let bridge = start(&folder, &upstream, &feeds);
    until("the first are polled", || bridge.posts("kitchen") == 1 && bridge.posts("cellar") == 1).await;
    let before = Arc::clone(&feeds.now());
    follow(&feeds, "garden");
    assert!(before.find("garden").is_none() && feeds.now().find("GARDEN").is_some());
    let followed = tokio::time::Instant::now();
    until("it is polled", || bridge.posts("garden") == 1).await;
    assert!(followed.elapsed() < Duration::from_secs(20), "{:?}", followed.elapsed());
    assert!(bridge.status("garden").state.is_fine());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_followed_already_stays_as_it_is() {
    let feeds = Feeds::of(&config());
    let mut changes = feeds.changes();
    changes.mark_unchanged();
    follow(&feeds, "Kitchen");
    assert!(!changes.has_changed().unwrap());
    assert_eq!(feeds.now().feeds().len(), 2);
    assert_eq!(feeds.now().find("kitchen").unwrap().name, "kitchen");
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_left_is_asked_no_more_and_its_posts_stay() {
    let (folder, upstream, feeds) = (folder(), upstream(&["kitchen", "cellar"]), Feeds::of(&config()));
    let bridge = start(&folder, &upstream, &feeds);
    until("all are polled", || bridge.posts("kitchen") == 1 && bridge.posts("cellar") == 1).await;
    let name: ChannelName = "kitchen".parse().unwrap();
    feeds.unfollow(&name);
    assert!(feeds.now().find("kitchen").is_none() && feeds.now().find("house").is_some());
    until("nothing is shown of it", || bridge.board.get(&name).is_none()).await;
    let asked = |name: &str| upstream.targets().iter().filter(|target| target.contains(name)).count();
    let before = (asked("kitchen"), asked("cellar"));
    sleep(HOUR).await;
    assert_eq!(asked("kitchen"), before.0);
    assert!(asked("cellar") > before.1);
    assert_eq!((bridge.posts("kitchen"), bridge.board.get(&name)), (1, None));
    follow(&feeds, "kitchen");
    until("it is polled again", || bridge.board.get(&name).is_some_and(|status| status.state != State::New)).await;
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_another_feed_shows_is_still_polled() {
    let (folder, upstream) = (folder(), upstream(&["kitchen", "cellar"]));
    let feeds = Feeds::of(&config());
    follow(&feeds, "cellar");
    let bridge = start(&folder, &upstream, &feeds);
    feeds.unfollow(&"cellar".parse().unwrap());
    until("it is polled", || bridge.posts("cellar") == 1).await;
    assert!(feeds.now().find("cellar").is_none());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_left_while_a_second_name_leads_to_the_same_channel_is_polled_under_that_one() {
    let (folder, upstream, feeds) = (folder(), upstream(&["kitchen", "cellar"]), Feeds::of(&config()));
    upstream.add("galley", 1001);
    upstream.post("galley", 1, "Soup", base());
    follow(&feeds, "galley");
    let bridge = start(&folder, &upstream, &feeds);
    let same_as = |name: &str| bridge.status(name).same_as.map(|name| name.to_string());
    until("they are known for one", || same_as("galley").is_some() || same_as("kitchen").is_some()).await;
    let (polled, other) = if same_as("galley").is_some() { ("kitchen", "galley") } else { ("galley", "kitchen") };
    feeds.unfollow(&polled.parse().unwrap());
    until("the other one stands for itself", || same_as(other).is_none()).await;
    bridge.stop().await;
}
