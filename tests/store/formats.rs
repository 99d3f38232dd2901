//! Stores that earlier builds of the daemon left, one folder in `stores` for each format: they open and hold the same.

use std::{fs, path::Path};

use feedbridge::{
    config::Config,
    diff::with_known,
    edition::{BEFORE_ANY_POST, Coding, Key, Press},
    feed::Format,
    feeds::Feeds,
    media::Addresses,
    model::{ChannelName, Known, PostId},
    status::Board,
    store::{Batch, Local, Store},
};
use serde_json::Value;
use std::sync::Arc;

/// The store of that format, as an earlier daemon left it, in a place of its own.
fn left_by(format: u32) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    copy(&folder(format), directory.path());
    directory
}

fn folder(format: u32) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/store/stores/{format}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The items of the channel's JSON feed.
fn items(store: &Arc<dyn Store>, channel: &str) -> Value {
    let text = "[server]\npublic_url = \"http://feeds.example\"\n[[channel]]\nname = \"kettle\"\n[[channel]]\nname = \"teapot\"\n";
    let feeds = Feeds::of(&Config::parse(text).unwrap());
    let board = Arc::new(Board::new([channel.parse::<ChannelName>().unwrap()]));
    let press = Press::new(Arc::clone(store), board, "http://feeds.example".to_owned(), None, Addresses::default());
    let feed = feeds.now().find(channel).unwrap().clone();
    let edition = press.make(&Key::whole(feed, Format::Json, Coding::Identity)).unwrap();
    assert!(edition.version.changed > BEFORE_ANY_POST);
    serde_json::from_slice::<Value>(&edition.bytes).unwrap()["items"].clone()
}

#[test]
fn a_store_of_the_first_format_holds_the_same_posts_guids_times_and_leases() {
    for without_index in [false, true] {
        let directory = left_by(1);
        if without_index {
            fs::remove_dir_all(directory.path().join("index")).unwrap();
        }
        for _ in 0..2 {
            let store: Arc<dyn Store> = Arc::new(Local::open(directory.path()).unwrap());
            for channel in ["kettle", "teapot"] {
                let before = fs::read_to_string(folder(1).join(format!("{channel}.json"))).unwrap();
                let before: Value = serde_json::from_str(&before).unwrap();
                for (was, is) in
                    before["items"].as_array().unwrap().iter().zip(items(&store, channel).as_array().unwrap())
                {
                    for member in ["id", "url", "title", "content_html", "date_published", "date_modified"] {
                        assert_eq!(is[member], was[member], "{channel}");
                    }
                }
                assert_eq!(items(&store, channel).as_array().unwrap().len(), before["items"].as_array().unwrap().len());
            }
            let leases = store.states("hub/lease/").unwrap();
            assert_eq!(leases.len(), 1);
            assert_eq!(leases[0].1["secret"], Value::Null);
            assert_eq!(store.stats().sequence, 18);
            store.close().unwrap();
        }
    }
}

#[test]
fn a_store_of_the_second_format_knows_nothing_of_files_and_takes_what_is_found_out() {
    for without_index in [false, true] {
        let directory = left_by(2);
        if without_index {
            fs::remove_dir_all(directory.path().join("index")).unwrap();
        }
        let store: Arc<dyn Store> = Arc::new(Local::open(directory.path()).unwrap());
        for channel in ["kettle", "teapot"] {
            let before: Value =
                serde_json::from_str(&fs::read_to_string(folder(2).join(format!("{channel}.json"))).unwrap()).unwrap();
            assert_eq!(items(&store, channel), before["items"], "{channel}");
        }
        let channel = store.channel(&"kettle".parse().unwrap()).unwrap().unwrap();
        let pictured = store.post(channel.id, PostId(1)).unwrap().unwrap();
        let change = with_known(channel.id, pictured, |_| Some(Known::of(1000, "image/png"))).unwrap();
        store.commit(channel.first_seen, Batch { changes: vec![change], ..Batch::default() }).unwrap();
        store.close().unwrap();
        drop(store);
        let store: Arc<dyn Store> = Arc::new(Local::open(directory.path()).unwrap());
        let measured = &items(&store, "kettle")[2]["attachments"][0];
        assert_eq!((&measured["size_in_bytes"], &measured["mime_type"]), (&1000.into(), &"image/png".into()));
    }
}

#[test]
fn a_build_that_knows_no_formats_cannot_take_the_lock_of_a_newer_store() {
    let directory = left_by(1);
    assert!(directory.path().join("lock").is_file());
    drop(Local::open(directory.path()).unwrap());
    // It opened the lock so.
    let taken = fs::OpenOptions::new().create(true).append(true).open(directory.path().join("lock"));
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::IsADirectory);
}
