//! Pages that go back and forth: which readings of a post become revisions, and that the last one is shown in the end.

use feedbridge::{
    diff,
    model::Stored,
    store::{Batch, Store},
};

use super::identity::{LOAD, Shelf, album, at, page, post, text};

fn reads(words: &str) -> String {
    page(&[post(LOAD, 1, 0, &text("Before")), post(LOAD, 2, 1, &text(words)), post(LOAD, 3, 2, &text("After"))])
}

fn second(shelf: &Shelf) -> Stored {
    shelf.posts().into_iter().find(|stored| stored.post.id.0 == 2).unwrap()
}

fn says(shelf: &Shelf, words: &str) -> bool {
    format!("{:?}", second(shelf).post.parts).contains(words)
}

/// One poll a minute, from `minute` on.
fn poll_each(shelf: &Shelf, minute: i64, polls: impl IntoIterator<Item = &'static str>) -> i64 {
    polls.into_iter().fold(minute, |minute, words| {
        shelf.take(&reads(words), minute);
        minute + 1
    })
}

#[test]
fn a_page_that_alternates_for_a_thousand_polls_adds_few_revisions_and_no_line_per_poll() {
    for versions in [vec!["one", "two"], vec!["one", "two", "three"], vec!["one", "one", "two", "two"]] {
        let shelf = Shelf::new();
        let last = *versions.last().unwrap();
        let minute = poll_each(&shelf, 10, versions.iter().copied().cycle().take(1000));
        assert!(second(&shelf).revisions as usize <= versions.len(), "{versions:?}: {}", second(&shelf).revisions);
        assert!(shelf.sequence() < 10, "{versions:?}: {}", shelf.sequence());
        for (words, polls) in [("one", 30), (last, 30)] {
            poll_each(&shelf, minute, std::iter::repeat_n(words, polls));
            assert!(says(&shelf, words), "{versions:?}");
        }
    }
}

#[test]
fn pages_that_alternate_without_a_pattern_are_believed_ever_less() {
    let shelf = Shelf::new();
    let mut number = 7u32;
    let versions = std::iter::repeat_with(move || {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if number >> 31 == 0 { "one" } else { "two" }
    });
    let minute = poll_each(&shelf, 10, versions.take(1000));
    assert!(second(&shelf).revisions < 8, "{}", second(&shelf).revisions);
    poll_each(&shelf, minute, std::iter::repeat_n("two", 30));
    assert!(says(&shelf, "two"));
}

#[test]
fn an_edit_to_a_new_text_is_taken_at_once_and_its_undoing_after_a_few_polls() {
    let shelf = Shelf::new();
    let minute = poll_each(&shelf, 10, ["one", "two"]);
    assert!(says(&shelf, "two"));
    let minute = poll_each(&shelf, minute, ["one", "one"]);
    assert!(says(&shelf, "two"));
    poll_each(&shelf, minute, ["one"]);
    assert!(says(&shelf, "one"));
    assert_eq!((second(&shelf).revisions, second(&shelf).updated), (3, at(14)));
}

#[test]
fn a_reading_in_between_begins_the_wait_anew() {
    let shelf = Shelf::new();
    poll_each(&shelf, 10, ["one", "two", "one", "one", "two", "one", "one", "three", "one", "one"]);
    assert!(says(&shelf, "three"));
    assert_eq!(second(&shelf).revisions, 3);
}

#[test]
fn a_post_makes_six_revisions_an_hour_and_the_last_reading_is_stored_once_the_hour_allows() {
    let shelf = Shelf::new();
    for minute in 0..50 {
        shelf.take(&reads(&format!("number {minute}.")), 10 + minute);
    }
    assert_eq!(second(&shelf).revisions, 6);
    assert!(says(&shelf, "number 5."));
    let sequence = shelf.sequence();
    shelf.take(&reads("number 49."), 69);
    assert_eq!(shelf.sequence(), sequence);
    shelf.take(&reads("number 49."), 70);
    assert!(says(&shelf, "number 49."));
}

#[test]
fn in_no_hour_of_a_long_storm_are_there_more_than_six_revisions() {
    let shelf = Shelf::new();
    let mut seen = Vec::new();
    for minute in 10..400 {
        let before = shelf.posts().iter().find(|stored| stored.post.id.0 == 2).map_or(0, |stored| stored.revisions);
        shelf.take(&reads(&format!("number {minute}.")), minute);
        seen.extend((second(&shelf).revisions > before).then_some(minute));
    }
    assert!(seen.windows(7).all(|seven| seven[6] - seven[0] >= 60), "{seen:?}");
    assert!(seen.len() > 30, "{seen:?}");
}

#[test]
fn what_a_post_read_last_before_it_left_the_page_is_stored() {
    let shelf = Shelf::new();
    for minute in 0..10 {
        shelf.take(&reads(&format!("number {minute}.")), 10 + minute);
    }
    let later = page(&[post(LOAD, 30, 15, &text("Later"))]);
    shelf.take(&later, 30);
    assert!(says(&shelf, "number 5."));
    shelf.take(&later, 80);
    assert!(says(&shelf, "number 9."));
    let sequence = shelf.sequence();
    shelf.take(&later, 90);
    assert_eq!(shelf.sequence(), sequence);
}

#[test]
fn another_process_on_the_same_store_decides_alike() {
    let shelf = Shelf::new();
    poll_each(&shelf, 10, ["one", "two", "one", "one"]);
    let shelf = shelf.reopened(|_| {});
    poll_each(&shelf, 14, ["one"]);
    assert!(says(&shelf, "one"));
    let shelf = shelf.reopened(|folder| std::fs::remove_dir_all(folder.join("index")).unwrap());
    let minute = poll_each(&shelf, 15, ["two", "one", "two", "one"]);
    assert_eq!(second(&shelf).revisions, 3);
    poll_each(&shelf, minute, ["two"; 12]);
    assert!(says(&shelf, "two"));
}

#[test]
fn a_post_twice_on_a_page_is_one_post_and_the_later_block_counts() {
    let shelf = Shelf::new();
    let twice = |first: &str, second: &str| {
        page(&[
            post(LOAD, 1, 0, &text("Before")),
            post(LOAD, 2, 1, &text(first)),
            post(LOAD, 2, 1, &text(second)),
            post(LOAD, 3, 2, &text("After")),
        ])
    };
    let intake = shelf.take(&twice("one", "two"), 10);
    assert_eq!((intake.posts, intake.new, intake.problems.len()), (3, 3, 1));
    assert!(says(&shelf, "two"));
    let sequence = shelf.sequence();
    for minute in 11..50 {
        assert_eq!(shelf.take(&twice("one", "two"), minute).edited, 0);
    }
    assert_eq!(shelf.sequence(), sequence);
}

#[test]
fn a_part_of_an_album_beside_the_album_is_no_post_of_its_own() {
    let shelf = Shelf::new();
    let both = page(&[post(LOAD, 4, 0, &album(LOAD, &[4, 5, 6])), post(LOAD, 5, 0, &album(LOAD, &[5, 6]))]);
    let intake = shelf.take(&both, 10);
    assert_eq!((intake.posts, intake.new, intake.problems.len()), (1, 1, 1));
    assert_eq!(shelf.posts()[0].post.members.len(), 3);
}

#[test]
fn a_deleted_post_that_comes_back_with_an_old_text_is_there_again_at_once() {
    let shelf = Shelf::new();
    poll_each(&shelf, 10, ["one", "two"]);
    let channel = shelf.store.channel(&"kitchen".parse().unwrap()).unwrap().unwrap();
    let gone = diff::deleted(channel.id, second(&shelf), at(12));
    shelf.store.commit(at(12), Batch { changes: vec![gone], ..Batch::default() }).unwrap();
    shelf.take(&reads("one"), 13);
    assert_eq!((second(&shelf).deleted, second(&shelf).revisions), (None, 2));
    poll_each(&shelf, 14, ["one", "one"]);
    assert!(says(&shelf, "one"));
}

#[test]
fn a_title_that_goes_back_and_forth_is_written_seldom_and_a_new_one_at_once() {
    let shelf = Shelf::new();
    let titled = |title: &str| reads("one").replace("<span>Kitchen</span>", &format!("<span>{title}</span>"));
    shelf.take(&titled("Kitchen"), 10);
    shelf.take(&titled("Pantry"), 11);
    let title = || shelf.store.channels().unwrap()[0].info.title.clone();
    assert_eq!(title(), "Pantry");
    let sequence = shelf.sequence();
    for minute in 12..72 {
        shelf.take(&titled(if minute % 2 == 0 { "Kitchen" } else { "Pantry" }), minute);
    }
    assert!(shelf.sequence() <= sequence + 6, "{}", shelf.sequence() - sequence);
    shelf.take(&titled("Cellar"), 90);
    assert_eq!(title(), "Cellar");
}
