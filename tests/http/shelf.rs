//! The shelf by itself.

use std::{
    convert::Infallible,
    sync::{
        Barrier, LazyLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use feedbridge::{
    config::Config,
    edition::{BEFORE_ANY_POST, Coding, Edition, Key, Version},
    feed::Format,
    feeds::FeedId,
    model::ChannelId,
    shelf::{Origin, Shelf},
    store::Head,
};

static FEED: LazyLock<FeedId> = LazyLock::new(feed);

fn feed() -> FeedId {
    FeedId::new(Config::shipped().feeds[0].clone(), 1, BEFORE_ANY_POST)
}

fn key() -> Key {
    Key::whole(FEED.clone(), Format::Rss, Coding::Identity)
}

fn version(sequence: u64) -> Version {
    Version { identity: 1, heads: sequence, sequence, changed: BEFORE_ANY_POST, modified: None }
}

fn edition(sequence: u64, bytes: usize) -> Edition {
    Edition { version: version(sequence), bytes: Bytes::from(vec![b'x'; bytes]), sequences: [sequence].into() }
}

fn make(shelf: &Shelf, key: Key, sequence: u64) -> (Edition, Origin) {
    let made = shelf.edition(key, &version(sequence), || Ok::<_, Infallible>(edition(sequence, 1000)));
    let (edition, origin) = made.unwrap();
    ((*edition).clone(), origin)
}

#[test]
fn an_edition_is_made_once_per_version() {
    let shelf = Shelf::new(1 << 20);
    assert_eq!(make(&shelf, key(), 1), (edition(1, 1000), Origin::Made));
    assert_eq!(make(&shelf, key(), 1), (edition(1, 1000), Origin::Shelved));
    assert_eq!(make(&shelf, key(), 2), (edition(2, 1000), Origin::Made));
}

#[test]
fn a_request_that_is_late_gets_the_newer_edition() {
    let shelf = Shelf::new(1 << 20);
    make(&shelf, key(), 2);
    assert_eq!(make(&shelf, key(), 1), (edition(2, 1000), Origin::Shelved));
}

#[test]
fn a_change_that_comes_to_light_late_makes_a_version_too() {
    let at = |sequence| Head { sequence, ..Head::default() };
    let before = Version::new(1, BEFORE_ANY_POST, &[(ChannelId(1), at(5)), (ChannelId(2), at(7))], false);
    let after = Version::new(1, BEFORE_ANY_POST, &[(ChannelId(1), at(6)), (ChannelId(2), at(7))], false);
    assert_eq!(before.sequence, after.sequence);
    assert_ne!(before, after);
}

#[test]
fn formats_codings_and_deltas_stand_apart() {
    let shelf = Shelf::new(1 << 20);
    for key in [
        key(),
        Key { feed: feed(), ..key() },
        Key { format: Format::Atom, ..key() },
        Key { coding: Coding::Gzip, ..key() },
        Key { since: Some(1), ..key() },
    ] {
        assert_eq!(make(&shelf, key, 1).1, Origin::Made);
    }
}

#[test]
fn the_last_good_edition_stands_in_when_making_fails() {
    let shelf = Shelf::new(1 << 20);
    let fail = |sequence| shelf.edition(key(), &version(sequence), || Err("broken"));
    assert_eq!(fail(1).unwrap_err(), "broken");
    make(&shelf, key(), 1);
    let (stale, origin) = fail(2).unwrap();
    assert_eq!((stale.version.sequence, origin), (1, Origin::Outdated));
    assert!(shelf.get(&key(), &version(2)).is_none());
}

#[test]
fn of_many_at_once_one_makes_the_edition() {
    let shelf = Shelf::new(1 << 20);
    let (made, together) = (AtomicUsize::new(0), Barrier::new(16));
    std::thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| {
                together.wait();
                let make = || {
                    made.fetch_add(1, SeqCst);
                    Ok::<_, Infallible>(edition(1, 1000))
                };
                assert_eq!(shelf.edition(key(), &version(1), make).unwrap().0.version, version(1));
            });
        }
    });
    assert_eq!(made.load(SeqCst), 1);
}

#[test]
fn the_shelf_is_bounded_in_bytes() {
    let shelf = Shelf::new(100_000);
    let feeds: Vec<_> = (0..100).map(|_| feed()).collect();
    for feed in &feeds {
        shelf
            .edition(Key { feed: feed.clone(), ..key() }, &version(1), || Ok::<_, Infallible>(edition(1, 10_000)))
            .unwrap();
    }
    let held = feeds.into_iter().filter(|feed| shelf.last_good(&Key { feed: feed.clone(), ..key() }).is_some()).count();
    // Eviction may lag behind by a batch of writes, never without bound.
    assert!(held < 100, "{held}");
}

#[test]
fn an_edition_larger_than_the_shelf_is_served_all_the_same() {
    let shelf = Shelf::new(10);
    assert_eq!(make(&shelf, key(), 1), (edition(1, 1000), Origin::Made));
}
