//! The chapters that posts list of what is heard.

use crate::posts::*;
use feedbridge::{
    feed::{Chapter, Format, Header, Settings, chapters, compose as compose_entries},
    model::*,
};
use proptest::prelude::*;

fn voice(duration_seconds: Option<u32>) -> Part {
    Part::Voice(Voice { url: Some("https://cdn4.example.org/file/1.ogg".into()), duration_seconds })
}

fn listed(words: &str, duration_seconds: Option<u32>) -> Vec<Chapter> {
    chapters(&post(7, vec![voice(duration_seconds), text(words)]), &Settings::default())
}

fn told(words: &str) -> Vec<(u32, String)> {
    listed(words, None).into_iter().map(|chapter| (chapter.start_seconds, chapter.title)).collect()
}

fn titled<const N: usize>(chapters: [(u32, &str); N]) -> Vec<(u32, String)> {
    chapters.map(|(start, title)| (start, title.to_owned())).into()
}

#[test]
fn lines_that_begin_with_a_time_are_chapters_however_they_are_written() {
    let wanted = titled([(0, "Intro"), (95, "Kettles"), (3723, "«Tea» & milk")]);
    for words in [
        "0:00 Intro\n1:35 Kettles\n1:02:03 «Tea» & milk",
        "[00:00] Intro\n[01:35] Kettles\n[01:02:03] «Tea» & milk",
        "(00:00:00) – Intro\n(00:01:35) – Kettles\n(01:02:03) – «Tea» & milk",
        "▶️ 0:00 - Intro\n▶️ 1:35 - Kettles\n▶️ 62:03 - «Tea» & milk",
        "0:00–1:35 Intro\n1:35—62:03: Kettles\n62:03–70:00 | «Tea» & milk",
        "On kettles.\n\n• 0:00. Intro\n\n• 1:35. Kettles\nand more\n• 62:03. «Tea» & milk\n#tea",
    ] {
        assert_eq!(told(words), wanted, "{words}");
    }
}

#[test]
fn what_is_no_list_of_times_in_their_order_is_no_chapters() {
    for words in [
        "",
        "On kettles",
        "0:00 Intro",
        "0:00 Intro\n0:00 Kettles",
        "1:35 Kettles\n0:00 Intro",
        "0:00 Intro\n2:00 Kettles\n1:00 Tea",
        "0:00\n1:00",
        "1:2 Luke\n3:4 Mark",
        "5:00pm Tea\n6:00pm Kettles",
        "0:75 Intro\n1:80 Kettles",
        "1:60:00 Intro\n2:60:00 Kettles",
        "At 0:00 Intro\nAt 1:00 Kettles",
        "99999999999:00 Intro\n99999999999:01 Kettles",
        "1:00:00:00 Intro\n2:00:00:00 Kettles",
    ] {
        assert_eq!(told(words), [], "{words}");
    }
}

#[test]
fn a_list_that_is_longer_than_what_is_heard_is_another_list() {
    let words = "0:00 Intro\n20:00 Kettles";
    assert_eq!(listed(words, Some(1200)).len(), 2);
    assert_eq!(listed(words, Some(1199)), []);
}

#[test]
fn what_is_not_heard_has_no_chapters() {
    assert_eq!(chapters(&post(7, vec![text("0:00 Intro\n1:00 Kettles")]), &Settings::default()), []);
}

#[test]
fn an_episode_names_the_document_of_its_chapters() {
    let (channel, words) = (channel(), text("0:00 Intro\n1:00 Kettles"));
    let of = |parts: Vec<Part>, header: Header| {
        let stored = stored(post(7, parts));
        let entries = [feedbridge::feed::Entry { channel: &channel, stored: &stored }];
        written(&compose_entries(header, &entries, &Settings::default()), Format::Podcast)
    };
    let single = Header { posts_url: Some("https://feeds.example.org/kitchen/".to_owned()), ..header() };
    let named = "<podcast:chapters type=\"application/json+chapters\" url=\"https://feeds.example.org/kitchen/7/chapters.json\">";
    let podcast = of(vec![voice(None), words.clone()], single.clone());
    assert!(podcast.contains(named), "{podcast}");
    assert!(!of(vec![voice(None), text("On kettles")], single).contains("podcast:chapters"));
    assert!(!of(vec![voice(None), words], header()).contains("podcast:chapters"), "where posts have no pages");
}

proptest! {
    #[test]
    fn chapters_ascend_and_are_called_something_whatever_the_text(
        lines in prop::collection::vec("[\\[(•▶ ]{0,2}[0-9]{0,3}(:[0-9]{1,2}){0,3}[\\])]?[ –:a-zа-я«🫖\\PC]{0,9}", 0..8),
        duration in prop::option::of(0..10_000_u32),
    ) {
        let found = listed(&lines.join("\n"), duration);
        prop_assert!(found.len() != 1);
        prop_assert!(found.windows(2).all(|pair| pair[0].start_seconds < pair[1].start_seconds));
        prop_assert!(found.iter().all(|chapter| !chapter.title.is_empty() && !chapter.title.contains('\n')));
        prop_assert!(found.last().zip(duration).is_none_or(|(last, end)| last.start_seconds <= end));
    }
}
