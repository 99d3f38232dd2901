//! The store on a disk: what it is after a restart, and who may open it.

use crate::stored::{at, channel, edited, new_posts, place, post};
use feedbridge::{
    model::{Channel, ChannelId, PostId, Stored},
    store::{Batch, Error, Head, Local, Stats, Store},
};
use serde_json::{Value, json};

const NEWS: ChannelId = ChannelId(7);

fn opened() -> (tempfile::TempDir, Local) {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open(directory.path()).unwrap();
    (directory, store)
}

/// All that a store tells.
type Told = (Vec<Stored>, Vec<Stored>, Vec<Channel>, Vec<(String, Value)>, Head, Stats);

fn told(store: &Local) -> Told {
    (
        store.latest(NEWS, None, 100).unwrap(),
        store.changed(NEWS, 10).unwrap(),
        store.channels().unwrap(),
        store.states("").unwrap(),
        store.head(NEWS),
        store.stats(),
    )
}

#[test]
fn everything_is_the_same_after_a_restart() {
    let (directory, store) = opened();
    let batch = Batch { channel: Some(channel(NEWS, "News")), ..new_posts(NEWS, 1..=30) };
    store.commit(at(100), batch).unwrap();
    store.commit(at(200), edited(NEWS, post(3, "edited"))).unwrap();
    store.commit(at(200), Batch { states: vec![("a".into(), Some(json!({"b": 1})))], ..Batch::default() }).unwrap();
    let before = told(&store);
    store.close().unwrap();
    drop(store);
    let store = Local::open(directory.path()).unwrap();
    let after = told(&store);
    assert_eq!(after, before);
    assert_eq!((after.0.len(), after.5.posts, after.5.sequence), (30, 30, 32));
    assert_eq!(*store.opened(), Default::default(), "an orderly restart repairs nothing");
}

#[test]
fn the_head_is_the_same_after_a_restart_and_when_the_index_is_built_anew() {
    let (directory, store) = opened();
    store.commit(at(100), new_posts(NEWS, [5, 9, 7])).unwrap();
    store.commit(at(50), edited(NEWS, post(5, "the clock was set back"))).unwrap();
    let last = store.head(NEWS);
    drop(store);
    assert_eq!(Local::open(directory.path()).unwrap().head(NEWS), last);
    std::fs::remove_dir_all(directory.path().join("index")).unwrap();
    assert_eq!(Local::open(directory.path()).unwrap().head(NEWS), last);
}

#[test]
fn a_hint_outlives_a_restart_and_is_no_state() {
    let (directory, store) = opened();
    store.set_hint("next", &json!(5)).unwrap();
    store.set_hint("next", &json!(6)).unwrap();
    assert_eq!(store.states("").unwrap(), []);
    assert_eq!((store.stats().sequence, store.stats().journal_bytes), (0, 0), "it never reaches the journal");
    store.close().unwrap();
    drop(store);
    let store = Local::open(directory.path()).unwrap();
    assert_eq!(store.hint("next").unwrap(), Some(json!(6)));
    assert_eq!(store.hint("nex").unwrap(), None);
}

#[test]
fn a_second_opening_is_refused_until_the_first_is_closed() {
    let (directory, store) = opened();
    assert!(matches!(Local::open(directory.path()), Err(Error::Locked(_))));
    assert!(matches!(feedbridge::store::check(&place(directory.path())), Err(Error::Locked(_))));
    drop(store);
    Local::open(directory.path()).unwrap();
}

#[test]
fn a_path_that_cannot_hold_a_store_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let Err(error) = Local::open(&file.join("store")) else { panic!("a file is no directory") };
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("file/store"), "{error}");
}

#[test]
fn a_record_that_could_not_be_read_back_is_refused_whole() {
    let (_directory, store) = opened();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let batch = Batch { states: vec![("deep".into(), Some(deep))], ..new_posts(NEWS, [1]) };
    assert!(matches!(store.commit(at(100), batch), Err(Error::Encode(_))));
    assert_eq!(store.post(NEWS, PostId(1)).unwrap(), None);
    assert_eq!(store.head(NEWS), Head::default());
    assert!(store.stats().write_error.is_some());
    store.commit(at(100), new_posts(NEWS, [1])).unwrap();
    assert_eq!((store.stats().sequence, store.stats().write_error), (1, None));
}
