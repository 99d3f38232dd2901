//! `feedbridge backfill`: walks back through one channel in the foreground, with the poller that the daemon runs.

use std::{pin::pin, sync::Arc, time::Duration};

use chrono::{NaiveDate, NaiveTime};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use tokio::{runtime, signal::ctrl_c, sync::oneshot, time::sleep};

use super::foreground::poller;
use crate::{
    clock::Clock,
    config::{ChannelConfig, Config},
    daemon::{Failure, store_config},
    model::{ChannelName, History, Time},
    status::{Board, HostStatus, Progress, State},
    store::{self, Error, Handle, Store},
};

/// How often the bar moves.
const GLANCE: Duration = Duration::from_millis(250);

pub fn run(config: &Config, name: &ChannelName, since: Option<NaiveDate>, all: bool) -> Result<(), Failure> {
    let wanted = wanted(config, name, since, all);
    let store: Arc<dyn Store> = open(config, name)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let result = runtime.block_on(walk(config, name, wanted, Handle::new(Arc::clone(&store))));
    store.close().map_err(|error| error.to_string())?;
    result
}

fn wanted(config: &Config, name: &ChannelName, since: Option<NaiveDate>, all: bool) -> History {
    let configured = config.channels.iter().find(|channel| channel.name == *name).map(|channel| channel.history);
    match (since, configured) {
        (Some(day), _) => History::Since(day.and_time(NaiveTime::MIN).and_utc()),
        (None, Some(history)) if !all && history != History::None => history,
        (None, _) => History::All,
    }
}

fn open(config: &Config, name: &ChannelName) -> Result<Arc<dyn Store>, Failure> {
    let opened = store::open(&store_config(config)).map(|(store, _)| store);
    opened.map_err(|error| match error {
        Error::Locked(path) => format!(
            "the store {path} is in use by a running daemon, which can do this itself: write history = \"all\" under \
             the [[channel]] of {name} and restart it, or stop it and try again"
        ),
        error => error.to_string(),
    })
}

async fn walk(config: &Config, name: &ChannelName, wanted: History, store: Handle) -> Result<(), Failure> {
    let clock = Clock::system();
    let board = Arc::new(Board::new([name.clone()]));
    let channel = ChannelConfig { name: name.clone(), history: wanted };
    let poller = poller(config, channel, store.clone(), &board, Arc::default())?;
    let mut bar = Bar::new(name, wanted, clock.wall());
    let (stop, stopped) = oneshot::channel::<()>();
    let polling = tokio::spawn(poller.run(async move { drop(stopped.await) }));
    let mut interrupted = pin!(ctrl_c());
    let result = loop {
        let status = board.get(name).unwrap_or_default();
        // What was amiss when the channel was last polled need not be so now.
        let is_of_now = status.last_attempt >= Some(bar.started);
        let trouble = status.last_error.clone().filter(|_| is_of_now && !status.state.is_fine());
        let history = status.history.filter(|_| status.history != bar.shown);
        if let Some(progress) = history {
            bar.advance(progress, stored(name, &store).await);
        }
        bar.show(trouble.or_else(|| no_way(&board.hosts())));
        if status.history.is_some_and(|history| history.done) {
            break Ok(());
        }
        if is_of_now && is_hopeless(status.state) {
            break Err(format!("{name}: {}", status.last_error.unwrap_or_else(|| status.state.as_str().to_owned())));
        }
        tokio::select! {
            _ = &mut interrupted => break Err("interrupted; the same command goes on from here".to_owned()),
            () = sleep(GLANCE) => {}
        }
    };
    drop(stop);
    polling.await.map_err(|error| error.to_string())?;
    bar.end(name, stored(name, &store).await, board.get(name).unwrap_or_default().history);
    result
}

/// Whether waiting does not help.
fn is_hopeless(state: State) -> bool {
    !state.is_fine() && !matches!(state, State::RateLimited | State::UpstreamError | State::Unreachable | State::Drift)
}

/// Why nobody can be asked at present; None if somebody can.
fn no_way(hosts: &[HostStatus]) -> Option<String> {
    let is_free = |host: &HostStatus| host.breaker != "open";
    if hosts.iter().any(is_free) { None } else { hosts.iter().find_map(|host| host.error.clone()) }
}

/// How many posts of the channel are stored.
async fn stored(name: &ChannelName, store: &Handle) -> u64 {
    let name = name.clone();
    let channel = store.run(move |store| store.channel(&name)).await;
    channel.ok().and_then(Result::ok).flatten().map_or(0, |channel| store.head(channel.id).posts)
}

/// A bar for a person who watches standard error, else a line for each percent and for each reason to wait. Counts time
/// back to a day, posts up to a number, else posts' numbers back to the first.
struct Bar {
    bar: ProgressBar,
    wanted: History,
    started: Time,
    shown: Option<Progress>,
    /// The last percent and the last trouble that a line told of.
    told: (u64, Option<String>),
}

impl Bar {
    fn new(name: &ChannelName, wanted: History, started: Time) -> Self {
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent}%, {eta} left, {msg}");
        let style = style.expect("the template is well formed");
        let bar = ProgressBar::new(0).with_style(style).with_prefix(name.to_string());
        Self { bar, wanted, started, shown: None, told: (0, None) }
    }

    fn advance(&mut self, progress: Progress, posts: u64) {
        self.shown = Some(progress);
        let Progress { oldest: Some(oldest), before: Some(before), .. } = progress else { return };
        // What is left now; the most that ever was is the length.
        let left = match (self.wanted.since(self.started), self.wanted) {
            (Some(since), _) => u64::try_from((oldest - since).num_seconds()).unwrap_or(0),
            (None, History::Posts(count)) => count.saturating_sub(posts),
            (None, _) => before.0.saturating_sub(1),
        };
        if self.bar.length() == Some(0) {
            self.bar.set_length(left);
            self.bar.reset_eta();
        }
        self.bar.set_position(self.bar.length().unwrap_or(left).saturating_sub(left));
        self.bar.set_message(oldest.format("at %Y-%m-%d").to_string());
    }

    fn show(&mut self, trouble: Option<String>) {
        // Before the first page nobody knows how much is left: of nothing, all would be done.
        if self.shown.is_none() && trouble.is_none() {
            return;
        }
        if let Some(trouble) = &trouble {
            self.bar.set_message(trouble.clone());
        }
        self.bar.tick();
        if self.bar.is_hidden() {
            self.tell(trouble);
        }
    }

    fn tell(&mut self, trouble: Option<String>) {
        let (name, message) = (self.bar.prefix(), self.bar.message());
        let percent = self.bar.position() * 100 / self.bar.length().unwrap_or(0).max(1);
        match &trouble {
            Some(trouble) if self.told.1.as_ref() != Some(trouble) => eprintln!("{name}: {trouble}"),
            None if percent > self.told.0 => {
                eprintln!("{name}: {percent}%, {:#} left, {message}", HumanDuration(self.bar.eta()));
                self.told.0 = percent;
            }
            _ => {}
        }
        self.told.1 = trouble;
    }

    fn end(&self, name: &ChannelName, posts: u64, progress: Option<Progress>) {
        self.bar.finish_and_clear();
        let oldest = progress.and_then(|progress| progress.oldest);
        let oldest = oldest.map_or_else(|| "none".to_owned(), |oldest| oldest.format("%Y-%m-%d %H:%M UTC").to_string());
        println!("{name}: {posts} posts stored, the oldest of {oldest}");
    }
}
