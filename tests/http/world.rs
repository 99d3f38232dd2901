//! Two channels, three feeds, and a reader that asks for them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use feedbridge::{
    config::{Config, FeedSpec, Server, Tokens},
    feed::{Filter, Settings},
    metrics::Metrics,
    model::{Change, ChangeKind, Channel, ChannelId, ChannelInfo, Inline, Part, Post, PostId, Stored, Time},
    serve::{Site, handle},
    status::{Board, State, Status},
    store::{Batch, Store},
};
use http_body_util::BodyExt;
use hyper::{HeaderMap, Method, Request};

use crate::memory::Memory;

/// In this order in the board and in the configuration.
pub const ALPHA: ChannelId = ChannelId(1_000_000_001);
pub const BETA: ChannelId = ChannelId(1_000_000_002);
pub const RSS: &str = "/Alpha/rss.xml";
pub const DOCUMENTS: [&str; 3] = ["/Alpha/rss.xml", "/Alpha/atom.xml", "/Alpha/feed.json"];
/// Items in a feed, at most.
pub const POSTS: usize = 5;

pub struct World {
    pub site: Arc<Site>,
    pub store: Arc<Memory>,
    pub board: Arc<Board>,
}

/// 8 March 2024, 12:00, and so many minutes.
pub fn minute(minutes: i64) -> Time {
    DateTime::from_timestamp(1_709_899_200, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn spec(name: &str, channels: &[&str]) -> FeedSpec {
    FeedSpec {
        name: name.to_owned(),
        title: None,
        channels: channels.iter().map(|name| name.parse().unwrap()).collect(),
        filter: Filter::default(),
        settings: Settings { posts: POSTS, ..Settings::default() },
        ttl_minutes: 10,
    }
}

pub fn config() -> Config {
    let shipped = Config::shipped();
    let public_url = "https://feeds.example".to_owned();
    Config {
        server: Server { public_url, shelf_bytes: 1 << 20, ..shipped.server },
        feeds: vec![spec("Alpha", &["Alpha"]), spec("beta", &["beta"]), spec("both", &["Alpha", "beta"])],
        ..shipped
    }
}

/// Nothing stored, nothing polled.
pub fn empty() -> World {
    over(Arc::new(Memory::default()), config())
}

/// Another process over the same store.
pub fn over(store: Arc<Memory>, config: Config) -> World {
    build(store, config, None)
}

/// As [`world`], for those who know a token.
pub fn guarded(tokens: Tokens) -> World {
    build(world().store, config(), Some(tokens))
}

fn build(store: Arc<Memory>, config: Config, tokens: Option<Tokens>) -> World {
    let board = Arc::new(Board::new(["Alpha", "beta"].map(|name| name.parse().unwrap())));
    let metrics = Arc::new(Metrics::new(minute(0)));
    let site = Site::new(Arc::new(config), store.clone(), board.clone(), metrics).with_tokens(tokens);
    World { site: Arc::new(site), store, board }
}

/// Alpha holds the posts 1, 2 and 3.
pub fn world() -> World {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    for id in 1..=3 {
        world.publish(ALPHA, id, &format!("post number {id}"));
    }
    world
}

impl World {
    pub fn add_channel(&self, id: ChannelId, name: &str) {
        let channel = Channel {
            id,
            name: name.parse().unwrap(),
            slug: name.to_owned(),
            current_slug: name.to_owned(),
            info: ChannelInfo {
                title: format!("The {name} & Co"),
                description: format!("All of {name}"),
                ..ChannelInfo::default()
            },
            first_seen: minute(0),
            info_seen: minute(0),
            names: Vec::new(),
        };
        self.store.commit(minute(0), Batch { channel: Some(channel), ..Batch::default() }).unwrap();
    }

    /// The post `id` is published and stored at minute `id`.
    pub fn publish(&self, channel: ChannelId, id: u64, text: &str) {
        self.change(channel, ChangeKind::New, minute(id as i64), stored(id, text));
    }

    /// As [`World::publish`], of any post.
    pub fn keep(&self, channel: ChannelId, stored: Stored) {
        self.change(channel, ChangeKind::New, stored.published, stored);
    }

    /// The post reads differently from `minutes` on.
    pub fn edit(&self, channel: ChannelId, id: u64, text: &str, minutes: i64) {
        let edited = Stored { updated: minute(minutes), revisions: 2, ..stored(id, text) };
        self.change(channel, ChangeKind::Edited, minute(minutes), edited);
    }

    pub fn change(&self, channel: ChannelId, kind: ChangeKind, at: Time, stored: Stored) {
        let changes = vec![Change { kind, channel, stored }];
        self.store.commit(at, Batch { changes, ..Batch::default() }).unwrap();
    }

    /// Something that is durable and no post.
    pub fn note(&self, state: (String, Option<serde_json::Value>)) {
        self.store.commit(minute(0), Batch { states: vec![state], ..Batch::default() }).unwrap();
    }

    /// After its first poll, and one minute later for each further state.
    pub fn set_state(&self, name: &str, state: State) {
        let name = name.parse().unwrap();
        let before = self.board.get(&name).unwrap_or_default();
        let since = before.since.map_or(minute(10), |since| since + TimeDelta::minutes(1));
        let last_success = if state.is_fine() { Some(since) } else { before.last_success };
        self.board.set(&name, Status { state, since: Some(since), last_success, last_attempt: Some(since), ..before });
    }

    pub async fn get(&self, target: &str) -> Reply {
        self.get_with(target, &[]).await
    }

    pub async fn get_with(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        self.ask(Method::GET, target, fields).await
    }

    pub async fn ask(&self, method: Method, target: &str, fields: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(target).header("Host", "feeds.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, body) = handle(&self.site, request.body(String::new()).unwrap()).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// A post of one line, published at minute `id`.
pub fn stored(id: u64, text: &str) -> Stored {
    let post = Post {
        published: Some(minute(id as i64)),
        parts: vec![Part::Text(vec![Inline::Text(text.to_owned())])],
        ..Post::new(PostId(id))
    };
    let published = minute(id as i64);
    Stored {
        post,
        published,
        updated: published,
        first_seen: published,
        renewed: published,
        sequence: 0,
        revisions: 1,
        deleted: None,
        readings: Vec::new(),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// The field's value, "" when it is missing.
    pub fn field(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it is an error as readers and caches want it.
    pub fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status);
        assert_eq!(self.field("content-type"), "application/problem+json");
        assert_eq!(self.field("cache-control"), "no-store");
        assert_eq!(self.field("x-content-type-options"), "nosniff");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(["type", "title", "detail"].iter().all(|member| problem[member].is_string()), "{problem}");
    }
}
