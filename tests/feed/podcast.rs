//! What podcast players are given: what is heard of a channel, with what Apple and Podcasting 2.0 ask for.

use std::io::Cursor;

use crate::posts::*;
use feedbridge::{
    feed::{Entry, Feed, Format, Header, Labels, Settings, compose as compose_entries},
    model::*,
};

const VOICE: &str = "https://feeds.example.org/media/Kitchen/7/1.ogg";

fn voice(url: &str, length: Option<u64>, m4a: Option<u64>) -> Part {
    let known = Known { length, m4a, ..Known::default() };
    Part::Voice(Voice { url: Some(MediaUrl { address: url.to_owned(), known }), duration_seconds: Some(95) })
}

fn music() -> Part {
    Part::Document(Document {
        title: "Kettle blues".to_owned(),
        extra: "The Pots".to_owned(),
        audio: true,
        href: Some("https://t.me/NewKitchen/7".to_owned()),
        ..Document::default()
    })
}

fn feed(header: Header, parts: Vec<Part>, settings: &Settings) -> Feed {
    let (channel, stored) = (channel(), stored(post(7, parts)));
    compose_entries(header, &[Entry { channel: &channel, stored: &stored }], settings)
}

fn podcast_of(header: Header, parts: Vec<Part>, settings: &Settings) -> rss::Channel {
    let text = written(&feed(header, parts, settings), Format::Podcast);
    rss::Channel::read_from(Cursor::new(text)).unwrap()
}

fn podcast(parts: Vec<Part>) -> rss::Channel {
    podcast_of(header(), parts, &Settings::default())
}

/// The text of a `podcast:` element.
fn own<'c>(channel: &'c rss::Channel, name: &str) -> Option<&'c str> {
    channel.extensions().get("podcast")?.get(name)?[0].value()
}

#[test]
fn a_voice_is_an_enclosure_with_its_length_and_duration() {
    let channel = podcast(vec![text("On kettles"), voice(VOICE, Some(4321), None), photo("a.jpg")]);
    let [item] = channel.items() else { panic!("one item: {channel:?}") };
    let enclosure = item.enclosure().unwrap();
    assert_eq!((enclosure.url(), enclosure.length(), enclosure.mime_type()), (VOICE, "4321", "audio/ogg"));
    let itunes = item.itunes_ext().unwrap();
    assert_eq!((itunes.duration(), itunes.image()), (Some("95"), Some("https://cdn1.example.org/file/a.jpg")));
    assert_eq!((item.title(), item.guid().unwrap().value()), (Some("On kettles"), "https://t.me/Kitchen/7"));
}

#[test]
fn a_voice_of_unknown_length_is_played_all_the_same() {
    let channel = podcast(vec![voice(VOICE, None, None)]);
    assert_eq!(channel.items()[0].enclosure().unwrap().length(), "0");
}

#[test]
fn a_voice_that_was_made_into_m4a_is_offered_as_that() {
    let channel = podcast(vec![voice(VOICE, Some(4321), Some(8765))]);
    let enclosure = channel.items()[0].enclosure().unwrap();
    let made = "https://feeds.example.org/media/Kitchen/7/1.m4a";
    assert_eq!((enclosure.url(), enclosure.length(), enclosure.mime_type()), (made, "8765", "audio/x-m4a"));
    assert!(channel.items()[0].content().unwrap().contains(VOICE), "the body plays what Telegram has");
}

#[test]
fn of_several_voices_the_first_that_there_is_is_played_and_the_others_are_in_the_body() {
    let mut gone = voice("https://feeds.example.org/media/Kitchen/7/1.ogg", None, None);
    if let Part::Voice(Voice { url: Some(url), .. }) = &mut gone {
        url.known.missing = Some(Missing::Gone);
    }
    let [second, third] = [2, 3].map(|number| format!("https://feeds.example.org/media/Kitchen/7/{number}.ogg"));
    let channel = podcast(vec![gone, voice(&second, None, None), voice(&third, None, None)]);
    assert_eq!(channel.items()[0].enclosure().unwrap().url(), second);
    assert!(channel.items()[0].content().unwrap().contains(&third));
}

#[test]
fn music_has_no_enclosure_and_the_body_says_where_it_is_heard_in_the_language_of_labels() {
    for (labels, words, language) in [
        (Labels::Symbols, "▶ Telegram", None),
        (Labels::English, "Listen in Telegram, which gives music no public address", Some("en")),
        (Labels::Russian, "Слушать в Telegram: публичного адреса у музыки там нет", Some("ru")),
    ] {
        let settings = Settings { labels, ..Settings::default() };
        let header = Header { language: labels.language(), ..header() };
        let channel = podcast_of(header.clone(), vec![music()], &settings);
        assert_eq!((channel.items()[0].enclosure(), channel.language()), (None, language));
        let said = format!("<a href=\"https://t.me/NewKitchen/7\">{words}</a></p>");
        assert!(channel.items()[0].content().unwrap().ends_with(&said), "{channel:?}");
        assert!(!written(&feed(header, vec![music()], &settings), Format::Rss).contains(words), "only in podcasts");
    }
}

#[test]
fn what_is_not_heard_is_no_episode() {
    for parts in [vec![text("x")], vec![Part::Video(video())], vec![photo("a.jpg")]] {
        assert!(podcast(parts).items().is_empty());
    }
}

#[test]
fn the_channel_says_what_directories_ask_for() {
    let text = written(&feed(header(), vec![music()], &Settings::default()), Format::Podcast);
    assert!(text.contains("xmlns:podcast=\"https://podcastindex.org/namespace/1.0\""), "{text}");
    assert!(text.contains("xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\""), "{text}");
    let channel = podcast(vec![music()]);
    let itunes = channel.itunes_ext().unwrap();
    assert_eq!(
        (itunes.author(), itunes.explicit(), itunes.r#type()),
        (Some("Kitchen & Co"), Some("false"), Some("episodic"))
    );
    assert_eq!(itunes.image(), Some("https://cdn1.example.org/file/avatar.jpg"));
    assert_eq!(itunes.categories()[0].text(), "Society & Culture");
    assert_eq!(own(&channel, "medium"), Some("podcast"));
    assert_eq!(
        podcast_of(Header { image: None, ..header() }, vec![music()], &Settings::default())
            .itunes_ext()
            .unwrap()
            .image(),
        None
    );
}

#[test]
fn the_podcasts_guid_is_that_of_the_permanent_address_whoever_serves_it() {
    // UUIDv5 of `t.me/Kitchen` in the namespace of podcasts.
    let wanted = Some("20c1383b-dd2b-543e-ba05-06274c31c9df");
    assert_eq!(own(&podcast(vec![music()]), "guid"), wanted);
    let moved =
        Header { id: "http://t.me/Kitchen/".to_owned(), self_url: "https://elsewhere.example/".to_owned(), ..header() };
    assert_eq!(own(&podcast_of(moved, vec![music()], &Settings::default()), "guid"), wanted);
}

#[test]
fn an_episode_has_a_title_where_titles_are_switched_off() {
    let settings = Settings { title_length: 0, ..Settings::default() };
    let channel = podcast_of(header(), vec![text("On kettles"), voice(VOICE, None, None)], &settings);
    assert_eq!(channel.items()[0].title(), Some("🎙"));
}

#[test]
fn posts_that_are_one_item_play_the_first_voice_among_them() {
    let (channel, settings) = (channel(), Settings { merge_seconds: 3600, ..Settings::default() });
    let posts = [(1, vec![music()]), (2, vec![voice(VOICE, None, None)]), (3, vec![text("On kettles")])]
        .map(|(id, parts)| stored(post(id, parts)));
    let entries: Vec<_> = posts.iter().map(|stored| Entry { channel: &channel, stored }).collect();
    let text = written(&compose_entries(header(), &entries, &settings), Format::Podcast);
    let podcast = rss::Channel::read_from(Cursor::new(text)).unwrap();
    let [item] = podcast.items() else { panic!("one item: {podcast:?}") };
    assert_eq!((item.enclosure().unwrap().url(), item.guid().unwrap().value()), (VOICE, "https://t.me/Kitchen/1"));
    assert!(item.content().unwrap().contains("▶ Telegram"));
}
