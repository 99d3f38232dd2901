//! Any answer of upstream's is an error or a page, and any page makes feeds that are well-formed.
#![no_main]

use chrono::DateTime;
use feedbridge::{
    diff::diff,
    feed::{Entry, Format, Header, Settings, compose, render},
    model::{Channel, ChannelId, Stored},
    page,
};
use libfuzzer_sys::fuzz_target;
use quick_xml::{Reader, events::Event};

fuzz_target!(|bytes: &[u8]| {
    let html = String::from_utf8_lossy(bytes);
    let _ = page::parse_embed(&html);
    let _ = page::parse_excerpt(&html, "");
    let Ok(page) = page::parse(&html) else { return };
    let now = DateTime::from_timestamp(1_709_899_200, 0).expect("a date in the year 2024");
    let id = page.channel.unwrap_or(ChannelId(1));
    let channel = Channel {
        id,
        name: "kitchen".parse().expect("a good name"),
        slug: "kitchen".to_owned(),
        current_slug: page.slug.clone().unwrap_or_else(|| "kitchen".to_owned()),
        info: page.info,
        first_seen: now,
        info_seen: now,
        names: Vec::new(),
    };
    let stored: Vec<Stored> = diff(id, Vec::new(), page.posts, now).into_iter().map(|change| change.stored).collect();
    let entries: Vec<_> = stored.iter().map(|stored| Entry { channel: &channel, stored }).collect();
    let header = Header { title: channel.info.title.clone(), changed: Some(now), ..Header::default() };
    let feed = compose(header, &entries, &Settings::default());
    for format in [Format::Rss, Format::Atom] {
        check_xml(&render(&feed, format));
    }
    let json = render(&feed, Format::Json);
    serde_json::from_slice::<serde_json::Value>(&json).expect("the JSON feed is JSON");
});

/// Well-formed, and only characters that XML 1.0 has (section 2.2).
fn check_xml(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("the feed is UTF-8");
    let forbidden = |c: char| (c < ' ' && !"\t\n\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(!text.contains(forbidden));
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().expect("the feed is well-formed") {
            Event::Eof => return,
            Event::Start(start) => start.attributes().for_each(|attribute| {
                attribute.expect("attributes are well-formed");
            }),
            _ => {}
        }
    }
}
