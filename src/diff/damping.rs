//! Which readings of a post become revisions, and when. Mirrors out of step make a page go back and forth; told each
//! time, that would flood readers, subscribers and the journal without end. What is decided rests on the readings that
//! are stored with a post; what waits meanwhile may be forgotten, which costs time alone.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::essence;
use crate::model::{Post, PostId, Reading, Stored, Time};

/// One post makes no more revisions in this time.
const MOST_REVISIONS: usize = 6;
const SPAN: TimeDelta = TimeDelta::hours(1);
/// A return to what the post read before is believed after so many polls in a row that show it; after twice as many
/// for each return of the last day, up to [`MOST_DOUBLINGS`].
const PATIENCE: u32 = 3;
const MOST_DOUBLINGS: u32 = 3;
const RETURNS_COUNT_FOR: TimeDelta = TimeDelta::days(1);
/// So many readings are kept with a post.
const MOST_READINGS: usize = 24;

/// What posts read or told at the last polls that is not stored yet, by post.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Waiting(BTreeMap<PostId, Held>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    post: Post,
    /// How many polls in a row showed nothing else.
    polls: u32,
}

impl Waiting {
    /// The posts that have a reading here.
    pub fn ids(&self) -> impl Iterator<Item = PostId> {
        self.0.keys().copied()
    }

    pub(super) fn forget(&mut self, id: PostId) {
        self.0.remove(&id);
    }

    /// The post says nothing new, but its figures wait.
    pub(super) fn keep(&mut self, post: Post) {
        self.0.insert(post.id, Held { post, polls: 0 });
    }

    /// The readings of posts before `first`.
    pub(super) fn before(&self, first: PostId) -> Vec<Post> {
        self.0.range(..first).map(|(_, held)| held.post.clone()).collect()
    }

    /// The readings of `stored` when `post`, which reads otherwise, is one of them; None while it has to wait.
    pub(super) fn admit(&mut self, stored: &Stored, post: &Post, now: Time) -> Option<Vec<Reading>> {
        let mut readings = readings(stored);
        let digest = digest(post);
        let held = self.0.remove(&post.id).filter(|held| self::digest(&held.post) == digest);
        let polls = held.map_or(0, |held| held.polls).saturating_add(1);
        let is_return = readings.iter().any(|reading| reading.digest == digest);
        if is_full(&readings, now) || (is_return && polls < patience(&readings, now)) {
            self.0.insert(post.id, Held { post: post.clone(), polls });
            return None;
        }
        readings.push(Reading { digest, at: now });
        readings.drain(..readings.len().saturating_sub(MOST_READINGS));
        Some(readings)
    }
}

/// As stored; of a post that was never edited, or not since they are kept, the present one.
fn readings(stored: &Stored) -> Vec<Reading> {
    if !stored.readings.is_empty() {
        return stored.readings.clone();
    }
    let at = if stored.revisions == 1 { stored.first_seen } else { stored.updated };
    vec![Reading { digest: digest(&stored.post), at }]
}

fn digest(post: &Post) -> u32 {
    let essence = serde_json::to_vec(&essence(post, true)).unwrap_or_default();
    let digest = Sha256::digest(essence);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn is_full(readings: &[Reading], now: Time) -> bool {
    readings.iter().filter(|reading| (now - reading.at).abs() < SPAN).count() >= MOST_REVISIONS
}

fn patience(readings: &[Reading], now: Time) -> u32 {
    let returns = readings.iter().enumerate().filter(|(index, reading)| {
        let before = &readings[..*index];
        (now - reading.at).abs() < RETURNS_COUNT_FOR && before.iter().any(|other| other.digest == reading.digest)
    });
    PATIENCE << (returns.count() as u32).min(MOST_DOUBLINGS)
}
