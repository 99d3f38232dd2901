//! Lists of subscriptions (OPML), and the channels that addresses of feeds stand for. Text in, values out.

use std::fmt;

use percent_encoding::percent_decode_str;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use url::{Host, Url};

use crate::model::{ChannelName, InvalidName, own_path};

const TELEGRAM: [&str; 3] = ["t.me", "telegram.me", "telegram.dog"];
const FILES: [&str; 3] = ["rss.xml", "atom.xml", "feed.json"];

/// Query keys that only pyrogram-bridge has.
const BRIDGES_KEYS: [&str; 3] = ["exclude_flags", "exclude_text", "merge_seconds"];

/// Of RSSHub and pyrogram-bridge: what leaves posts out begins so.
const CHOICES: [&str; 6] = ["searchQuery=", "includeFwd=", "includeReply=", "includeServiceMsg=", "filter", "exclude_"];

/// A name that is shorter is rather a newspaper's section: Telegram gives such names away at auctions alone.
const USUAL_NAME: usize = 5;

/// One feed of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub title: String,
    /// The address of the feed; empty when the list does not say.
    pub feed: String,
    /// The address of the page that it belongs to; empty when the list does not say.
    pub page: String,
}

/// The text of a file: UTF-8, or UTF-16 of either order, with its mark or without. What is neither is replaced.
pub fn decode(bytes: &[u8]) -> String {
    let units = |order: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
        [b'<', 0, ..] => units(u16::from_le_bytes, bytes),
        [0, b'<', ..] => units(u16::from_be_bytes, bytes),
        _ => String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned(),
    }
}

/// All that an OPML document lists, folders aside: what has no address, too.
pub fn read(text: &str) -> Result<Vec<Subscription>, String> {
    let mut reader = Reader::from_str(text);
    let (mut found, mut is_opml, mut depth) = (Vec::new(), false, 0_usize);
    // Whether the last one found has no address and is not closed yet: what it holds makes it a folder.
    let mut may_be_folder = false;
    loop {
        let event = reader.read_event();
        let event = event.map_err(|error| format!("it is no XML at byte {}: {error}", reader.error_position()))?;
        let is_open = matches!(event, Event::Start(_));
        depth += usize::from(is_open);
        match event {
            Event::Start(element) | Event::Empty(element) => match element.name().as_ref().to_ascii_lowercase() {
                name if name == b"opml" => is_opml = true,
                name if name == b"outline" => {
                    found.truncate(found.len() - usize::from(may_be_folder));
                    let subscription = subscription(&element);
                    may_be_folder = is_open && subscription.has_no_address();
                    found.push(subscription);
                }
                _ => {}
            },
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                may_be_folder = false;
            }
            Event::Eof if depth > 0 => return Err("it is no XML: it ends too soon".to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    if is_opml { Ok(found) } else { Err("it is XML, but not OPML".to_owned()) }
}

/// Attributes are known by their names in any case, for programs spell them as they like, and addresses are read with
/// their `&` escaped or not.
fn subscription(outline: &BytesStart<'_>) -> Subscription {
    let attribute = |name: &str| {
        let mut attributes = outline.html_attributes();
        let named = attributes.with_checks(false).flatten();
        let named = named.filter(|attribute| attribute.key.as_ref().eq_ignore_ascii_case(name.as_bytes()));
        let mut values = named.map(|attribute| {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map(|value| value.trim().to_owned());
            value.unwrap_or_else(|_| String::from_utf8_lossy(&attribute.value).trim().replace("&amp;", "&"))
        });
        values.find(|value| !value.is_empty())
    };
    Subscription {
        feed: attribute("xmlUrl").or_else(|| attribute("url")).unwrap_or_default(),
        title: attribute("title").or_else(|| attribute("text")).unwrap_or_default(),
        page: attribute("htmlUrl").unwrap_or_default(),
    }
}

impl Subscription {
    /// The channel that the feed is made of, as its address or its page's tells. `own` is this daemon's public address.
    pub fn channel(&self, own: &str) -> Option<ChannelName> {
        let title = self.has_no_address().then_some(&self.title);
        [&self.feed, &self.page].into_iter().chain(title).find_map(|address| channel(&parsed(address)?, own))
    }

    /// The channel that it would be of, were the address a bridge's: `/rss/NAME` is one of newspapers, too.
    pub fn guess(&self) -> Option<ChannelName> {
        let url = parsed(&self.feed).filter(|_| self.page.is_empty())?;
        let mut segments = url.path_segments()?;
        let is_like = ["rss", "json"].contains(&segments.next()?);
        let name: ChannelName = segments.next()?.parse().ok()?;
        let is_all = segments.all(str::is_empty);
        (is_like && is_all && name.as_str().len() >= USUAL_NAME).then_some(name)
    }

    /// Whether its address leaves posts of the channel out.
    pub fn chooses(&self) -> bool {
        let is_choice = |word: &str| CHOICES.iter().any(|choice| word.starts_with(choice));
        self.feed.split(['/', '?', '&']).any(is_choice)
    }

    fn has_no_address(&self) -> bool {
        self.feed.is_empty() && self.page.is_empty()
    }
}

/// The channel that a person means: by its name, by an address on Telegram, or by that of a feed anywhere.
pub fn meant(words: &str, own: &str) -> Result<ChannelName, InvalidName> {
    let subscription = Subscription { title: String::new(), feed: words.to_owned(), page: String::new() };
    words.parse().or_else(|error| subscription.channel(own).ok_or(error))
}

impl fmt::Display for Subscription {
    /// In one line, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = if self.feed.is_empty() { &self.page } else { &self.feed };
        let shown = format!("{} {address}", self.title);
        f.write_str(&shown.trim().replace(char::is_control, " "))
    }
}

/// With a scheme of readers (`feed:`) and without any, too.
fn parsed(address: &str) -> Option<Url> {
    let address = address.trim();
    let address = address.strip_prefix("feed:").unwrap_or(address);
    Url::parse(address).or_else(|_| Url::parse(&format!("https://{}", address.trim_start_matches('/')))).ok()
}

fn channel(url: &Url, own: &str) -> Option<ChannelName> {
    let segments: Vec<String> = url.path_segments().into_iter().flatten().map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if let Some(found) = on_telegram(url, &segments) {
        return found;
    }
    by_bridge(url, &segments).or_else(|| by_feedbridge(url, &segments, own)).or_else(|| within(url))
}

/// `Some(None)` for an address of Telegram's that is no channel.
fn on_telegram(url: &Url, segments: &[&str]) -> Option<Option<ChannelName>> {
    if url.scheme() == "tg" {
        return Some(parameter(url, "domain").and_then(|name| name.parse().ok()));
    }
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    if let Some(name) = host.strip_suffix(".t.me") {
        return Some(name.parse().ok());
    }
    let name = match segments {
        _ if !TELEGRAM.contains(&host) => return None,
        ["s", name, ..] => name,
        [name, ..] if own_path(name).is_none() => name,
        _ => return Some(None),
    };
    Some(name.parse().ok())
}

/// RSSHub, RSS-Bridge, tg.i-c-a.su, pyrogram-bridge and tgfeed, whatever host they run on.
fn by_bridge(url: &Url, segments: &[&str]) -> Option<ChannelName> {
    let by_bridge = parameter(url, "bridge").filter(|bridge| bridge.to_lowercase().contains("telegram"));
    if by_bridge.is_some() {
        return parameter(url, "username").and_then(|name| name.parse().ok());
    }
    let handle = parameter(url, "username").filter(|name| name.starts_with('@'));
    let name = match segments {
        ["channel", name, ..] if url.scheme() == "rsshub" && url.host_str() == Some("telegram") => bare(name),
        [.., "telegram", "channel", name] | [.., "telegram", "channel", name, _] => bare(name),
        ["rss" | "json" | "atom" | "html", name, ..] if is_of_bridge(url, segments) => name,
        _ => return handle.and_then(|name| name.parse().ok()),
    };
    name.parse().ok()
}

/// Older instances of RSSHub name the format as a file does.
fn bare(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// `/rss/NAME` is an address of newspapers, too, so more must speak for a bridge: its host, a number or a token behind
/// the name, or a query key that only bridges have.
fn is_of_bridge(url: &Url, segments: &[&str]) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_known = host == "tg.i-c-a.su" || host.split(['.', '-']).any(|label| ["tg", "telegram"].contains(&label));
    let has_number = |text: &str| {
        let is_token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_token && text.bytes().any(|byte| byte.is_ascii_digit())
    };
    let behind = matches!(segments, [_, _, rest] if has_number(rest));
    is_known || behind || url.query_pairs().any(|(key, _)| BRIDGES_KEYS.contains(&&*key))
}

/// `/NAME/atom.xml` is a common address, so only this daemon's own and those of the machine itself count.
fn by_feedbridge(url: &Url, segments: &[&str], own: &str) -> Option<ChannelName> {
    let is_loopback = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    let is_own = url.as_str().strip_prefix(own).is_some_and(|rest| rest.starts_with('/'));
    match segments {
        [.., name, file] if (is_own || is_loopback) && FILES.contains(file) => name.parse().ok(),
        _ => None,
    }
}

/// An address of Telegram's inside another one, as services have it that make feeds of any page.
fn within(url: &Url) -> Option<ChannelName> {
    let text = decoded(url.as_str().split_once(url.host_str()?)?.1);
    let begins = |host: &&str| {
        let at = text.find(&format!("{host}/"))?;
        text[..at].ends_with(['/', '=', '.']).then_some(at)
    };
    let at = TELEGRAM.iter().filter_map(begins).min()?;
    let address = text[at..].split('&').next()?;
    let inner = Url::parse(&format!("https://{address}")).ok()?;
    let segments: Vec<&str> = inner.path_segments()?.collect();
    on_telegram(&inner, &segments)?
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(address: &str) -> Option<String> {
        let feed = Subscription { title: String::new(), feed: address.to_owned(), page: String::new() };
        feed.channel("https://feeds.example.org/tg").map(|name| name.to_string())
    }

    #[test]
    fn a_channel_is_known_by_the_address_of_any_of_its_feeds() {
        for address in [
            "https://t.me/s/kettle",
            "http://www.telegram.me/kettle",
            "https://telegram.dog/s/kettle?before=5",
            "https://t.me/kettle/15",
            "https://kettle.t.me/",
            "tg://resolve?domain=kettle",
            "https://rsshub.app/telegram/channel/kettle",
            "https://hub.example.org/base/telegram/channel/kettle?limit=5",
            "https://rsshub.app/telegram/channel/kettle/searchQuery=tea",
            "rsshub://telegram/channel/kettle",
            "https://rss-bridge.org/bridge01/?action=display&bridge=TelegramBridge&username=kettle&format=Atom",
            "https://bridge.example.org/?action=display&bridge=Telegram&username=%40kettle&format=Mrss",
            "https://bridge.example.org/?action=display&username=@kettle",
            "https://tg.i-c-a.su/rss/kettle",
            "https://tg.i-c-a.su/json/kettle?limit=10",
            "https://tg.i-c-a.su/rss/kettle/2",
            "https://bridge.example.org/rss/kettle/2?limit=10",
            "https://bridge.example.org/rss/kettle/TOKEN123",
            "https://bridge.example.org/rss/kettle?exclude_flags=advert,fwd",
            "https://tg.example.org/rss/kettle",
            "https://old.example.org/telegram/channel/kettle.atom",
            "https://old.example.org/telegram/channel/kettle.json?limit=5",
            "https://tgfeed.example.org/telegram/channel/kettle?format=atom",
            "https://feeds.example.org/tg/kettle/atom.xml",
            "http://127.0.0.1:8080/kettle/feed.json",
            "https://old.example.org/telegram/channel/kettle.ATOM",
            "https://tg.i-c-a.su/rss/kettle/2/",
            "https://bridge.example.org/html/kettle/15",
            "t.me/s/kettle",
            "//t.me/s/kettle",
            "feed:https://t.me/s/kettle",
            "feed://tg.i-c-a.su/rss/kettle",
            "https://openrss.org/t.me/s/kettle",
            "https://feeds.example.com/make?url=https%3A%2F%2Ft.me%2Fs%2Fkettle&format=rss",
        ] {
            assert_eq!(found(address).as_deref(), Some("kettle"), "{address}");
        }
    }

    #[test]
    fn other_addresses_are_no_channels() {
        for address in [
            "https://example.org/blog/atom.xml",
            "https://t.me/joinchat/AAAA",
            "https://t.me/+AbCdEf",
            "https://t.me/",
            "https://t.me/addstickers/Kettles",
            "https://t.me/c/1234567/5",
            "https://t.me/iv?url=https%3A%2F%2Fexample.org",
            "https://t.me/boost/kettle",
            "https://news.example.org/rss/news",
            "https://news.example.org/rss/articles",
            "https://news.example.org/rss/news/russia",
            "https://news.example.org/rss/rubric/politics",
            "https://news.example.org/rss/rubric/world.2.xml",
            "https://rsshub.app/github/issue/telegram/channel",
            "https://bridge.example.org/?action=display&bridge=TwitterBridge&username=kettle",
            "https://feeds.example.org.evil.example/tg/kettle/atom.xml",
            "https://boat.me/s/kettle",
            "https://example.org/boat.me/s/kettle",
            "kettle",
            "",
        ] {
            assert_eq!(found(address), None, "{address}");
        }
    }

    #[test]
    fn a_guess_is_made_of_an_address_like_a_bridges_alone_and_of_none_whose_page_is_known() {
        let guess = |feed: &str, page: &str| {
            let [feed, page] = [feed, page].map(str::to_owned);
            Subscription { title: String::new(), feed, page }.guess().map(|name| name.to_string())
        };
        for address in ["https://feeds.example.org/rss/kettle", "https://feeds.example.org/json/kettle?limit=5"] {
            assert_eq!(guess(address, "").as_deref(), Some("kettle"), "{address}");
            assert_eq!(guess(address, "https://feeds.example.org/"), None, "{address}");
        }
        for address in ["https://example.org/rss/news", "https://example.org/rss/a/b", "https://example.org/kettle/rss"]
        {
            assert_eq!(guess(address, ""), None, "{address}");
        }
    }

    #[test]
    fn attributes_are_known_in_any_case_and_an_outline_without_a_feed_by_its_page() {
        let text = r#"<opml version="2.0"><head/><body><outline text="Folder">
            <Outline TEXT="one" type="rss" xmlurl="https://rsshub.app/telegram/channel/one"/>
            <outline title="two" XMLURL="https://example.org/feed.xml" HTMLURL="https://t.me/two"/>
            <outline text="three" htmlUrl="https://t.me/s/three"/>
            <outline text="four" type="rss"/></outline></body></opml>"#;
        let found = read(text).unwrap();
        let names: Vec<_> = found.iter().map(|s| (s.title.as_str(), s.channel("").map(|c| c.to_string()))).collect();
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(names, [("one", named("one")), ("two", named("two")), ("three", named("three")), ("four", None)]);
    }

    #[test]
    fn a_list_is_read_in_either_order_of_utf_16() {
        let text = r#"<?xml version="1.0" encoding="UTF-16"?><opml><body><outline text="Чай" xmlUrl="https://t.me/s/kettle"/></body></opml>"#;
        let bytes = |order: fn(u16) -> [u8; 2], mark: bool| {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(order).collect::<Vec<u8>>()
        };
        for mark in [true, false] {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let found = read(&decode(&bytes(order, mark))).unwrap();
                assert_eq!((found.len(), found[0].title.as_str()), (1, "Чай"));
            }
        }
        assert_eq!(decode(b"\xef\xbb\xbf<opml/>"), "<opml/>");
    }

    #[test]
    fn the_page_of_a_feed_tells_what_its_address_does_not() {
        let text = r#"<?xml version="1.0"?><opml version="2.0"><head/><body><outline text="Folder">
            <outline type="rss" text="Tea &amp; more" xmlUrl="https://rss.app/feeds/tXYZ.xml?a=1&amp;b=2" htmlUrl="https://t.me/kettle"/>
        </outline></body></opml>"#;
        let feeds = read(text).unwrap();
        let [feed] = feeds.as_slice() else { panic!("{feeds:?}") };
        assert_eq!(feed.title, "Tea & more");
        assert_eq!(feed.feed, "https://rss.app/feeds/tXYZ.xml?a=1&b=2");
        assert_eq!(feed.channel("").map(|name| name.to_string()).as_deref(), Some("kettle"));
    }

    #[test]
    fn what_is_no_opml_is_refused() {
        assert!(read("<rss><channel/></rss>").unwrap_err().contains("not OPML"));
        assert!(read("<opml><body></opml>").unwrap_err().contains("no XML"));
    }
}
