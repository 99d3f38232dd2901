//! What is known of files when their post is seen again.

use chrono::TimeDelta;
use feedbridge::{
    diff::{diff, with_known},
    model::*,
};

use crate::posts::*;

const CHANNEL: ChannelId = ChannelId(1001);

/// A post with a numbered picture, a voice and words, of whose files all is known.
fn measured() -> Stored {
    let stored = stored(post(1, parts("a.jpg", "51", "Tea")));
    let known = |place: MediaPlace| Some(Known::of(1000 + u64::from(place.number), "image/png"));
    with_known(CHANNEL, stored, known).unwrap().stored
}

fn parts(picture: &str, file: &str, words: &str) -> Vec<Part> {
    let url = format!("https://cdn1.example.org/file/{picture}").into();
    let photo = Photo { url, file: Some(file.to_owned()), ..Photo::default() };
    let voice = Voice { url: Some("https://cdn1.example.org/v.ogg".into()), duration_seconds: Some(42) };
    vec![Part::Photo(photo), Part::Voice(voice), text(words)]
}

fn lengths(post: &Post) -> Vec<Option<u64>> {
    post.media().into_iter().map(|(_, file)| file.known.length).collect()
}

/// What becomes of the post when it is seen so, two days later.
fn seen(earlier: Stored, parts: Vec<Part>) -> Vec<Change> {
    let now = earlier.renewed + TimeDelta::days(2);
    diff(CHANNEL, vec![earlier], vec![post(1, parts)], now)
}

#[test]
fn other_addresses_and_other_words_leave_what_is_known_and_another_picture_loses_it() {
    let both = vec![Some(1001), Some(1002)];
    assert_eq!(lengths(&measured().post), both);
    let renewed = seen(measured(), parts("b.jpg", "51", "Tea"));
    assert_eq!((renewed[0].kind, lengths(&renewed[0].stored.post)), (ChangeKind::Renewed, both.clone()));
    let edited = seen(measured(), parts("b.jpg", "51", "Coffee"));
    assert_eq!((edited[0].kind, lengths(&edited[0].stored.post)), (ChangeKind::Edited, both));
    let replaced = seen(measured(), parts("b.jpg", "52", "Tea"));
    assert_eq!((replaced[0].kind, lengths(&replaced[0].stored.post)), (ChangeKind::Edited, vec![None, Some(1002)]));
}

#[test]
fn what_was_gone_is_looked_for_again_at_once_when_upstream_shows_another_address() {
    let gone = with_known(CHANNEL, measured(), |_| Some(Known { missing: Some(Missing::Gone), ..Known::default() }));
    let gone = gone.unwrap().stored;
    let now = gone.renewed + TimeDelta::minutes(1);
    let again = |picture| diff(CHANNEL, vec![gone.clone()], vec![post(1, parts(picture, "51", "Tea"))], now);
    assert_eq!(again("a.jpg"), []);
    let shown = again("b.jpg").remove(0);
    assert_eq!((shown.kind, shown.stored.updated), (ChangeKind::Renewed, gone.updated));
    let files = shown.stored.post.media();
    assert_eq!((files[0].1.known.missing, files[0].1.known.length), (None, Some(1001)));
}

#[test]
fn what_is_known_already_is_no_news_and_small_pictures_tell_no_lengths() {
    let again = with_known(CHANNEL, measured(), |place| Some(Known::of(1000 + u64::from(place.number), "image/png")));
    assert_eq!(again, None);
    let film = stored(post(1, vec![Part::Video(video())]));
    let film = with_known(CHANNEL, film, |_| Some(Known::of(9, "video/mp4"))).unwrap().stored;
    assert_eq!(lengths(&film.post), [Some(9), None]);
}
