//! What a store promises to those above it, through the `Store` trait: every implementation keeps all of it.

use crate::memory::Memory;
use crate::stored::{at, change, channel, edited, ids, name, new_posts, post};
use feedbridge::{
    model::{ChangeKind, Channel, ChannelId, ChannelInfo, Part, Photo, PostId, Reaction},
    store::{Batch, Error, Head, Local, Store, again},
};
use serde_json::{Value, json};

const NEWS: ChannelId = ChannelId(7);

macro_rules! kept_by_every_store {
    ($($promise:ident),+ $(,)?) => {
        mod on_a_disk {
            $(#[test] fn $promise() {
                let directory = tempfile::tempdir().unwrap();
                super::$promise(&super::Local::open(directory.path()).unwrap());
            })+
        }
        mod in_memory {
            $(#[test] fn $promise() {
                super::$promise(&super::Memory::default());
            })+
        }
    };
}

kept_by_every_store! {
    a_channel_is_found_by_any_name_it_was_last_stored_under,
    a_committed_post_is_read_back_with_its_sequence_number,
    a_hint_is_no_state,
    a_post_is_known_by_its_own_id_and_by_its_members,
    a_second_commit_of_a_post_replaces_it_and_keeps_both_revisions,
    an_address_that_rotates_moves_the_sequence_and_nothing_that_is_said,
    an_empty_batch_writes_nothing,
    changed_lists_edits_and_deletions_by_the_time_of_change_each_post_once,
    every_name_that_a_record_holds_leads_to_its_channel_unless_it_is_anothers,
    latest_goes_down_and_following_goes_up_within_one_channel,
    readers_and_a_writer_do_not_disturb_each_other,
    states_are_listed_by_prefix_and_removed_by_none,
    the_head_follows_the_channel_and_never_goes_backwards,
    what_was_decided_before_another_wrote_is_refused_whole,
    work_that_met_a_conflict_is_done_once_more,
}

fn a_committed_post_is_read_back_with_its_sequence_number(store: &dyn Store) {
    let batch = Batch {
        channel: Some(channel(NEWS, "News")),
        changes: vec![change(ChangeKind::New, NEWS, post(5, "five"))],
        ..Batch::default()
    };
    store.commit(at(100), batch).unwrap();
    let stored = store.post(NEWS, PostId(5)).unwrap().unwrap();
    assert_eq!(stored.sequence, 2, "the channel's record took 1");
    assert_eq!(stored.post, post(5, "five").post);
    assert_eq!(store.post(NEWS, PostId(6)).unwrap(), None);
    assert_eq!(store.post(ChannelId(8), PostId(5)).unwrap(), None);
}

fn a_second_commit_of_a_post_replaces_it_and_keeps_both_revisions(store: &dyn Store) {
    store.commit(at(100), new_posts(NEWS, 1..=3)).unwrap();
    store.commit(at(200), edited(NEWS, post(2, "second reading"))).unwrap();
    store
        .commit(
            at(300),
            Batch { changes: vec![change(ChangeKind::Renewed, NEWS, post(2, "second reading"))], ..Batch::default() },
        )
        .unwrap();
    store
        .commit(
            at(400),
            Batch { changes: vec![change(ChangeKind::Deleted, NEWS, post(2, "second reading"))], ..Batch::default() },
        )
        .unwrap();
    let revisions = store.revisions(NEWS, PostId(2)).unwrap();
    let kinds: Vec<_> =
        revisions.iter().map(|revision| (revision.kind, revision.at, revision.stored.sequence)).collect();
    assert_eq!(
        kinds,
        [(ChangeKind::New, at(100), 2), (ChangeKind::Edited, at(200), 4), (ChangeKind::Deleted, at(400), 6)]
    );
    assert_eq!(revisions[0].stored.post, post(2, "post 2").post);
    assert_eq!(revisions[1].stored.post, post(2, "second reading").post);
    assert_eq!(store.post(NEWS, PostId(2)).unwrap().unwrap().sequence, 6);
    assert_eq!(store.head(NEWS).posts, 3, "no revision is counted as a post");
    assert_eq!(store.revisions(NEWS, PostId(9)).unwrap(), []);
}

fn a_post_is_known_by_its_own_id_and_by_its_members(store: &dyn Store) {
    let mut album = post(10, "album");
    album.post.members = vec![PostId(10), PostId(11), PostId(12)];
    store
        .commit(at(100), Batch { changes: vec![change(ChangeKind::New, NEWS, album)], ..new_posts(NEWS, []) })
        .unwrap();
    store.commit(at(100), new_posts(NEWS, [20, 21])).unwrap();
    let known =
        |wanted: &[u64]| ids(&store.known(NEWS, &wanted.iter().copied().map(PostId).collect::<Vec<_>>()).unwrap());
    assert_eq!(known(&[11]), [10]);
    assert_eq!(known(&[21, 12, 10, 11, 20, 13]), [10, 20, 21], "each once, by id");
    assert_eq!(known(&[13]), [0u64; 0]);
    assert_eq!(store.known(ChannelId(8), &[PostId(11)]).unwrap(), []);
}

fn latest_goes_down_and_following_goes_up_within_one_channel(store: &dyn Store) {
    for neighbour in [6, 7, 8] {
        store.commit(at(100), new_posts(ChannelId(neighbour), [1, 2, 255, 256, 65_536])).unwrap();
    }
    assert_eq!(ids(&store.latest(NEWS, None, 10).unwrap()), [65_536, 256, 255, 2, 1]);
    assert_eq!(ids(&store.latest(NEWS, None, 2).unwrap()), [65_536, 256]);
    assert_eq!(ids(&store.latest(NEWS, Some(PostId(256)), 2).unwrap()), [255, 2]);
    assert_eq!(ids(&store.latest(NEWS, Some(PostId(1)), 2).unwrap()), [0u64; 0]);
    assert_eq!(ids(&store.following(NEWS, PostId(2), 2).unwrap()), [255, 256]);
    assert_eq!(ids(&store.following(NEWS, PostId(0), 10).unwrap()), [1, 2, 255, 256, 65_536]);
    assert_eq!(ids(&store.following(NEWS, PostId(u64::MAX), 10).unwrap()), [0u64; 0]);
}

fn changed_lists_edits_and_deletions_by_the_time_of_change_each_post_once(store: &dyn Store) {
    store.commit(at(100), new_posts(NEWS, 1..=5)).unwrap();
    store.commit(at(100), new_posts(ChannelId(8), 1..=5)).unwrap();
    store.commit(at(200), edited(NEWS, post(4, "edited"))).unwrap();
    store.commit(at(201), edited(NEWS, post(2, "edited"))).unwrap();
    store.commit(at(202), edited(NEWS, post(4, "again"))).unwrap();
    store
        .commit(
            at(203),
            Batch { changes: vec![change(ChangeKind::Deleted, NEWS, post(1, "post 1"))], ..Batch::default() },
        )
        .unwrap();
    store
        .commit(
            at(204),
            Batch { changes: vec![change(ChangeKind::Renewed, NEWS, post(5, "post 5"))], ..Batch::default() },
        )
        .unwrap();
    assert_eq!(ids(&store.changed(NEWS, 10).unwrap()), [1, 4, 2]);
    assert_eq!(ids(&store.changed(NEWS, 2).unwrap()), [1, 4]);
    assert_eq!(store.changed(ChannelId(8), 10).unwrap(), []);
}

fn a_channel_is_found_by_any_name_it_was_last_stored_under(store: &dyn Store) {
    let store_channel = |channel| store.commit(at(100), Batch { channel: Some(channel), ..Batch::default() }).unwrap();
    store_channel(channel(ChannelId(9), "Old_Name"));
    store_channel(channel(ChannelId(8), "old"));
    store_channel(channel(ChannelId(9), "New_Name"));
    let found = |text| store.channel(&name(text)).unwrap().map(|channel| channel.id);
    assert_eq!(found("old_NAME"), Some(ChannelId(9)));
    assert_eq!(found("new_name"), Some(ChannelId(9)));
    assert_eq!(found("OLD"), Some(ChannelId(8)), "a name that begins another is its own");
    assert_eq!(found("nobody"), None);
    store_channel(channel(ChannelId(10), "old_name"));
    assert_eq!(found("Old_Name"), Some(ChannelId(10)), "the name has moved on");
    let all = store.channels().unwrap();
    assert_eq!(all.iter().map(|channel| channel.id.0).collect::<Vec<_>>(), [8, 9, 10]);
    assert_eq!(store.channel_by_id(ChannelId(9)).unwrap().unwrap().name.as_str(), "New_Name");
}

fn an_empty_batch_writes_nothing(store: &dyn Store) {
    store.commit(at(100), Batch::default()).unwrap();
    assert_eq!((store.stats().sequence, store.stats().journal_bytes), (0, 0));
}

fn readers_and_a_writer_do_not_disturb_each_other(store: &dyn Store) {
    std::thread::scope(|threads| {
        threads.spawn(|| (1..=40).for_each(|id| store.commit(at(id as i64), new_posts(NEWS, [id])).unwrap()));
        for _ in 0..2 {
            threads.spawn(|| {
                while store.head(NEWS).posts < 40 {
                    let posts = store.head(NEWS).posts;
                    assert!(store.latest(NEWS, None, 100).unwrap().len() as u64 >= posts, "the head is never ahead");
                }
            });
        }
    });
    assert_eq!(store.latest(NEWS, None, 100).unwrap().len(), 40);
}

fn every_name_that_a_record_holds_leads_to_its_channel_unless_it_is_anothers(store: &dyn Store) {
    let commit = |minute, channel| store.commit(at(minute), Batch { channel: Some(channel), ..Batch::default() });
    commit(10, channel(ChannelId(8), "other")).unwrap();
    let names = ["old", "other"].map(name).to_vec();
    commit(20, Channel { names, ..channel(NEWS, "new") }).unwrap();
    let led = |to: &str| store.channel(&name(to)).unwrap().map(|channel| channel.id);
    assert_eq!([led("new"), led("old"), led("other")], [Some(NEWS), Some(NEWS), Some(ChannelId(8))]);
}

fn states_are_listed_by_prefix_and_removed_by_none(store: &dyn Store) {
    let set = |key: &str, value: Option<Value>| {
        store.commit(at(100), Batch { states: vec![(key.to_owned(), value)], ..Batch::default() }).unwrap();
    };
    for key in ["hub/b", "hub/a", "hub", "hubris", "other"] {
        set(key, Some(json!(key)));
    }
    set("hub/b", None);
    set("null", Some(Value::Null));
    let keys = |prefix| store.states(prefix).unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys("hub/"), ["hub/a"]);
    assert_eq!(keys("hub"), ["hub", "hub/a", "hubris"]);
    assert_eq!(store.state("hub/b").unwrap(), None);
    assert_eq!(store.state("null").unwrap(), Some(Value::Null), "null is a value, not an absence");
}

fn a_hint_is_no_state(store: &dyn Store) {
    store.set_hint("next", &json!(5)).unwrap();
    store.set_hint("next", &json!(6)).unwrap();
    assert_eq!((store.hint("next").unwrap(), store.hint("nex").unwrap()), (Some(json!(6)), None));
    assert_eq!((store.states("").unwrap(), store.stats().sequence), (vec![], 0));
}

fn the_head_follows_the_channel_and_never_goes_backwards(store: &dyn Store) {
    assert_eq!(store.head(NEWS), Head::default());
    store.commit(at(100), new_posts(NEWS, [5, 9, 7])).unwrap();
    let first = store.head(NEWS);
    assert_eq!((first.sequence, first.changed, first.posts, first.newest), (3, Some(at(100)), 3, Some(PostId(9))));
    assert_eq!(first.newest_published, Some(post(9, "").published));
    store.commit(at(50), edited(NEWS, post(5, "the clock was set back"))).unwrap();
    assert_eq!(store.head(NEWS).changed, Some(at(101)));
    store.commit(at(101), edited(NEWS, post(5, "within the same second"))).unwrap();
    assert_eq!(store.head(NEWS).changed, Some(at(102)));
    store.commit(at(60), new_posts(ChannelId(8), [1])).unwrap();
    assert_eq!(store.head(ChannelId(8)).changed, Some(at(60)), "each channel has its own time");
    let last = store.head(NEWS);
    assert_eq!((last.sequence, last.posts, last.newest), (5, 3, Some(PostId(9))));
    assert_eq!(store.revisions(NEWS, PostId(5)).unwrap().last().unwrap().at, at(102));
}

fn an_address_that_rotates_moves_the_sequence_and_nothing_that_is_said(store: &dyn Store) {
    let pictured = |url: &str, figure: &str| {
        let mut stored = post(1, "a picture");
        stored.post.parts.push(Part::Photo(Photo { url: url.into(), ..Photo::default() }));
        stored.post.reactions.push(Reaction { emoji: "🍵".to_owned(), count: figure.to_owned() });
        stored
    };
    let avatar = |photo: &str| {
        let info = ChannelInfo { photo: Some(photo.into()), ..channel(NEWS, "News").info };
        Batch { channel: Some(Channel { info, info_seen: at(5), ..channel(NEWS, "News") }), ..Batch::default() }
    };
    let renewed = |stored| Batch { changes: vec![change(ChangeKind::Renewed, NEWS, stored)], ..Batch::default() };
    store.commit(at(1), avatar("https://cdn.example/1")).unwrap();
    let new = vec![change(ChangeKind::New, NEWS, pictured("https://cdn.example/a", "1"))];
    store.commit(at(2), Batch { changes: new, ..Batch::default() }).unwrap();
    let before = store.head(NEWS);
    assert_eq!((before.said, before.said_at), (before.sequence, before.changed));
    store.commit(at(10), renewed(pictured("https://cdn.example/b", "1"))).unwrap();
    store.commit(at(11), avatar("https://cdn.example/2")).unwrap();
    let after = store.head(NEWS);
    assert_eq!((after.said, after.said_at, after.sequence), (before.said, before.said_at, before.sequence + 2));
    store.commit(at(12), renewed(pictured("https://cdn.example/c", "2"))).unwrap();
    let figures = store.head(NEWS);
    assert_eq!((figures.said, figures.said_at), (figures.sequence, figures.changed), "a figure is said");
}

fn what_was_decided_before_another_wrote_is_refused_whole(store: &dyn Store) {
    store.commit(at(1), new_posts(NEWS, [1])).unwrap();
    let read = store.head(NEWS).sequence;
    let decided =
        Batch { states: vec![("gaps".into(), Some(json!([])))], expected: Some((NEWS, read)), ..new_posts(NEWS, [3]) };
    store.commit(at(2), new_posts(ChannelId(8), [1])).unwrap();
    store.commit(at(3), new_posts(NEWS, [2])).unwrap();
    let before = store.head(NEWS);
    match store.commit(at(4), decided.clone()) {
        Err(Error::Conflict { channel, expected, found }) => {
            assert_eq!((channel, expected, found), (NEWS, read, before.sequence));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        (store.head(NEWS), store.post(NEWS, PostId(3)).unwrap(), store.state("gaps").unwrap()),
        (before, None, None)
    );
    store.commit(at(5), Batch { expected: Some((NEWS, before.sequence)), ..decided }).unwrap();
    assert_eq!((store.head(NEWS).posts, store.state("gaps").unwrap()), (3, Some(json!([]))));
    let first = Batch { expected: Some((ChannelId(9), 0)), ..new_posts(ChannelId(9), [1]) };
    store.commit(at(6), first.clone()).unwrap();
    assert!(matches!(store.commit(at(7), first), Err(Error::Conflict { .. })), "two were the first");
}

fn work_that_met_a_conflict_is_done_once_more(store: &dyn Store) {
    let mut tries = 0;
    let done = again(|| {
        tries += 1;
        let expected = Some((NEWS, store.head(NEWS).sequence));
        if tries == 1 {
            store.commit(at(1), new_posts(NEWS, [1]))?;
        }
        store.commit(at(2), Batch { expected, ..new_posts(NEWS, [2]) })
    });
    assert_eq!((done.is_ok(), tries, store.head(NEWS).posts), (true, 2, 2));
    let mut tries = 0;
    let done = again(|| {
        tries += 1;
        store.commit(at(3), Batch { expected: Some((NEWS, 0)), ..new_posts(NEWS, [3]) })
    });
    assert!(matches!(done, Err(Error::Conflict { .. })) && tries < 100);
}
