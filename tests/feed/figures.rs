//! Polls that are open: their figures are those last seen, at a measured pace, and no figure is an edit.

use feedbridge::{
    diff::{self, Waiting},
    model::{Change, ChangeKind, ChannelId, Post, PostId, Reaction, ReactionLimit, Stored},
};

use super::identity::{LOAD, Shelf, at, page, post, text};

fn poll(kind: &str, yes: u8) -> String {
    let option = |words: &str, percent: u8| {
        format!(
            r#"<div class="tgme_widget_message_poll_option"><div class="tgme_widget_message_poll_option_percent">{percent}%</div><div class="tgme_widget_message_poll_option_value"><div class="tgme_widget_message_poll_option_text">{words}</div></div></div>"#
        )
    };
    let options = option("Yes", yes) + &option("No", 100 - yes);
    let poll = format!(
        r#"<div class="tgme_widget_message_poll js-poll"><div class="tgme_widget_message_poll_question">Tea?</div><div class="tgme_widget_message_poll_type">{kind}</div><div class="tgme_widget_message_poll_options">{options}</div></div>"#
    );
    page(&[post(LOAD, 1, 0, &text("Before")), post(LOAD, 2, 1, &poll)])
}

fn shows(shelf: &Shelf, yes: u8) -> bool {
    let content = &shelf.feed("").items[0].content;
    assert_eq!(shelf.posts()[0].updated, at(1), "no figure is an edit");
    assert_eq!(shelf.posts()[0].revisions, 1);
    content.contains(&format!("Yes {yes}%")) && content.contains(&format!("No {}%", 100 - yes))
}

#[test]
fn the_first_figures_after_a_poll_was_stored_are_shown_at_the_next_look() {
    let shelf = Shelf::new();
    shelf.take(&poll("Anonymous Poll", 0), 10);
    shelf.take(&poll("Anonymous Poll", 75), 11);
    assert!(shows(&shelf, 75));
}

#[test]
fn the_figures_of_an_open_poll_move_once_in_ten_minutes() {
    let shelf = Shelf::new();
    shelf.take(&poll("Anonymous Poll", 0), 10);
    shelf.take(&poll("Anonymous Poll", 10), 11);
    let sequence = shelf.sequence();
    for minute in 12..21 {
        shelf.take(&poll("Anonymous Poll", minute), i64::from(minute));
    }
    assert_eq!(shelf.sequence(), sequence);
    assert!(shows(&shelf, 10));
    shelf.take(&poll("Anonymous Poll", 21), 21);
    assert!(shows(&shelf, 21));
    assert_eq!(shelf.sequence(), sequence + 1);
    for minute in 31..40 {
        shelf.take(&poll("Anonymous Poll", 21), minute);
    }
    assert_eq!(shelf.sequence(), sequence + 1, "figures that stand are no news");
}

#[test]
fn figures_that_were_seen_last_before_a_poll_left_the_page_are_shown_once_it_is_time() {
    let shelf = Shelf::new();
    for (yes, minute) in [(0, 10), (10, 11), (20, 12), (30, 13)] {
        shelf.take(&poll("Anonymous Poll", yes), minute);
    }
    let later = page(&[post(LOAD, 30, 15, &text("Later"))]);
    let figures =
        || format!("{:?}", shelf.feed("").items.iter().find(|item| item.guid.ends_with("/2")).unwrap().content);
    for minute in 14..21 {
        shelf.take(&later, minute);
        assert!(figures().contains("Yes 10%"), "{minute}");
    }
    shelf.take(&later, 21);
    assert!(figures().contains("Yes 30%"), "{}", figures());
    let sequence = shelf.sequence();
    shelf.take(&later, 60);
    assert_eq!(shelf.sequence(), sequence);
}

#[test]
fn figures_that_come_back_to_what_is_shown_wait_for_nothing() {
    let shelf = Shelf::new();
    for (yes, minute) in [(0, 10), (10, 11), (20, 12), (10, 13)] {
        shelf.take(&poll("Anonymous Poll", yes), minute);
    }
    let later = page(&[post(LOAD, 30, 15, &text("Later"))]);
    shelf.take(&later, 14);
    let sequence = shelf.sequence();
    shelf.take(&later, 40);
    assert_eq!(shelf.sequence(), sequence);
}

#[test]
fn an_edit_beside_figures_that_wait_is_taken_at_once() {
    let shelf = Shelf::new();
    for (yes, minute) in [(0, 10), (10, 11), (20, 12)] {
        shelf.take(&poll("Anonymous Poll", yes), minute);
    }
    shelf.take(&poll("Anonymous Poll", 30).replace("Tea?", "Coffee?"), 13);
    let newest = shelf.posts().remove(0);
    assert_eq!((newest.revisions, newest.updated), (2, at(13)));
    assert!(shelf.feed("").items[0].content.contains("Yes 30%"));
}

#[test]
fn the_final_figures_are_shown_at_once_and_stay() {
    let shelf = Shelf::new();
    shelf.take(&poll("Anonymous Poll", 0), 10);
    shelf.take(&poll("Anonymous Poll", 10), 11);
    shelf.take(&poll("Final Results", 12), 12);
    assert!(shows(&shelf, 12));
    let sequence = shelf.sequence();
    for minute in 13..60 {
        let late = if minute % 2 == 0 { poll("Anonymous Poll", 11) } else { poll("Final Results", 12) };
        shelf.take(&late, minute);
    }
    assert_eq!(shelf.sequence(), sequence, "a mirror that is late opens no poll again");
    assert!(shows(&shelf, 12));
}

/// A post with so many clowns.
fn ridiculed(count: &str) -> Post {
    let reactions = vec![Reaction { emoji: "🤡\u{fe0f}".to_owned(), count: count.to_owned() }];
    Post { reactions, published: Some(at(0)), ..Post::new(PostId(1)) }
}

/// What becomes of a post that showed `before` and shows `now`.
fn changes(before: &str, now: &str, limits: &[ReactionLimit]) -> Vec<Change> {
    let stored: Vec<Stored> =
        diff::diff(ChannelId(7), Vec::new(), vec![ridiculed(before)], at(1)).into_iter().map(|c| c.stored).collect();
    diff::damped(ChannelId(7), stored, vec![ridiculed(now)], Waiting::default(), limits, at(2)).changes
}

#[test]
fn reactions_are_stored_anew_when_they_reach_a_limit_that_a_feed_goes_by_and_not_else() {
    let limits = [30, 1000].map(|figure| ReactionLimit { emoji: "🤡".to_owned(), figure });
    for (before, now, stored) in
        [("3", "29", false), ("3", "30", true), ("30", "999", false), ("999", "1.2K", true), ("31", "3", false)]
    {
        let changes = changes(before, now, &limits);
        assert_eq!(
            changes.iter().map(|change| change.kind).collect::<Vec<_>>(),
            [ChangeKind::Renewed][..usize::from(stored)]
        );
        assert!(changes.iter().all(|change| change.stored.updated == at(0)), "{before} {now}");
    }
    assert_eq!(changes("3", "300", &[]), []);
}
