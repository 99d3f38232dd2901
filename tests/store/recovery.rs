//! What the store makes of files that were damaged, lost or left half written while it was closed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::stored::{at, channel, edited, ids, new_posts, place, post};
use feedbridge::{
    model::{ChannelId, PostId, Stored},
    store::{Batch, Head, IndexState, Local, Store, check},
};
use serde_json::json;

const NEWS: ChannelId = ChannelId(7);
const POSTS: u64 = 60;

/// What happens to one line of the journal.
type Damage = fn(&mut Vec<u8>);

/// Everything that a store tells.
type Content = (Vec<Stored>, Vec<Stored>, Head, Vec<(String, serde_json::Value)>, usize, u64);

fn content(store: &Local) -> Content {
    (
        store.latest(NEWS, None, 1000).unwrap(),
        store.changed(NEWS, 1000).unwrap(),
        store.head(NEWS),
        store.states("").unwrap(),
        store.revisions(NEWS, PostId(3)).unwrap().len(),
        store.stats().posts,
    )
}

/// A closed store of 12 batches of 5 posts, one edit and one state, with its content.
fn closed(segment_bytes: u64) -> (tempfile::TempDir, Content) {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open_with(directory.path(), segment_bytes).unwrap();
    store.commit(at(0), Batch { channel: Some(channel(NEWS, "News")), ..Batch::default() }).unwrap();
    for first in (1..=POSTS).step_by(5) {
        store.commit(at(first as i64), new_posts(NEWS, first..first + 5)).unwrap();
    }
    store.commit(at(1000), edited(NEWS, post(3, "edited"))).unwrap();
    store.commit(at(1001), Batch { states: vec![("key".into(), Some(json!(1)))], ..Batch::default() }).unwrap();
    let content = content(&store);
    assert_eq!((content.0.len() as u64, content.4), (POSTS, 2));
    store.close().unwrap();
    drop(store);
    (directory, content)
}

fn segment(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("journal/{number:06}.jsonl"))
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    fs::read(path).unwrap().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { assert!(fs::copy(&path, &target).is_ok()) }
    }
}

/// Puts the index of another store, of as many records, in the place of this one's.
fn exchange_index(directory: &Path) {
    let other = tempfile::tempdir().unwrap();
    let store = Local::open(other.path()).unwrap();
    store.commit(at(0), new_posts(ChannelId(8), 1..=63)).unwrap();
    assert_eq!(store.stats().sequence, 63);
    drop(store);
    fs::remove_dir_all(directory.join("index")).unwrap();
    copy(&other.path().join("index"), &directory.join("index"));
}

fn set_aside(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("index.bad.")).count()
}

#[test]
fn a_deleted_index_is_built_anew() {
    let (directory, before) = closed(4096);
    fs::remove_dir_all(directory.path().join("index")).unwrap();
    let store = Local::open(directory.path()).unwrap();
    assert_eq!(content(&store), before);
    assert_eq!(store.opened().replayed, store.stats().sequence);
}

#[test]
fn an_index_with_a_flipped_byte_costs_nothing_wherever_it_is() {
    let (directory, before) = closed(1 << 20);
    let mut rebuilt = 0;
    for file in files_below(&directory.path().join("index")) {
        let relative = file.strip_prefix(directory.path()).unwrap();
        let whole = fs::read(&file).unwrap();
        // Most of sled's file is still empty.
        let used = whole.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let trials = used.min(16);
        for trial in 0..trials {
            let copied = tempfile::tempdir().unwrap();
            copy(directory.path(), copied.path());
            let mut bytes = whole.clone();
            bytes[used * trial / trials + trial % 7 % used] ^= 0x41;
            fs::write(copied.path().join(relative), &bytes).unwrap();
            let store = Local::open(copied.path()).unwrap();
            assert_eq!(content(&store), before, "byte {} of {}", used * trial / trials, relative.display());
            store.commit(at(2000), new_posts(NEWS, [POSTS + 1])).unwrap();
            assert_eq!(store.head(NEWS).posts, POSTS + 1);
            rebuilt += usize::from(store.opened().rebuilt.is_some());
        }
    }
    assert!(rebuilt > 0, "no flipped byte hit anything that sled checks");
}

#[test]
fn an_index_cut_short_or_overwritten_is_built_anew_and_kept_for_a_look() {
    let (directory, before) = closed(1 << 20);
    for file in files_below(&directory.path().join("index")) {
        let relative = file.strip_prefix(directory.path()).unwrap();
        let whole = fs::read(&file).unwrap();
        let garbled = [Vec::new(), whole[..whole.len() / 2].to_vec(), vec![0xff; whole.len()], vec![0; whole.len()]];
        for bytes in garbled {
            let copied = tempfile::tempdir().unwrap();
            copy(directory.path(), copied.path());
            fs::write(copied.path().join(relative), &bytes).unwrap();
            let store = Local::open(copied.path()).unwrap();
            assert_eq!(content(&store), before, "{} of {} bytes", relative.display(), bytes.len());
            assert_eq!(set_aside(copied.path()), usize::from(store.opened().rebuilt.is_some()));
        }
    }
}

#[test]
fn only_the_newest_index_that_was_set_aside_is_kept() {
    let (directory, before) = closed(1 << 20);
    for _ in 0..3 {
        exchange_index(directory.path());
        let store = Local::open(directory.path()).unwrap();
        assert!(store.opened().rebuilt.is_some());
        assert_eq!(content(&store), before);
        assert_eq!(set_aside(directory.path()), 1);
    }
}

#[test]
fn an_index_behind_the_journal_gets_what_it_lacks() {
    let (directory, _) = closed(4096);
    let kept = tempfile::tempdir().unwrap();
    copy(&directory.path().join("index"), kept.path());
    let store = Local::open_with(directory.path(), 4096).unwrap();
    store.commit(at(3000), new_posts(NEWS, 101..=120)).unwrap();
    store.commit(at(3001), edited(NEWS, post(101, "edited"))).unwrap();
    let before = content(&store);
    drop(store);
    fs::remove_dir_all(directory.path().join("index")).unwrap();
    copy(kept.path(), &directory.path().join("index"));
    let seen = check(&place(directory.path())).unwrap();
    assert_eq!(seen.index, IndexState::Behind(21));
    let store = Local::open(directory.path()).unwrap();
    assert_eq!((store.opened().replayed, &store.opened().rebuilt), (21, &None));
    assert_eq!(content(&store), before);
}

#[test]
fn an_index_ahead_of_the_journal_is_built_anew() {
    let (directory, before) = closed(1 << 20);
    let kept = fs::read(segment(directory.path(), 0)).unwrap();
    let store = Local::open(directory.path()).unwrap();
    store.commit(at(3000), new_posts(NEWS, 101..=120)).unwrap();
    store.close().unwrap();
    drop(store);
    fs::write(segment(directory.path(), 0), kept).unwrap();
    let store = Local::open(directory.path()).unwrap();
    assert!(store.opened().rebuilt.is_some());
    assert_eq!(content(&store), before);
}

#[test]
fn an_index_of_another_journal_is_built_anew() {
    let (directory, before) = closed(1 << 20);
    exchange_index(directory.path());
    let store = Local::open(directory.path()).unwrap();
    assert!(store.opened().rebuilt.is_some());
    assert_eq!(content(&store), before);
    assert_eq!(store.head(ChannelId(8)), Head::default());
}

#[test]
fn an_append_torn_anywhere_is_cut_off_whole_and_kept_aside() {
    let (directory, before) = closed(1 << 20);
    let path = segment(directory.path(), 0);
    let whole = fs::read(&path).unwrap();
    let store = Local::open(directory.path()).unwrap();
    store.commit(at(3000), new_posts(NEWS, 101..=103)).unwrap();
    drop(store);
    let longer = fs::read(&path).unwrap();
    let batch = longer.len() - whole.len();
    let one_line = batch / 3;
    for torn in [1, one_line / 2, one_line, one_line + 1, batch - one_line, batch - 1] {
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        fs::write(segment(copied.path(), 0), &longer[..whole.len() + torn]).unwrap();
        assert_eq!(check(&place(copied.path())).unwrap().torn_bytes, torn as u64);
        let store = Local::open(copied.path()).unwrap();
        assert_eq!(content(&store), before, "{torn} bytes of {batch}");
        assert_eq!((store.opened().torn_bytes, store.stats().damaged), (torn as u64, vec![]));
        assert_eq!(fs::read(segment(copied.path(), 0)).unwrap(), whole);
        assert_eq!(fs::read(copied.path().join("journal/000000.torn")).unwrap(), &longer[whole.len()..][..torn]);
        store.commit(at(3000), new_posts(NEWS, 101..=103)).unwrap();
        drop(store);
        assert_eq!(fs::read(segment(copied.path(), 0)).unwrap(), longer, "the numbers are given again");
    }
}

#[test]
fn a_last_batch_that_is_damaged_and_not_indexed_is_cut_off_whole() {
    let (directory, before) = closed(1 << 20);
    let path = segment(directory.path(), 0);
    let whole = fs::read(&path).unwrap();
    let store = Local::open(directory.path()).unwrap();
    store.commit(at(3000), new_posts(NEWS, 101..=103)).unwrap();
    drop(store);
    let longer = fs::read(&path).unwrap();
    for place in [whole.len() + 40, (whole.len() + longer.len()) / 2, longer.len() - 40, longer.len() - 1] {
        let mut bytes = longer.clone();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        fs::remove_dir_all(directory.path().join("index")).unwrap();
        let store = Local::open(directory.path()).unwrap();
        assert_eq!(content(&store), before);
        assert_eq!(store.stats().damaged, [0u64; 0]);
    }
}

#[test]
fn a_last_batch_that_rots_costs_no_post_while_the_index_has_it() {
    let (directory, _) = closed(1 << 20);
    let path = segment(directory.path(), 0);
    let whole = fs::read(&path).unwrap().len();
    let store = Local::open(directory.path()).unwrap();
    store.commit(at(3000), new_posts(NEWS, 101..=103)).unwrap();
    let before = ids(&store.latest(NEWS, None, 1000).unwrap());
    store.close().unwrap();
    drop(store);
    let length = fs::read(&path).unwrap().len();
    for byte in [whole + 10, whole + 40, (whole + length) / 2, length - 40, length - 1] {
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        let mut bytes = fs::read(&path).unwrap();
        bytes[byte] ^= 1;
        fs::write(segment(copied.path(), 0), &bytes).unwrap();
        let seen = check(&place(copied.path())).unwrap();
        assert_eq!((seen.torn_bytes, seen.damaged.len(), seen.index), (0, 1, IndexState::Sound), "byte {byte}");
        let store = Local::open(copied.path()).unwrap();
        assert_eq!((store.opened().torn_bytes, store.opened().mended.len()), (0, 1), "byte {byte}");
        assert_eq!(ids(&store.latest(NEWS, None, 1000).unwrap()), before, "byte {byte}");
        assert!(fs::read(segment(copied.path(), 0)).unwrap().starts_with(&bytes), "a damaged line stays");
    }
}

/// The first letter of the checksum, as a flipped bit makes it.
fn capital(line: &mut [u8]) {
    let letter = (8..16).find(|byte| line[*byte].is_ascii_lowercase()).expect("a letter in the checksum");
    line[letter] ^= 0x20;
}

#[test]
fn a_damaged_line_is_reported_and_the_good_ones_after_it_are_used() {
    // A line's number, and how it is damaged; line 0 holds record 1.
    let damages: [(usize, Damage); 6] = [
        (5, |line| capital(line)),
        (20, |line| line[100] ^= 1),
        (1, |line| line[10] = b'z'),
        (10, |line| line.truncate(50)),
        (33, |line| *line.last_mut().unwrap() = b' '),
        (34, Vec::clear),
    ];
    for (number, damage) in damages {
        let (directory, before) = closed(1 << 20);
        fs::remove_dir_all(directory.path().join("index")).unwrap();
        let path = segment(directory.path(), 0);
        let mut lines = lines(&path);
        let original = lines.concat();
        damage(&mut lines[number]);
        // A line without its end takes the next one with it.
        let both = lines[number].last().is_some_and(|last| *last != b'\n');
        fs::write(&path, lines.concat()).unwrap();
        let store = Local::open(directory.path()).unwrap();
        let lost: Vec<u64> = (number as u64 + 1..).take(if both { 2 } else { 1 }).collect();
        assert_eq!(store.stats().damaged, lost);
        assert_eq!(store.opened().damaged, lost);
        // Record n holds post n - 1.
        let kept: Vec<u64> = ids(&before.0).into_iter().filter(|id| !lost.contains(&(id + 1))).collect();
        assert_eq!(ids(&store.latest(NEWS, None, 1000).unwrap()), kept);
        assert_eq!(store.stats().sequence, 62);
        store.commit(at(3000), new_posts(NEWS, [101])).unwrap();
        drop(store);
        let after = fs::read(&path).unwrap();
        assert!(after.starts_with(&lines.concat()), "a damaged line stays for someone to look at");
        assert_ne!(after, original);
        let store = Local::open(directory.path()).unwrap();
        assert_eq!((store.stats().damaged, store.stats().sequence), (lost, 63));
        assert_eq!(store.opened().rebuilt, None);
    }
}

#[test]
fn a_line_that_rots_after_it_was_indexed_costs_no_post() {
    for byte in [10, 100] {
        let (directory, before) = closed(1 << 20);
        let path = segment(directory.path(), 0);
        let mut lines = lines(&path);
        lines[20][byte] ^= 1;
        fs::write(&path, lines.concat()).unwrap();
        for mended in [vec![21], vec![], vec![]] {
            let store = Local::open(directory.path()).unwrap();
            assert_eq!((&store.opened().mended, store.stats().damaged), (&mended, vec![]));
            let posts = store.latest(NEWS, None, 1000).unwrap();
            assert_eq!(shown(&posts), shown(&before.0));
            assert_eq!(store.head(NEWS).posts, POSTS);
            drop(store);
            assert_eq!(check(&place(directory.path())).unwrap().damaged, [0u64; 0]);
            // From the second start on the index does not have to know.
            fs::remove_dir_all(directory.path().join("index")).unwrap();
        }
    }
}

/// What readers see of posts.
fn shown(posts: &[Stored]) -> Vec<Stored> {
    posts.iter().map(|stored| Stored { sequence: 0, ..stored.clone() }).collect()
}

#[test]
fn a_rotten_edit_stays_an_edit_and_a_rotten_revision_before_it_stays_reported() {
    for (number, mended, remaining, revisions) in [(61, vec![62], vec![], 2), (3, vec![], vec![4], 1)] {
        let (directory, before) = closed(1 << 20);
        let path = segment(directory.path(), 0);
        let mut lines = lines(&path);
        lines[number][100] ^= 1;
        fs::write(&path, lines.concat()).unwrap();
        assert_eq!(Local::open(directory.path()).unwrap().opened().mended, mended);
        fs::remove_dir_all(directory.path().join("index")).unwrap();
        let store = Local::open(directory.path()).unwrap();
        assert_eq!(store.stats().damaged, remaining);
        assert_eq!(shown(&store.latest(NEWS, None, 1000).unwrap()), shown(&before.0));
        assert_eq!(ids(&store.changed(NEWS, 10).unwrap()), [3]);
        assert_eq!(store.revisions(NEWS, PostId(3)).unwrap().len(), revisions, "record {number}");
    }
}

#[test]
fn a_rotten_channel_is_written_again() {
    let (directory, _) = closed(1 << 20);
    let path = segment(directory.path(), 0);
    let mut lines = lines(&path);
    lines[0][60] ^= 1;
    fs::write(&path, lines.concat()).unwrap();
    drop(Local::open(directory.path()).unwrap());
    fs::remove_dir_all(directory.path().join("index")).unwrap();
    let store = Local::open(directory.path()).unwrap();
    assert_eq!(store.channels().unwrap().len(), 1);
    assert_eq!(store.stats().damaged, [1]);
}

#[test]
fn a_journal_in_many_segments_is_one_journal() {
    let (directory, before) = closed(4096);
    let segments = (0..).take_while(|number| segment(directory.path(), *number).exists()).count();
    assert!(segments > 4, "{segments}");
    fs::remove_dir_all(directory.path().join("index")).unwrap();
    let store = Local::open_with(directory.path(), 4096).unwrap();
    assert_eq!(content(&store), before);
    let bytes: u64 =
        files_below(&directory.path().join("journal")).iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(store.stats().journal_bytes, bytes);
    assert_eq!(store.revisions(NEWS, PostId(40)).unwrap()[0].stored, store.post(NEWS, PostId(40)).unwrap().unwrap());
}

#[test]
fn a_lost_segment_is_reported_record_by_record() {
    let (directory, _) = closed(4096);
    let first_of = |number| -> u64 {
        let line: serde_json::Value = serde_json::from_slice(&lines(&segment(directory.path(), number))[0]).unwrap();
        line["seq"].as_u64().unwrap()
    };
    let lost: Vec<u64> = (first_of(2)..first_of(3)).collect();
    fs::remove_file(segment(directory.path(), 2)).unwrap();
    fs::remove_dir_all(directory.path().join("index")).unwrap();
    let store = Local::open(directory.path()).unwrap();
    assert_eq!(store.stats().damaged, lost);
    assert_eq!(store.stats().posts, POSTS - lost.len() as u64);
}

#[test]
fn a_segment_begun_but_never_written_is_no_damage() {
    let (directory, before) = closed(4096);
    let next = (0..).find(|number| !segment(directory.path(), *number).exists()).unwrap();
    fs::write(segment(directory.path(), next), "").unwrap();
    let store = Local::open(directory.path()).unwrap();
    assert_eq!((content(&store), store.stats().damaged), (before, vec![]));
    store.commit(at(3000), new_posts(NEWS, [101])).unwrap();
    assert_eq!(lines(&segment(directory.path(), next)).len(), 1);
}

#[test]
fn a_check_tells_what_is_there_and_changes_nothing() {
    let (directory, _) = closed(4096);
    let snapshot = |directory: &Path| {
        let mut files: Vec<_> =
            files_below(directory).into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect();
        files.sort();
        files
    };
    let before = snapshot(directory.path());
    let seen = check(&place(directory.path())).unwrap();
    assert_eq!((seen.channels, seen.posts, seen.sequence), (1, POSTS, 62));
    assert_eq!((seen.damaged, seen.torn_bytes, seen.index), (vec![], 0, IndexState::Sound));
    assert_eq!(snapshot(directory.path()), before);

    let mut first = lines(&segment(directory.path(), 1));
    first[2][100] ^= 1;
    fs::write(segment(directory.path(), 1), first.concat()).unwrap();
    let before = snapshot(directory.path());
    let seen = check(&place(directory.path())).unwrap();
    assert_eq!((seen.posts, seen.damaged.len()), (POSTS - 1, 1));
    assert_eq!(seen.index, IndexState::Sound, "it was written before the line was damaged");
    assert_eq!(snapshot(directory.path()), before);

    fs::remove_dir_all(directory.path().join("index")).unwrap();
    assert_eq!(check(&place(directory.path())).unwrap().index, IndexState::Missing);
    assert!(!directory.path().join("index").exists());
    assert!(check(&place(&directory.path().join("nowhere"))).is_err());

    let (directory, _) = closed(4096);
    exchange_index(directory.path());
    assert!(matches!(check(&place(directory.path())).unwrap().index, IndexState::Bad(_)));
}

#[test]
fn an_index_that_is_still_being_closed_is_waited_for() {
    let (directory, before) = closed(1 << 20);
    let held = fs::File::open(directory.path().join("index/db")).unwrap();
    held.try_lock().unwrap();
    let path = directory.path().to_owned();
    let opening = std::thread::spawn(move || Local::open(&path).unwrap());
    // Long enough to be met by the opening, which does not give up for much longer.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!opening.is_finished());
    held.unlock().unwrap();
    let store = opening.join().unwrap();
    assert_eq!(store.opened().rebuilt, None);
    assert_eq!(content(&store), before);
}

#[test]
fn a_number_far_ahead_is_taken_and_costs_no_memory_for_all_that_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("journal")).unwrap();
    let far = 277_777_777_777_u64;
    let rest = format!(
        r#""seq":{far},"batch":[{far},{far}],"at":"2026-03-01T12:00:00Z","record":{{"state_removed":{{"key":"a"}}}}}}"#
    );
    let line = format!("{{\"crc\":\"{:08x}\",{rest}\n", crc32fast::hash(rest.as_bytes()));
    std::fs::write(folder.path().join("journal/000001.jsonl"), line).unwrap();
    let check = feedbridge::store::check(&place(folder.path())).unwrap();
    assert_eq!((check.sequence, check.damaged.len(), check.damaged[0]), (far, 1_000_000, 1));
}
