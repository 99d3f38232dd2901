//! Addresses that readers have of other bridges, and ours in their place, so that who moves here changes a host and nothing
//! else. What a parameter chooses is chosen here, too, where there is a counterpart; what has none is dropped. Pure.

use url::form_urlencoded;

use crate::{
    edition::page_url,
    feed::{Format, Selection},
    feeds::Followed,
    model::ChannelName,
};

/// Values of parameters that mean no.
const NO: [&str; 4] = ["0", "false", "no", "off"];

/// What is asked for, in the words of ours.
struct Asked {
    name: String,
    /// None: the page.
    format: Option<Format>,
    /// Behind the page's address.
    post: Option<String>,
    /// Keys and values of a query.
    chosen: Vec<(&'static str, String)>,
}

/// Where the address leads here, relative to itself; None for one that is no other bridge's. `path` is decoded.
pub fn counterpart(path: &[&str], query: &str, followed: &Followed) -> Option<String> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let said = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let asked = match path {
        [""] => rss_bridge(&said)?,
        ["telegram", "channel", name, params @ ..] if params.len() < 2 => rsshub(name, params.first(), &pairs),
        // A channel of that name comes first.
        [first, ..] if followed.find(first).is_some() => return None,
        ["rss.xml" | "rss.json"] => return only_one(path[0], followed),
        ["rss", name, rest @ ..] if rest.len() < 2 => plain(name, Some(Format::Rss), &pairs),
        ["json", name, rest @ ..] if rest.len() < 2 => plain(name, Some(Format::Json), &pairs),
        ["html", name, rest @ ..] if rest.len() < 2 => {
            let post = rest.first().filter(|id| id.parse::<u64>().is_ok()).map(ToString::to_string);
            Asked { post, ..plain(name, None, &pairs) }
        }
        _ => return None,
    };
    let name: ChannelName = asked.name.trim_start_matches('@').parse().ok()?;
    let name = followed.find(name.as_str()).map_or_else(|| name.to_string(), |feed| feed.name.clone());
    let up = if path.len() == 1 { ".".to_owned() } else { vec![".."; path.len() - 1].join("/") };
    let file = asked.format.map(Format::file_name).or(asked.post.as_deref()).unwrap_or_default();
    let query = query_of(&asked.chosen);
    let query = if query.is_empty() || asked.post.is_some() { String::new() } else { format!("?{query}") };
    Some(format!("{up}/{name}/{file}{query}"))
}

/// `/?action=display&bridge=TelegramBridge&username=NAME&format=Atom`.
fn rss_bridge<'a>(said: &impl Fn(&str) -> Option<&'a str>) -> Option<Asked> {
    let is_telegram = said("bridge").is_some_and(|bridge| {
        let bridge = bridge.strip_suffix(".php").unwrap_or(bridge);
        ["telegram", "telegrambridge"].contains(&bridge.to_ascii_lowercase().as_str())
    });
    if said("action") != Some("display") || !is_telegram {
        return None;
    }
    let format = match said("format").unwrap_or_default().to_ascii_lowercase().as_str() {
        "html" => None,
        "json" => Some(Format::Json),
        "mrss" | "plaintext" | "sfeed" => Some(Format::Rss),
        _ => Some(Format::Atom),
    };
    Some(Asked { name: said("username")?.to_owned(), format, post: None, chosen: Vec::new() })
}

/// `/telegram/channel/NAME`, a query string in the path behind it, and a query of its own; the format may be the name's end.
fn rsshub(name: &str, params: Option<&&str>, pairs: &[(String, String)]) -> Asked {
    let (name, end) = name.split_once('.').unwrap_or((name, ""));
    let within: Vec<(String, String)> =
        params.map(|params| form_urlencoded::parse(params.as_bytes()).into_owned().collect()).unwrap_or_default();
    let said = |key: &str| pairs.iter().chain(&within).find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let format = match said("format").unwrap_or(end).to_ascii_lowercase().as_str() {
        "atom" => Format::Atom,
        "json" => Format::Json,
        _ => Format::Rss,
    };
    let mut chosen = choice(&said);
    for (key, kind) in [("includeFwd", "forward"), ("includeReply", "reply"), ("includeServiceMsg", "service")] {
        if said(key).is_some_and(|value| NO.contains(&value.to_ascii_lowercase().as_str())) {
            chosen.push(("not", kind.to_owned()));
        }
    }
    Asked { name: name.to_owned(), format: Some(format), post: None, chosen }
}

/// `/rss/NAME`, `/json/NAME` and `/html/NAME/ID`, perhaps with a page or a token behind the name.
fn plain(name: &str, format: Option<Format>, pairs: &[(String, String)]) -> Asked {
    let said = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let mut chosen = choice(&said);
    let flags = said("exclude_flags").unwrap_or_default();
    for (flag, word) in
        [("video", "video"), ("fwd", "forward"), ("hid_channel", "invite"), ("foreign_channel", "elsewhere")]
    {
        if flags.split(',').any(|said| said.trim() == flag) {
            chosen.push(("not", word.to_owned()));
        }
    }
    Asked { name: name.to_owned(), format, post: None, chosen }
}

/// A feed of the one channel that is served.
fn only_one(file: &str, followed: &Followed) -> Option<String> {
    let format = if file == "rss.json" { Format::Json } else { Format::Rss };
    match followed.feeds() {
        [feed] => Some(page_url(".", feed) + format.file_name()),
        _ => None,
    }
}

/// What several of them call alike. Words are expressions there, so only those that are words are taken over.
fn choice<'a>(said: &impl Fn(&str) -> Option<&'a str>) -> Vec<(&'static str, String)> {
    let is_word = |text: &&str| text.chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '_');
    let keys =
        [("limit", "limit"), ("searchQuery", "q"), ("filter", "q"), ("filterout", "not_q"), ("exclude_text", "not_q")];
    let found = keys.into_iter().filter_map(|(theirs, ours)| Some((ours, said(theirs)?)));
    found.filter(|(key, value)| *key == "limit" || is_word(value)).map(|(key, value)| (key, value.to_owned())).collect()
}

/// In its one spelling; what is out of bounds here is dropped.
fn query_of(chosen: &[(&'static str, String)]) -> String {
    let fits = |(key, value): &&(&'static str, String)| {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(key, value).finish();
        Selection::parse(&pair, 0).is_ok()
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(chosen.iter().filter(fits));
    Selection::parse(&query.finish(), 0).map(|selection| selection.query()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, feeds::Feeds};

    fn led(path: &str, names: &[&str]) -> Option<String> {
        let channels: String = names.iter().map(|name| format!("[[channel]]\nname = \"{name}\"\n")).collect();
        let followed = Feeds::of(&Config::parse(&channels).unwrap()).now();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<&str> = path.strip_prefix('/').unwrap().split('/').collect();
        counterpart(&path, query, &followed)
    }

    #[test]
    fn rsshubs_addresses_lead_to_ours_with_what_they_choose() {
        for (theirs, ours) in [
            ("/telegram/channel/kettle", "../../kettle/rss.xml"),
            ("/telegram/channel/kettle?format=atom", "../../kettle/atom.xml"),
            ("/telegram/channel/kettle.json?limit=5", "../../kettle/feed.json?limit=5"),
            ("/telegram/channel/kettle?limit=100000&sorted=false&brief=100", "../../kettle/rss.xml"),
            (
                "/telegram/channel/kettle/searchQuery=tea%20pot&includeFwd=0&showViaBot=1",
                "../../../kettle/rss.xml?not=forward&q=pot%20tea",
            ),
            (
                "/telegram/channel/kettle/includeReply=false&includeServiceMsg=0",
                "../../../kettle/rss.xml?not=reply,service",
            ),
            ("/telegram/channel/kettle/includeFwd=1", "../../../kettle/rss.xml"),
            ("/telegram/channel/kettle?filter=tea&filterout=ad", "../../kettle/rss.xml?not_q=ad&q=tea"),
            ("/telegram/channel/kettle?filter=tea|coffee", "../../kettle/rss.xml"),
        ] {
            assert_eq!(led(theirs, &[]).as_deref(), Some(ours), "{theirs}");
        }
    }

    #[test]
    fn the_other_bridges_addresses_lead_to_ours() {
        for (theirs, ours) in [
            ("/?action=display&bridge=TelegramBridge&username=kettle&format=Atom", "./kettle/atom.xml"),
            ("/?action=display&bridge=Telegram&username=%40kettle&format=Mrss&_cache_timeout=3600", "./kettle/rss.xml"),
            ("/?action=display&bridge=TelegramBridge&username=kettle&format=Html", "./kettle/"),
            ("/?action=display&bridge=TelegramBridge&username=kettle&format=Json", "./kettle/feed.json"),
            ("/rss/kettle", "../kettle/rss.xml"),
            ("/rss/kettle/2?limit=10", "../../kettle/rss.xml?limit=10"),
            ("/json/kettle?limit=10&id=5", "../kettle/feed.json?limit=10"),
            ("/rss/kettle/TOKEN?exclude_flags=fwd,video,clown", "../../kettle/rss.xml?not=forward,video"),
            ("/html/kettle/15", "../../kettle/15"),
        ] {
            assert_eq!(led(theirs, &[]).as_deref(), Some(ours), "{theirs}");
        }
        assert_eq!(led("/rss/KETTLE", &["kettle"]).as_deref(), Some("../kettle/rss.xml"));
    }

    #[test]
    fn where_one_channel_is_served_its_feed_is_at_the_root_too() {
        assert_eq!(led("/rss.xml", &["kettle"]).as_deref(), Some("./kettle/rss.xml"));
        assert_eq!(led("/rss.xml", &["kettle", "spout"]), None);
        assert_eq!(led("/rss.xml", &[]), None);
    }

    #[test]
    fn what_is_ours_or_nobodys_leads_nowhere_else() {
        for ours in [
            "/",
            "/?q=tea",
            "/?action=list",
            "/kettle/rss.xml",
            "/rss/",
            "/rss/a.b",
            "/telegram/",
            "/telegram/atom.xml",
            "/telegram/channel/",
            "/telegram/group/kettle",
            "/?action=display&bridge=Twitter&username=kettle&format=Atom",
        ] {
            assert_eq!(led(ours, &[]), None, "{ours}");
        }
        assert_eq!(led("/json/atom.xml", &["json"]), None);
        assert_eq!(led("/rss/kettle", &["rss"]), None);
    }
}
