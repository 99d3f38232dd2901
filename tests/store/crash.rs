//! What an acknowledged commit is worth when the process is killed or its disk is full.
//! The test program starts itself again as the process that suffers this.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::stored::{at, ids, new_posts, post};
use feedbridge::{
    model::{ChannelId, PostId},
    store::{Batch, Error, Local, Store},
};
use serde_json::json;

const NEWS: ChannelId = ChannelId(7);
const STORE: &str = "FEEDBRIDGE_TEST_STORE";
const BATCH: u64 = 5;
const SEGMENT_BYTES: u64 = 64 << 10;

/// Large enough that a kill can meet the middle of its write, and that few of them fill an index.
fn batch(number: u64) -> Batch {
    let first = (number - 1) * BATCH + 1;
    let mut batch = new_posts(NEWS, first..first + BATCH);
    batch.changes[0].stored = post(first, &"x".repeat(12_000));
    batch.states = vec![(format!("batch/{number:06}"), Some(json!(number)))];
    batch
}

/// A command that runs only the test `name` of this program on the store at `path`.
fn child(name: &str, path: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).env(STORE, path);
    command
}

fn store_path() -> Option<PathBuf> {
    env::var_os(STORE).map(PathBuf::from)
}

fn say(number: u64) {
    let mut out = std::io::stdout();
    writeln!(out, "acknowledged {number}").and_then(|()| out.flush()).unwrap();
}

/// The numbers that the child acknowledged. Its first line begins with what the test harness says.
fn acknowledged(said: impl BufRead) -> impl Iterator<Item = u64> {
    said.lines().map_while(Result::ok).filter_map(|line| line.split_once("acknowledged ")?.1.parse().ok())
}

/// Each batch up to `number` is there once, and nothing of one that is not there whole. Returns how many there are.
fn assert_whole(store: &Local, number: u64) -> u64 {
    let posts = ids(&store.latest(NEWS, None, usize::MAX).unwrap());
    let batches = posts.len() as u64 / BATCH;
    assert!(batches >= number, "{number} batches were acknowledged, {batches} are there");
    assert_eq!(posts, (1..=batches * BATCH).rev().collect::<Vec<_>>());
    assert_eq!(store.states("batch/").unwrap().len() as u64, batches);
    assert_eq!(store.stats().sequence, batches * BATCH, "a record was written twice or lost");
    assert_eq!(store.stats().posts, posts.len() as u64);
    assert!(store.stats().damaged.is_empty());
    batches
}

#[test]
#[ignore = "the process that is killed"]
fn writer() {
    let Some(path) = store_path() else { return };
    let store = Local::open_with(&path, SEGMENT_BYTES).unwrap();
    let mut number = store.stats().posts / BATCH;
    loop {
        number += 1;
        store.commit(at(number as i64), batch(number)).unwrap();
        say(number);
    }
}

#[test]
fn a_killed_process_loses_no_acknowledged_batch_and_leaves_no_half_of_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut before = 0;
    for attempt in 0..20u64 {
        let mut writer = child("crash::writer", directory.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut numbers = acknowledged(BufReader::new(writer.stdout.take().unwrap()));
        let enough = 1 + attempt * 7 % 11;
        let seen = numbers.by_ref().take(enough as usize).last();
        // Not a wait for anything: it moves the kill to another place within a commit.
        std::thread::sleep(Duration::from_micros(attempt * 397 % 3000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let newest = numbers.last().max(seen).expect("the writer acknowledged nothing");
        assert!(newest > before);
        let store = Local::open_with(directory.path(), SEGMENT_BYTES).unwrap();
        before = assert_whole(&store, newest);
    }
}

/// Runs the test `name` in a process whose files cannot grow above `kilobytes`, which fails as a full disk does,
/// and returns what it printed.
fn run_limited(name: &str, path: &Path, kilobytes: u64) -> String {
    let ordinary = child(&format!("crash::{name}"), path);
    let mut command = Command::new("sh");
    // Without the trap the system would kill the process instead of failing the write.
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kilobytes * 2)).arg("sh");
    command.arg(ordinary.get_program()).args(ordinary.get_args()).env(STORE, path);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
#[ignore = "the process whose journal cannot grow"]
fn commits_more_than_fits() {
    let Some(path) = store_path() else { return };
    let store = Local::open(&path).unwrap();
    store.commit(at(1), batch(1)).unwrap();
    let before = store.head(NEWS);
    let mut large = batch(2);
    large.changes[0].stored = post(BATCH + 1, &"x".repeat(8 << 20));
    let state = Batch { states: vec![("large".into(), Some(json!("x".repeat(8 << 20))))], ..batch(2) };
    for (large, file) in [(&large, "000000.jsonl"), (&state, "state.json"), (&large, "000000.jsonl")] {
        assert!(matches!(store.commit(at(2), large.clone()), Err(Error::Io { .. })));
        assert!(store.stats().write_error.unwrap().contains(file));
        assert_eq!(store.state("batch/000002").unwrap(), None);
        assert_eq!(store.post(NEWS, PostId(BATCH + 1)).unwrap(), None, "nothing of a refused batch is visible");
        assert_eq!((store.state("large").unwrap(), store.head(NEWS)), (None, before));
    }
    store.commit(at(2), batch(2)).unwrap();
    assert_eq!(store.stats().write_error, None);
    assert_whole(&store, 2);
    say(2);
}

#[test]
fn a_refused_append_is_taken_back_and_the_next_that_fits_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    let said = run_limited("commits_more_than_fits", directory.path(), 4 << 10);
    assert!(said.contains("acknowledged 2"), "{said}");
    let store = Local::open(directory.path()).unwrap();
    assert_eq!((assert_whole(&store, 2), store.opened().torn_bytes), (2, 0));
}

#[test]
#[ignore = "the process whose index cannot grow"]
fn commits_until_the_index_is_full() {
    let Some(path) = store_path() else { return };
    let store = Local::open_with(&path, SEGMENT_BYTES).unwrap();
    for number in 1.. {
        let committed = store.commit(at(number as i64), batch(number));
        let trouble = store.stats().write_error;
        if committed.is_ok() {
            say(number);
        }
        if trouble.is_some() {
            // One in memory may have taken its place.
            assert!(matches!(store.post(NEWS, PostId(1)), Err(Error::Index(_)) | Ok(Some(_))));
            assert_eq!(store.head(NEWS).posts % BATCH, 0, "the head is told without the index");
            break;
        }
        // Asks the disk, where commits may only have asked memory.
        drop(store.close());
    }
}

#[test]
fn an_index_that_cannot_grow_costs_no_acknowledged_batch() {
    let directory = tempfile::tempdir().unwrap();
    let said = run_limited("commits_until_the_index_is_full", directory.path(), 600);
    let newest = acknowledged(said.as_bytes()).last().expect("nothing was acknowledged");
    let store = Local::open_with(directory.path(), SEGMENT_BYTES).unwrap();
    let batches = assert_whole(&store, newest);
    assert_eq!(batches, newest, "a batch that was refused is there");
    store.commit(at(0), batch(newest + 1)).unwrap();
    assert_whole(&store, newest + 1);
}
