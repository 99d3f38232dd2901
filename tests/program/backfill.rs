//! Older posts, with the real program over a real socket: `feedbridge backfill`, and `history` in the daemon.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use crate::program::{Daemon, Program, Ran};
use crate::upstream::{PAGE_IDS, StandIn, Trouble, group, nobody};
use chrono::{TimeDelta, Utc};
use feedbridge::{model::Time, store::Store};
use serde_json::Value;

const NAME: &str = "archive";
/// Upstream's newest post at first.
const POSTS: u64 = 600;
/// Reached only when a test fails.
const BOUND: Duration = Duration::from_secs(30);

/// A post a day for 600 days, the last one an hour ago.
fn published(id: u64) -> Time {
    Utc::now() - TimeDelta::hours(1) - TimeDelta::days((POSTS - id).cast_signed())
}

fn archive() -> StandIn {
    let upstream = StandIn::with(NAME, 7);
    for id in 1..=POSTS {
        upstream.post(NAME, id, &format!("Page {id}"), published(id));
    }
    upstream
}

/// `poll` is of [poll], `channel` of the channel.
async fn program(upstream: &StandIn, poll: &str, channel: &str) -> Program {
    program_at(upstream, "", poll, channel).await
}

/// With `more` hosts.
async fn program_at(upstream: &StandIn, more: &str, poll: &str, channel: &str) -> Program {
    let host = upstream.listen().await;
    let program = Program::new(host.as_str(), &[NAME]);
    let (host, address) = (host.as_str().trim_end_matches('/'), program.address);
    program.configure(&format!(
        "[server]\nlisten = \"{address}\"\n[store]\npath = \"data\"\n[upstream]\nhosts = [\"{host}{more}\"]\n\
         [poll]\n{poll}\n[[channel]]\nname = \"{NAME}\"\n{channel}\n"
    ));
    program
}

/// The numbers of the stored posts, oldest first. Each has one revision.
fn stored(program: &Program) -> Vec<u64> {
    let store = program.store();
    let channel = store.channel(&NAME.parse().unwrap()).unwrap().unwrap();
    let posts = store.latest(channel.id, None, 10_000).unwrap();
    store.close().unwrap();
    assert!(posts.iter().all(|stored| stored.revisions == 1));
    posts.iter().rev().map(|stored| stored.post.id.0).collect()
}

fn is_older(target: &str) -> bool {
    target.contains("before=")
}

/// The requests that walk from the newest post back to the page that begins with `last`.
fn walk(last: u64) -> Vec<String> {
    let firsts = (0..).map(|page| POSTS - PAGE_IDS * (page + 1) + 1).take_while(|first| *first > last);
    firsts.map(|first| format!("/s/{NAME}?before={first}")).collect()
}

/// A page of a channel that shows none of its posts.
fn no_posts() -> String {
    "<html><main class=\"tgme_main\"><section class=\"tgme_channel_history\"><div class=\"tme_no_messages_found\">\
     </div></section></main></html>"
        .to_owned()
}

fn until(what: &str, happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < BOUND, "it did not happen that {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_posts_are_stored_once_within_the_budget_and_lines_say_how_far_it_is() {
    let upstream = archive();
    let program = program(&upstream, "requests_per_minute = 600", "").await;
    let began = Instant::now();
    let ran = program.run(&["backfill", NAME, "--all"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Ten a second, but two at once.
    assert!(began.elapsed() > Duration::from_millis(2700), "{:?}", began.elapsed());
    let oldest = published(1).format("%Y-%m-%d");
    assert!(ran.out.starts_with(&format!("{NAME}: {POSTS} posts stored, the oldest of {oldest}")), "{ran:?}");
    assert_eq!(stored(&program), (1..=POSTS).collect::<Vec<_>>());
    let mut asked = upstream.targets();
    assert_eq!(asked.remove(0), format!("/s/{NAME}"));
    assert_eq!(asked, walk(1));
    let exported = program.run(&["export", NAME]).out;
    let revisions = exported.lines().filter(|line| line.contains("\"stored\"")).count();
    assert_eq!(revisions as u64, POSTS, "one of each");

    let percents = percents(&ran);
    assert!(percents.len() >= 4 && percents.is_sorted_by(|a, b| a < b), "{ran:?}");
}

/// What each line of standard error says is done.
fn percents(ran: &Ran) -> Vec<u64> {
    let percent = |line: &str| {
        assert!(line.contains(" left, at 20") && !line.contains('\u{1b}'), "{line}");
        let rest = line.strip_prefix(&format!("{NAME}: ")).unwrap();
        rest.split('%').next().unwrap().parse().unwrap()
    };
    ran.err.lines().map(percent).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on_and_asks_no_page_again_but_the_one_under_way() {
    for (signal, code) in [("INT", Some(1)), ("KILL", None)] {
        let upstream = archive();
        let program = program(&upstream, "requests_per_minute = 1200", "").await;
        let running = program.begin(&["backfill", NAME, "--all"]);
        until("five pages are asked for", || upstream.requests() >= 5);
        running.signal(signal);
        if signal == "INT" {
            running.wait_for("interrupted; the same command goes on from here");
        }
        assert_eq!(running.end(), code, "after SIG{signal}");
        let before = upstream.targets();
        assert!(before.len() < 25, "it was not interrupted: {before:?}");
        let so_far = stored(&program);
        assert_eq!(so_far, (so_far[0]..=POSTS).collect::<Vec<_>>());

        let ran = program.run(&["backfill", NAME, "--all"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(stored(&program), (1..=POSTS).collect::<Vec<_>>());
        let after = upstream.targets().split_off(before.len());
        let again: Vec<_> = after.iter().filter(|target| is_older(target) && before.contains(target)).collect();
        assert!(again.is_empty() || again == [before.last().unwrap()], "after SIG{signal} again: {again:?}");
        let once: BTreeSet<_> = before.into_iter().chain(after).filter(|target| is_older(target)).collect();
        assert_eq!(once, walk(1).into_iter().collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_is_where_it_stops_and_an_earlier_one_goes_on_from_there() {
    let upstream = archive();
    let program = program(&upstream, "requests_per_minute = 6000", "").await;
    for (day, first) in [(450, 441), (450, 441), (430, 421)] {
        // The whole day is wanted, so the post of the day before is the first that is not.
        let day = published(day).format("%Y-%m-%d").to_string();
        let ran = program.run(&["backfill", NAME, "--since", &day]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(stored(&program), (first..=POSTS).collect::<Vec<_>>());
        let older: Vec<_> = upstream.targets().into_iter().filter(|target| is_older(target)).collect();
        assert_eq!(older, walk(first), "since {day}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_date_it_goes_back_as_far_as_the_configuration_says() {
    let upstream = archive();
    let program = program(&upstream, "requests_per_minute = 600", "history = 200").await;
    let ran = program.run(&["backfill", NAME]);
    assert_eq!(ran.code, 0);
    assert_eq!(stored(&program), (401..=POSTS).collect::<Vec<_>>());
    assert!(percents(&ran).iter().any(|percent| *percent > 50), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_daemon_it_is_refused_and_says_what_to_do() {
    let upstream = archive();
    let program = program(&upstream, "", "").await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let ran = program.run(&["backfill", NAME, "--all"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (1, "", 1), "{ran:?}");
    assert!(ran.err.contains("in use by a running daemon") && ran.err.contains("history = \"all\""), "{ran:?}");
    assert_eq!(upstream.requests(), 1);
    assert_eq!(daemon.get(&format!("/{NAME}/rss.xml")).0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_amiss_last_time_is_asked_again() {
    let upstream = archive();
    let program = program(&upstream, "requests_per_minute = 6000", "").await;
    let trouble = [Trouble::Redirect(format!("https://t.me/{NAME}")), Trouble::Body(group(NAME))];
    upstream.world().next.extend(trouble);
    let ran = program.run(&["backfill", NAME, "--all"]);
    assert!(ran.code == 1 && ran.err.contains("this is a group"), "{ran:?}");
    let running = program.begin(&["backfill", NAME, "--all"]);
    until("it is asked again", || upstream.requests() > 2);
    assert_eq!(running.end(), Some(0));
    assert_eq!(stored(&program), (1..=POSTS).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_is_asked_again_without_waiting_for_the_next_poll() {
    for trouble in [Trouble::Status(500), Trouble::Unreachable, Trouble::Body(nobody(NAME)), Trouble::Body(no_posts())]
    {
        let upstream = archive();
        let other = upstream.listen().await;
        let hosts = format!("\", \"{}", other.as_str().trim_end_matches('/'));
        let program = program_at(&upstream, &hosts, "requests_per_minute = 1200", "").await;
        let running = program.begin(&["backfill", NAME, "--all"]);
        until("some pages are stored", || upstream.requests() >= 5);
        upstream.world().next.push_back(trouble.clone());
        until("it is done", || upstream.targets().contains(walk(1).last().unwrap()));
        assert_eq!(running.end(), Some(0), "{trouble:?}");
        assert_eq!(stored(&program), (1..=POSTS).collect::<Vec<_>>(), "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_explained() {
    let upstream = archive();
    let program = program(&upstream, "requests_per_minute = 1200", "").await;
    let running = program.begin(&["backfill", NAME, "--all"]);
    until("some pages are stored", || upstream.requests() >= 5);
    upstream.world().next.push_back(Trouble::RateLimited(Some(3600)));
    running.wait_for(&format!("{NAME}: upstream asks to wait"));
    running.signal("INT");
    assert_eq!(running.end(), Some(1));
}

/// A daemon that walks back while upstream goes on posting.
async fn in_the_background(history: &str, first: u64) {
    let upstream = archive();
    let requests_per_minute = 2400;
    let poll = format!("requests_per_minute = {requests_per_minute}\nfloor_seconds = 1\ninterval_seconds = 1");
    let program = program(&upstream, &poll, &format!("history = {history}")).await;
    let began = Instant::now();
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let (mut newest, mut beside) = (POSTS, 0);
    while !is_done(&daemon) {
        newest += 1;
        upstream.post(NAME, newest, "News", Utc::now());
        let posted = Instant::now();
        let guid = format!("https://t.me/{NAME}/{newest}");
        until("a new post is served", || daemon.get(&format!("/{NAME}/feed.json")).1.contains(&guid));
        assert!(posted.elapsed() < Duration::from_secs(5), "a new post came after {:?}", posted.elapsed());
        beside += usize::from(!is_done(&daemon));
        assert!(began.elapsed() < BOUND, "history = {history} is not done");
    }
    let share = began.elapsed().as_secs_f64() * f64::from(requests_per_minute) / 60.0 / 4.0;
    let older: Vec<_> = upstream.targets().into_iter().filter(|target| is_older(target)).collect();
    assert_eq!(older, walk(first), "history = {history}");
    // One is free, and one may have been let go since.
    assert!(older.len() as f64 <= share + 2.0, "{} older pages, of {share} allowed", older.len());
    assert!(beside >= 1, "no new post came while it walked");
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(stored(&program), (first..=newest).collect::<Vec<_>>());
}

fn is_done(daemon: &Daemon) -> bool {
    let health: Value = serde_json::from_str(&daemon.get("/health").1).unwrap();
    health["channels"][0]["history"]["done"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_fetches_all_of_a_history_while_new_posts_are_on_time() {
    in_the_background("\"all\"", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_fetches_as_much_of_a_history_as_an_age_says() {
    // The post of 365 days ago is number 235.
    in_the_background("\"1y\"", 221).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_fetches_as_many_posts_of_a_history_as_a_number_says() {
    in_the_background("500", 101).await;
}
