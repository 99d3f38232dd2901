//! Posts whose files have dead addresses, and who waits for new ones. The poller asks upstream for the post's own page;
//! whoever needs one of its files meanwhile joins.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};

use crate::model::{ChannelName, PostId, Time};

/// After a look that brought nothing, the post's page is not asked for again for so long.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(10);
/// Who read the address just before it was renewed need not have it renewed again.
const AFTER_SUCCESS: TimeDelta = TimeDelta::seconds(5);
/// Outcomes that are remembered, and posts that wait.
const MOST: usize = 10_000;

/// What a look at the post's page brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The addresses that it shows are stored.
    Done,
    /// There is no such post any more.
    Gone,
    Failed,
}

type Place = (ChannelName, PostId);

#[derive(Debug, Default)]
pub struct Refreshes {
    book: Mutex<Book>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct Book {
    /// Posts that nobody looks at yet.
    line: VecDeque<Place>,
    waiting: HashMap<Place, watch::Sender<Option<Renewal>>>,
    /// What came of looks, and until when that holds.
    settled: HashMap<Place, (Renewal, Time)>,
}

impl Refreshes {
    /// Has the post looked at, and waits for that. Who drops the future leaves the others waiting.
    pub async fn renew(&self, name: &ChannelName, post: PostId, now: Time) -> Renewal {
        let place = (name.clone(), post);
        let mut told = {
            let mut book = self.book();
            if let Some((renewal, _)) = book.settled.get(&place).filter(|(_, until)| now < *until) {
                return *renewal;
            }
            match book.waiting.get(&place) {
                Some(waiting) => waiting.subscribe(),
                None if book.waiting.len() >= MOST => return Renewal::Failed,
                None => {
                    let (tell, told) = watch::channel(None);
                    book.waiting.insert(place.clone(), tell);
                    book.line.push_back(place);
                    self.asked.notify_one();
                    told
                }
            }
        };
        told.wait_for(Option::is_some).await.ok().and_then(|renewal| *renewal).unwrap_or(Renewal::Failed)
    }

    /// Resolves when posts are to be looked at.
    pub async fn wanted(&self) {
        self.asked.notified().await;
    }

    /// The posts to look at, each told once.
    pub fn take(&self) -> Vec<(ChannelName, PostId)> {
        self.book().line.drain(..).collect()
    }

    /// The look has ended.
    pub fn settle(&self, name: &ChannelName, post: PostId, renewal: Renewal, now: Time) {
        let place = (name.clone(), post);
        let mut book = self.book();
        if book.settled.len() >= MOST {
            book.settled.retain(|_, (_, until)| now < *until);
        }
        if book.settled.len() < MOST {
            let holds = if renewal == Renewal::Done { AFTER_SUCCESS } else { AFTER_FAILURE };
            book.settled.insert(place.clone(), (renewal, now + holds));
        }
        if let Some(waiting) = book.waiting.remove(&place) {
            waiting.send_replace(Some(renewal));
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
