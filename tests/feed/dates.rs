//! Dates that cannot be: kept as the page has them, and published as first seen; and seconds that few programs know.

use feedbridge::{
    feed::{self, Format},
    store::Store,
};

use super::identity::{LOAD, Shelf, at, page, post, text};

fn dated(id: u64, date: &str) -> String {
    post(LOAD, id, 0, &text(&format!("Number {id}"))).replace(&at(0).to_rfc3339(), date)
}

fn written(shelf: &Shelf) -> String {
    let feed = shelf.feed("https://feeds.example.org");
    let all = [Format::Rss, Format::Atom, Format::Json].map(|format| feed::render(&feed, format));
    String::from_utf8(all.concat()).unwrap()
}

#[test]
fn a_date_that_cannot_be_is_kept_and_the_post_published_as_first_seen() {
    for date in [
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T23:59:59-01:00",
        "2031-01-01T00:00:00+00:00",
        "2026-03-02T12:10:01+00:00",
        "1970-01-01T00:00:00+00:00",
        "0001-01-01T00:00:00+00:00",
        "0000-01-01T00:00:00+01:00",
        "2013-08-13T23:59:59+00:00",
    ] {
        let shelf = Shelf::new();
        let html = page(&[post(LOAD, 1, 0, &text("Before")), dated(2, date), post(LOAD, 3, 1, &text("After"))]);
        let intake = shelf.take(&html, 10);
        let posts = shelf.posts();
        let shown = chrono::DateTime::parse_from_rfc3339(date).unwrap();
        assert_eq!(posts[1].post.published, Some(shown.to_utc()), "{date}");
        assert_eq!((posts[1].published, posts[1].updated), (at(10), at(10)), "{date}");
        assert_eq!(intake.published, [at(0), at(1)], "{date}");
        let bytes = written(&shelf);
        assert!(
            !["9999", "10000", "2031", "1970", "0001-", "0000-", "2013"].iter().any(|year| bytes.contains(year)),
            "{bytes}"
        );
        let sequence = shelf.sequence();
        shelf.take(&html, 20);
        assert_eq!(shelf.sequence(), sequence, "{date}");
        let shelf = shelf.reopened(|folder| std::fs::remove_dir_all(folder.join("index")).unwrap());
        assert_eq!(shelf.posts(), posts, "{date}");
    }
}

#[test]
fn no_post_stays_on_top_for_a_date_that_cannot_be() {
    let shelf = Shelf::new();
    let posts =
        [dated(1, "9999-01-01T00:00:00+00:00"), post(LOAD, 2, 20, &text("Then")), dated(3, "2031-01-01T00:00:00Z")];
    shelf.take(&page(&posts[..2]), 30);
    shelf.take(&page(&posts), 50);
    let newest = || shelf.store.head(shelf.store.channels().unwrap()[0].id).newest_published;
    assert_eq!(newest(), Some(at(50)));
    shelf.take(&page(&[&posts[..], &[post(LOAD, 4, 60, &text("Last"))]].concat()), 70);
    assert_eq!(newest(), Some(at(60)));
    assert_eq!(shelf.guids(), [4, 3, 1, 2].map(|id| format!("https://t.me/Kitchen/{id}")));
}

#[test]
fn a_date_that_is_ahead_by_less_than_a_day_stands() {
    let shelf = Shelf::new();
    shelf.take(&page(&[dated(1, "2026-03-02T12:10:00+00:00")]), 10);
    assert_eq!(shelf.posts()[0].published, at(24 * 60 + 10));
}

#[test]
fn a_machine_without_a_clock_judges_no_date() {
    let shelf = Shelf::new();
    shelf.take(&page(&[post(LOAD, 1, 0, &text("Soup"))]), -60 * 24 * 365 * 56);
    assert_eq!(shelf.posts()[0].published, at(0));
}

#[test]
fn no_leap_second_leaves_the_daemon() {
    let shelf = Shelf::new();
    shelf.take(&page(&[dated(1, "2016-12-31T23:59:60+00:00"), dated(2, "2026-03-01T11:59:60.5+00:00")]), 10);
    let bytes = written(&shelf);
    assert!(!bytes.contains(":60"), "{bytes}");
    assert!(bytes.contains("2017-01-01T00:00:00Z") && bytes.contains("Sun, 01 Mar 2026 12:00:00 GMT"), "{bytes}");
}

#[test]
fn a_leap_second_in_an_older_journal_does_not_leave_it() {
    let shelf = Shelf::new();
    shelf.take(&page(&[dated(1, "2016-12-31T23:59:59+00:00")]), 10);
    let stored = serde_json::to_string(&shelf.posts()[0]).unwrap().replace("23:59:59", "23:59:60");
    let stored: feedbridge::model::Stored = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored.published.to_rfc3339(), "2017-01-01T00:00:00+00:00");
    assert!(!serde_json::to_string(&stored).unwrap().contains(":60"));
}
