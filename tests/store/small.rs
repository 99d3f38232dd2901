//! The small state: what the two files that hold it survive, and what they have to do with the journal.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::stored::{at, new_posts, place};
use feedbridge::{
    model::{ChannelId, PostId},
    store::{Batch, Error, Local, Store, check},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const NEWS: ChannelId = ChannelId(7);
const FILES: [&str; 2] = ["state.json", "state.copy.json"];

fn note(key: &str, value: Option<Value>) -> Batch {
    Batch { states: vec![(key.to_owned(), value)], ..Batch::default() }
}

/// A closed store with a post and two values, the second of which came with the post.
fn closed() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open(directory.path()).unwrap();
    store.commit(at(0), note("first", Some(json!(1)))).unwrap();
    store.commit(at(1), Batch { states: vec![("second".into(), Some(json!(2)))], ..new_posts(NEWS, [1]) }).unwrap();
    store.close().unwrap();
    directory
}

fn values(store: &Local) -> Vec<(String, Value)> {
    store.states("").unwrap()
}

fn both() -> Vec<(String, Value)> {
    vec![("first".to_owned(), json!(1)), ("second".to_owned(), json!(2))]
}

fn journal(directory: &Path) -> PathBuf {
    directory.join("journal/000000.jsonl")
}

#[test]
fn a_flipped_bit_wherever_it_is_costs_no_value_and_is_told() {
    for file in FILES {
        let length = fs::read(closed().path().join(file)).unwrap().len();
        for byte in (0..length).step_by(3) {
            let directory = closed();
            let path = directory.path().join(file);
            let mut text = fs::read(&path).unwrap();
            text[byte] ^= 1 << (byte % 8);
            fs::write(&path, &text).unwrap();
            let seen = check(&place(directory.path())).unwrap();
            assert_eq!((seen.damaged_state, seen.lost_state), (vec![file], false), "byte {byte}");
            let store = Local::open(directory.path()).unwrap();
            assert_eq!((values(&store), store.opened().damaged_state.as_slice()), (both(), [file].as_slice()));
            assert_eq!(fs::read(directory.path().join(format!("{file}.bad"))).unwrap(), text);
            drop(store);
            assert_eq!(Local::open(directory.path()).unwrap().opened().damaged_state, [""; 0]);
            assert_eq!(fs::read(&path).unwrap(), fs::read(directory.path().join(FILES[0])).unwrap());
        }
    }
}

#[test]
fn a_file_that_is_missing_or_older_is_written_again_from_the_other() {
    for file in FILES {
        let directory = closed();
        let path = directory.path().join(file);
        let older = fs::read(&path).unwrap();
        Local::open(directory.path()).unwrap().commit(at(2), note("first", None)).unwrap();
        for stale in [Some(&older), None] {
            match stale {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let store = Local::open(directory.path()).unwrap();
            assert_eq!(values(&store), both()[1..]);
            assert_eq!(
                fs::read(directory.path().join(FILES[0])).unwrap(),
                fs::read(directory.path().join(FILES[1])).unwrap()
            );
        }
    }
}

#[test]
fn two_damaged_files_are_said_to_be_lost_and_the_posts_are_there() {
    let directory = closed();
    for file in FILES {
        fs::write(directory.path().join(file), "nothing of ours").unwrap();
    }
    let store = Local::open(directory.path()).unwrap();
    assert!(store.opened().lost_state);
    assert_eq!((values(&store), store.stats().posts), (vec![], 1));
    store.commit(at(2), note("third", Some(json!(3)))).unwrap();
    drop(store);
    assert_eq!(Local::open(directory.path()).unwrap().state("third").unwrap(), Some(json!(3)));
}

#[test]
fn a_value_that_goes_with_posts_holds_only_if_the_journal_has_them() {
    let directory = closed();
    let whole = fs::read(journal(directory.path())).unwrap();
    // Cut short while the batch was written, after its value was announced.
    fs::write(journal(directory.path()), &whole[..whole.len() / 2]).unwrap();
    fs::remove_dir_all(directory.path().join("index")).unwrap();
    let store = Local::open(directory.path()).unwrap();
    assert_eq!((values(&store), store.stats().posts), (both()[..1].to_vec(), 0));
    // Another batch gets the number that the lost one had.
    store.commit(at(3), new_posts(NEWS, [2])).unwrap();
    drop(store);
    let store = Local::open(directory.path()).unwrap();
    assert_eq!((values(&store), store.stats().posts), (both()[..1].to_vec(), 1));
    assert!(store.post(NEWS, PostId(2)).unwrap().is_some());
}

#[test]
fn values_that_change_for_ever_do_not_make_the_journal_longer() {
    let directory = closed();
    let store = Local::open(directory.path()).unwrap();
    let before = (store.stats().journal_bytes, store.stats().sequence);
    for second in 0..200 {
        store.commit(at(second), note("hub/lease/x", Some(json!({"until": second})))).unwrap();
    }
    assert_eq!((store.stats().journal_bytes, store.stats().sequence), before);
    assert!(fs::metadata(directory.path().join(FILES[0])).unwrap().len() < 400);
}

#[test]
fn a_store_of_a_newer_build_is_refused_and_not_touched() {
    let directory = closed();
    let text = r#""format":99,"what":"nobody knows"}"#;
    let sealed = format!("{{\"crc\":\"{:08x}\",{text}\n", crc32fast::hash(text.as_bytes()));
    for file in FILES {
        fs::write(directory.path().join(file), &sealed).unwrap();
    }
    let files = || {
        let names = ["state.json", "state.copy.json", "journal/000000.jsonl", "index/db"];
        names.map(|name| fs::read(directory.path().join(name)).unwrap())
    };
    let before = files();
    let refused = Local::open(directory.path()).err().unwrap();
    assert!(matches!(refused, Error::Newer { format: 99, .. }), "{refused}");
    assert!(refused.to_string().contains("newer feedbridge"), "{refused}");
    assert!(matches!(check(&place(directory.path())), Err(Error::Newer { .. })));
    assert_eq!(files(), before);
}
