//! Titles: the first line that says something, or what the post is.

use crate::posts::*;
use feedbridge::{
    feed::{Labels, Settings, Spoilers},
    model::*,
};

fn title(parts: Vec<Part>) -> String {
    item(post(7, parts)).title.unwrap()
}

fn title_of_length(words: &str, title_length: usize) -> String {
    item_with(post(7, vec![text(words)]), &Settings { title_length, ..Settings::default() }).title.unwrap()
}

#[test]
fn the_first_line_is_the_title() {
    assert_eq!(title(vec![photo("a.jpg"), text("Soup\u{200b}  of  the day\nwith salt")]), "Soup of the day");
}

#[test]
fn a_long_line_is_cut_on_a_word_with_an_ellipsis() {
    assert_eq!(title_of_length("Some words that are too many", 16), "Some words that…");
    assert_eq!(title_of_length("Incomprehensibilities", 10), "Incompreh…");
    assert_eq!(title_of_length("Один, два, три, четыре", 12), "Один, два…");
}

#[test]
fn a_whole_sentence_needs_no_ellipsis() {
    assert_eq!(title_of_length("It is done. Now we can go on with the rest.", 25), "It is done.");
}

#[test]
fn a_family_of_emoji_is_never_cut_in_two() {
    assert_eq!(title_of_length("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "👨‍👩‍👧‍👦…");
    assert_eq!(title_of_length("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "👨‍👩‍👧‍👦👨‍👩‍👧‍👦");
}

#[test]
fn a_line_of_words_is_preferred_to_emoji_hashtags_and_addresses() {
    let tags = Part::Text(vec![hashtag("#news"), plain(" "), hashtag("#soup")]);
    assert_eq!(title(vec![tags.clone(), text("🔥🔥\nhttps://example.org/x\nReal words")]), "Real words");
    assert_eq!(title(vec![text("🔥"), tags]), "#news #soup");
    assert_eq!(title(vec![text("https://example.org/x")]), "https://example.org/x");
    assert_eq!(title(vec![text("🔥\nhttps://example.org/x")]), "🔥");
}

#[test]
fn markup_in_the_text_is_not_markup_in_the_title() {
    assert_eq!(
        title(vec![text("Vec<u8> is &amp; <b>bold</b>, 1 < 2 & 3")]),
        "Vec‹u8› is ＆amp; ‹b›bold‹/b›, 1 < 2 & 3"
    );
}

#[test]
fn a_title_does_not_tell_what_a_spoiler_hides() {
    let parts = || vec![Part::Text(vec![plain("It is "), spoiler("him")])];
    assert_eq!(title(parts()), "It is …");
    assert_eq!(item(post(7, parts())).summary, "It is …");
    let shown = Settings { spoilers: Spoilers::Text, ..Settings::default() };
    assert_eq!(item_with(post(7, parts()), &shown).title.unwrap(), "It is him");
}

#[test]
fn posts_without_text_are_called_by_what_they_are() {
    let round = Video { kind: VideoKind::Round, duration_seconds: Some(5), ..video() };
    let music = Document { title: "Song".to_owned(), extra: "Band".to_owned(), audio: true, ..Document::default() };
    let poll = Poll { question: vec![plain("Salt?")], ..Poll::default() };
    assert_eq!(title(vec![photo("a.jpg")]), "🖼");
    assert_eq!(title(vec![photo("a.jpg"), photo("b.jpg"), Part::Video(video()), photo("c.jpg")]), "🖼 3 ▶ 0:27");
    assert_eq!(title(vec![Part::Video(round)]), "⏺ 0:05");
    assert_eq!(title(vec![Part::Document(music)]), "🎵 Song – Band");
    assert_eq!(title(vec![Part::Poll(poll)]), "📊 Salt?");
    assert_eq!(
        title(vec![Part::Withheld(Withheld { label: "Open in Telegram".to_owned(), excerpt: String::new() })]),
        "🔒"
    );
    assert_eq!(title(vec![]), "💬");
}

#[test]
fn a_forward_without_text_names_its_origin() {
    let mut post = post(7, vec![photo("a.jpg")]);
    post.forward = Some(Forward { name: "Elsewhere".to_owned(), href: None, author: None });
    assert_eq!(item(post).title.unwrap(), "🖼 ↪ Elsewhere");
}

#[test]
fn labels_may_be_words() {
    let named = |labels, parts| item_with(post(7, parts), &Settings { labels, ..Settings::default() }).title.unwrap();
    assert_eq!(named(Labels::English, vec![photo("a.jpg"), photo("b.jpg")]), "Photo: 2");
    assert_eq!(named(Labels::Russian, vec![Part::Video(video())]), "Видео: 0:27");
}

#[test]
fn a_symbol_may_stand_before_every_title() {
    let settings = Settings { title_symbol: true, ..Settings::default() };
    let titled = |parts| item_with(post(7, parts), &settings).title.unwrap();
    assert_eq!(titled(vec![photo("a.jpg"), text("Soup")]), "🖼 Soup");
    assert_eq!(titled(vec![text("Soup")]), "💬 Soup");
    assert_eq!(titled(vec![photo("a.jpg")]), "🖼");
}

#[test]
fn a_length_of_zero_makes_no_titles_from_text() {
    let settings = Settings { title_length: 0, ..Settings::default() };
    let texted = item_with(post(7, vec![text("Soup")]), &settings);
    assert_eq!((texted.title, texted.kind.as_str()), (None, "💬"));
    assert_eq!(item_with(post(7, vec![Part::Video(video())]), &settings).title.unwrap(), "▶ 0:27");
}

#[test]
fn a_service_message_is_titled_by_its_own_words() {
    let mut post = post(7, vec![text("Channel created")]);
    post.service = true;
    assert_eq!(item(post).title.unwrap(), "Channel created");
}
