//! What each key means, what it may be, and what it is when it is not given.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use toml::de::DeTable;
use url::{Host, Url};

use super::{
    ChannelConfig, Config, FeedSpec, Hub, OpenIn, OwnHub, Poll, Problem, Server, StoreConfig, Upstream,
    access::access,
    environment::{self, Environment},
    limits::{limits, trusted_proxies},
    media::media,
    named::{filter, named_feed},
    on_demand::on_demand,
    section::{Document, Section, Sources, Word},
};
use crate::{
    feed::{Deleted, Filter, Labels, LinkTarget, Settings, Spoilers},
    model::{ChannelName, History},
    schedule::Policy,
};

/// First parts of addresses that are the server's own, below which there is more than one page.
const RESERVED_NAMES: [&str; 1] = ["status"];

const DEFAULT_HOSTS: [&str; 3] = ["https://t.me", "https://telegram.me", "https://telegram.dog"];

pub fn config(text: &str, environment: &Environment) -> Result<(Config, Sources), Vec<Problem>> {
    let document = Document::new(text, environment);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            document.report(error.span().map_or(0, |span| span.start), String::new(), error.message().to_owned());
            return Err(document.into_problems().err().unwrap_or_default());
        }
    };
    let config = whole(Section::root(&document, &table), document.listed(environment::CHANNELS));
    document.finish(&[environment::CHANNELS]);
    document.into_problems().map(|sources| (config, sources))
}

/// `more` are channels beside those of the file.
fn whole(root: Section<'_>, more: Vec<Word<'_>>) -> Config {
    let server = server(root.section("server"));
    let store = store(root.section("store"));
    let limits = limits(root.section("limits"));
    let access = access(root.section("access"));
    let upstream = upstream(root.section("upstream"));
    let poll = poll(root.section("poll"), &upstream);
    let on_demand = on_demand(root.section("on_demand"), &server, &access);
    let media = media(root.section("media"), &server, &store);
    let open_in = open_in(root.section("open_in"));
    let hub = hub(root.section("hub"));
    let defaults = root.section("defaults");
    let settings = settings(&defaults, Settings::default());
    let default_history = history(&defaults, History::default());
    defaults.finish();
    let mut channels = Vec::new();
    let mut feeds = Vec::new();
    let (mut names, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for section in root.sections("channel") {
        if let Some((channel, feed)) = channel(section, &settings, default_history, &mut names, &mut kept) {
            channels.push(channel);
            feeds.push(feed);
        }
    }
    for name in more_channels(&root, &more, &mut names) {
        feeds.push(plain(name.clone(), settings.clone()));
        channels.push(ChannelConfig { name, history: default_history });
    }
    for section in root.sections("feed") {
        if let Some(feed) = named_feed(section, &settings, &feeds) {
            let more = feed.channels.iter().filter(|name| names.insert((*name).clone()));
            channels.extend(more.map(|name| ChannelConfig { name: name.clone(), history: default_history }));
            feeds.push(feed);
        }
    }
    root.finish();
    feeds.iter_mut().for_each(|feed| feed.ttl_minutes = poll.policy.least_minutes());
    let (defaults, history) = (settings, default_history);
    Config {
        server,
        store,
        limits,
        access,
        upstream,
        poll,
        on_demand,
        media,
        kept,
        open_in,
        hub,
        defaults,
        history,
        channels,
        feeds,
    }
}

fn server(section: Section<'_>) -> Server {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    if let Some(word) = section.text("listen") {
        match word.text.parse() {
            Ok(address) => listen = address,
            Err(_) => section.refuse(&word, "must be an address and a port, as in 127.0.0.1:8080 or [::1]:8080".into()),
        }
    }
    let public_url =
        address(&section, "public_url", "feeds.example.org/telegram").unwrap_or_else(|| format!("http://{listen}"));
    let shelf_bytes = section.integer("shelf_bytes", 1 << 20..=1 << 40).unwrap_or(64 << 20);
    let robots = section.boolean("robots").unwrap_or(false);
    let trusted_proxies = trusted_proxies(&section);
    section.finish();
    Server { listen, public_url, shelf_bytes, robots, trusted_proxies }
}

fn open_in(section: Section<'_>) -> OpenIn {
    let open_in = OpenIn {
        miniflux: address(&section, "miniflux", "miniflux.example.org"),
        freshrss: address(&section, "freshrss", "freshrss.example.org"),
    };
    section.finish();
    open_in
}

/// Of a server that people reach; `example` is one, without its scheme.
fn address(section: &Section<'_>, key: &'static str, example: &str) -> Option<String> {
    let word = section.text(key)?;
    let address = public_address(word.text);
    if address.is_none() {
        section.refuse(&word, format!("must be an http or https address without a query, as in https://{example}"));
    }
    address
}

fn public_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn store(section: Section<'_>) -> StoreConfig {
    let path = match section.text("path") {
        Some(word) if word.text.is_empty() => {
            section.refuse(&word, "must name a directory".into());
            "data".into()
        }
        Some(word) => word.text.into(),
        None => "data".into(),
    };
    let segment_bytes = section.integer("segment_bytes", 4096..=1 << 30).unwrap_or(32 << 20);
    section.finish();
    StoreConfig { path, segment_bytes }
}

fn upstream(section: Section<'_>) -> Upstream {
    let mut hosts = Vec::new();
    match section.texts("hosts") {
        None => hosts.extend(DEFAULT_HOSTS.iter().filter_map(|host| Url::parse(host).ok())),
        Some(words) => {
            for word in &words {
                hosts.extend(host(&section, word));
            }
            if words.is_empty() {
                section.refuse_section("hosts must name at least one host".into());
            }
        }
    }
    let proxies = proxies(&section);
    let spread = section.boolean("spread").unwrap_or(false);
    section.finish();
    Upstream { hosts, proxies, spread }
}

fn proxies(section: &Section<'_>) -> Vec<Url> {
    let words = section.text_or_texts("proxy").unwrap_or_default();
    words.iter().filter_map(|word| proxy(section, word)).collect()
}

fn proxy(section: &Section<'_>, word: &Word<'_>) -> Option<Url> {
    let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let url = Url::parse(word.text).ok().filter(|url| {
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        bare && schemes.contains(&url.scheme()) && url.has_host()
    });
    if url.is_none() {
        // What was written may hold a password.
        section.refuse_quietly(
            word,
            "must be SCHEME://[USER:PASSWORD@]HOST:PORT with http or socks5h, for example".into(),
        );
    }
    url
}

fn host(section: &Section<'_>, word: &Word<'_>) -> Option<Url> {
    let url = Url::parse(word.text).ok().filter(|url| {
        let encrypted = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        encrypted && url.has_host() && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
    });
    if url.is_none() {
        section.refuse(
            word,
            "must be https://HOST, or http://HOST:PORT on a loopback address, without a path, as in https://t.me"
                .into(),
        );
    }
    url
}

/// Whether `url` leads to this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn poll(section: Section<'_>, upstream: &Upstream) -> Poll {
    // Real hosts are asked politely; a stand-in on this machine may be asked every second.
    let least = if upstream.hosts.iter().all(is_loopback) { 1 } else { 60 };
    let longest = 7 * 24 * 3600;
    let policy = Policy::default();
    let seconds =
        |key, least, default: Duration| section.integer(key, least..=longest).map_or(default, Duration::from_secs);
    let floor = seconds("floor_seconds", least, policy.floor);
    let ceiling = seconds("ceiling_seconds", least, policy.ceiling);
    if floor > ceiling {
        section.refuse_section("floor_seconds must not be above ceiling_seconds".to_owned());
    }
    let requests = section.integer("requests_per_minute", 1..=6000);
    let policy = Policy {
        requests_per_minute: requests.map_or(policy.requests_per_minute, |n| n as u32),
        floor,
        ceiling,
        fixed_interval: section.integer("interval_seconds", least..=longest).map(Duration::from_secs),
        ..policy
    };
    section.finish();
    Poll { policy }
}

fn hub(section: Section<'_>) -> Hub {
    let enabled = section.boolean("enabled").unwrap_or(false);
    let most = |key, default| section.integer(key, 1..=1_000_000).map_or(default, |n| n as usize);
    let own = OwnHub {
        subscriptions_per_topic: most("subscriptions_per_topic", 1000),
        subscriptions_per_host: most("subscriptions_per_host", 100),
        allow_private_callbacks: section.boolean("allow_private_callbacks").unwrap_or(false),
    };
    let mut hub = if enabled { Hub::Own(own) } else { Hub::Off };
    if let Some(word) = section.text("url") {
        match Url::parse(word.text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            None => section.refuse(&word, "must be an http or https address, as in https://hub.example.org/".into()),
            Some(_) if enabled => {
                section.refuse(&word, "is of a hub elsewhere; leave it out, or set enabled = false".into());
            }
            Some(url) => hub = Hub::Outside(url),
        }
    }
    section.finish();
    hub
}

fn channel(
    section: Section<'_>,
    defaults: &Settings,
    history_default: History,
    names: &mut BTreeSet<ChannelName>,
    kept: &mut BTreeSet<ChannelName>,
) -> Option<(ChannelConfig, FeedSpec)> {
    let settings = settings(&section, defaults.clone());
    let history = history(&section, history_default);
    let filter = filter(&section);
    let title = section.text("title").map(|word| word.text.to_owned());
    let is_kept = section.choice("keep", &[("forever", true)]).is_some();
    let name = section.required_text("name").and_then(|word| match word.text.parse::<ChannelName>() {
        Err(error) => {
            section.refuse(&word, error.reason());
            None
        }
        Ok(name) if RESERVED_NAMES.contains(&name.key().as_str()) => {
            section.refuse(&word, "is an address of the server's own".to_owned());
            None
        }
        Ok(name) if !names.insert(name.clone()) => {
            section.refuse(&word, "is there already; each channel once".to_owned());
            None
        }
        Ok(name) => {
            section.enter(&word);
            Some(name)
        }
    });
    section.finish();
    let name = name?;
    kept.extend(is_kept.then(|| name.clone()));
    let feed = FeedSpec { title, filter, ..plain(name.clone(), settings) };
    Some((ChannelConfig { name, history }, feed))
}

/// The feed of a channel of which nothing is said.
pub fn plain(name: ChannelName, settings: Settings) -> FeedSpec {
    FeedSpec {
        name: name.to_string(),
        title: None,
        channels: vec![name],
        filter: Filter::default(),
        settings,
        ttl_minutes: 0,
    }
}

/// Those of `words` that are not among `names` yet.
fn more_channels(root: &Section<'_>, words: &[Word<'_>], names: &mut BTreeSet<ChannelName>) -> Vec<ChannelName> {
    let mut more = Vec::new();
    for word in words {
        match word.text.parse::<ChannelName>() {
            Err(error) => root.refuse(word, error.reason()),
            Ok(name) if RESERVED_NAMES.contains(&name.key().as_str()) => {
                root.refuse(word, "is an address of the server's own".to_owned());
            }
            Ok(name) if names.insert(name.clone()) => {
                root.enter(word);
                more.push(name);
            }
            Ok(_) => {}
        }
    }
    more
}

fn history(section: &Section<'_>, default: History) -> History {
    if !section.is_text("history") {
        return section.integer("history", 1..=u64::from(u32::MAX)).map_or(default, History::Posts);
    }
    let Some(word) = section.text("history") else { return default };
    History::from_words(word.text).unwrap_or_else(|| {
        section
            .refuse(&word, "must be \"all\", \"none\", an age such as \"90d\", \"6m\" or \"1y\", or a number".into());
        default
    })
}

/// What can be said in `[defaults]` for all feeds and again for one.
pub fn settings(section: &Section<'_>, base: Settings) -> Settings {
    Settings {
        posts: section.integer("posts", 1..=1000).map_or(base.posts, |n| n as usize),
        bytes: section.integer("bytes", 10_000..=64 << 20).map_or(base.bytes, |n| n as usize),
        title_length: section.integer("title_length", 0..=1000).map_or(base.title_length, |n| n as usize),
        title_symbol: section.boolean("title_symbol").unwrap_or(base.title_symbol),
        labels: section
            .choice(
                "labels",
                &[("symbols", Labels::Symbols), ("english", Labels::English), ("russian", Labels::Russian)],
            )
            .unwrap_or(base.labels),
        spoilers: section
            .choice("spoilers", &[("details", Spoilers::Details), ("text", Spoilers::Text)])
            .unwrap_or(base.spoilers),
        reactions: section.boolean("reactions").unwrap_or(base.reactions),
        deleted: section
            .choice("deleted", &[("keep", Deleted::Keep), ("drop", Deleted::Drop), ("announce", Deleted::Announce)])
            .unwrap_or(base.deleted),
        link: section
            .choice("link", &[("post", LinkTarget::Post), ("preview", LinkTarget::Preview)])
            .unwrap_or(base.link),
        merge_seconds: section.integer("merge_seconds", 0..=3600).map_or(base.merge_seconds, |n| n as u32),
    }
}
