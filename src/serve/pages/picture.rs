//! The small picture of posts per day, drawn from what is stored. Counted once per change and day.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{NaiveDate, TimeDelta, Utc};

use crate::{
    model::{ChannelId, PostId},
    store::{Error, Store},
};

const DAYS: usize = 30;
/// Posts looked at in one go, and altogether: a channel with more in a month shows the end of it.
const CHUNK: usize = 200;
const MOST: usize = 4000;
/// Of the tallest bar, in units of the picture.
const HEIGHT: u32 = 24;

type Counts = [u32; DAYS];

/// The counts of each channel, as of a sequence number and a day.
#[derive(Debug, Default)]
pub struct Pictures(Mutex<HashMap<ChannelId, (u64, NaiveDate, Counts)>>);

/// Bars in a box of 120 by 24.
pub struct Picture {
    /// What it shows, for those who do not see it.
    pub words: String,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub x: usize,
    pub y: u32,
    pub height: u32,
}

impl Pictures {
    /// Of all `channels` together; `None` when the store cannot be read.
    pub fn of(&self, store: &dyn Store, channels: &[ChannelId]) -> Option<Picture> {
        let today = Utc::now().date_naive();
        let mut sum = [0; DAYS];
        for id in channels {
            let counts = self.counts(store, *id, today).ok()?;
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        Some(draw(&sum))
    }

    fn counts(&self, store: &dyn Store, channel: ChannelId, today: NaiveDate) -> Result<Counts, Error> {
        let sequence = store.head(channel).sequence;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).copied();
        if let Some((at, day, counts)) = known
            && (at, day) == (sequence, today)
        {
            return Ok(counts);
        }
        let counts = count(store, channel, today)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, (sequence, today, counts));
        Ok(counts)
    }
}

/// Posts per day, today last.
fn count(store: &dyn Store, channel: ChannelId, today: NaiveDate) -> Result<Counts, Error> {
    let first = today - TimeDelta::days(DAYS as i64 - 1);
    let mut counts = [0; DAYS];
    let mut before: Option<PostId> = None;
    for _ in 0..MOST / CHUNK {
        let posts = store.latest(channel, before, CHUNK)?;
        for stored in &posts {
            let age = (today - stored.published.date_naive()).num_days();
            if let Some(count) = usize::try_from(age).ok().and_then(|age| counts.iter_mut().rev().nth(age)) {
                *count += 1;
            }
        }
        match posts.last() {
            Some(last) if last.published.date_naive() >= first && posts.len() == CHUNK => before = Some(last.post.id),
            _ => break,
        }
    }
    Ok(counts)
}

fn draw(counts: &Counts) -> Picture {
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let bar = |(day, count): (usize, &u32)| {
        let height = if *count == 0 { 1 } else { (count * HEIGHT / most).max(2) };
        Bar { x: day * 4, y: HEIGHT - height, height }
    };
    let total: u32 = counts.iter().sum();
    let words = match total {
        0 => format!("No post in the last {DAYS} days"),
        _ => format!("{total} posts in the last {DAYS} days, at most {most} a day"),
    };
    Picture { words, bars: counts.iter().enumerate().map(bar).collect() }
}
