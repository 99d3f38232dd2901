//! Looks after the files of posts soon after these are first seen: fetches them, so that they outlive their posts, or finds
//! out how long they are where they are; and writes down what it found.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use moka::sync::Cache as Remembered;
use tokio::{
    join, pin, select,
    time::{Instant, interval},
};
use tracing::{debug, warn};

use super::{Address, Cache, Facts, Present, address::is_of_web};
use crate::{
    feeds::Feeds,
    model::{ChannelId, Known, MediaUrl, Stored, Time},
    store::{Error, Handle, Store},
};

/// Between two looks at what is new.
const LOOK: Duration = Duration::from_secs(2);
/// Posts of a channel that are looked at, from the newest on.
const POSTS: usize = 50;
/// What could not be had is looked for again after so long; so is what is to leave.
const AGAIN: Duration = Duration::from_secs(900);
/// Of one look; the others follow after the next.
const AT_ONCE: usize = 100;
/// Requests at the same time.
const SIDE_BY_SIDE: usize = 4;
/// Of posts that were first seen longer ago, nothing is found out that is not known.
const NEW: TimeDelta = TimeDelta::days(1);

/// What is done for files before anybody asks for them.
pub enum Care {
    /// They are fetched; of those that are not to be before somebody asks, only what an edit put in another's place.
    Keep { cache: Arc<Cache>, eager: bool },
    /// Where they are, they are asked what they are.
    Look(Looks),
}

/// Asks hosts for the beginnings of files.
pub struct Looks {
    present: Arc<Present>,
    facts: Facts,
    /// What told nothing of itself, for a while.
    silent: Remembered<String, ()>,
}

/// A file of a stored post, as the store knows it.
struct Seen {
    address: Address,
    file: MediaUrl,
    is_listed: bool,
    updated: Time,
    first_seen: Time,
}

impl Looks {
    pub fn new(present: Arc<Present>) -> Self {
        let silent = Remembered::builder().max_capacity(10_000).time_to_live(AGAIN).build();
        Self { present, facts: Facts::default(), silent }
    }

    fn wants(&self, seen: &Seen) -> bool {
        let is_new = self.present.now() - seen.first_seen < NEW;
        is_new && seen.is_listed && seen.file.known == Known::default() && !self.silent.contains_key(seen.file.as_str())
    }

    async fn look(&self, seen: Seen) {
        let asked = self.present.now();
        match self.present.known(seen.file.as_str()).await {
            Some(known) => self.facts.tell(seen.address, known, asked),
            None => self.silent.insert(seen.file.address, ()),
        }
    }
}

/// Looks after files until `shutdown` resolves.
pub async fn keep(care: Care, store: Handle, feeds: Arc<Feeds>, shutdown: impl Future<Output = ()>) {
    pin!(shutdown);
    select! {
        () = &mut shutdown => {}
        _ = async { join!(look(&care, &store, &feeds), write(&care, &store)) } => {}
    }
}

async fn look(care: &Care, store: &Handle, feeds: &Feeds) {
    let mut heads: HashMap<ChannelId, u64> = HashMap::new();
    let mut again = Instant::now() + AGAIN;
    // What a crash left: no other run leaves any.
    let mut is_swept = false;
    let mut tick = interval(LOOK);
    loop {
        tick.tick().await;
        if again <= Instant::now() {
            again = Instant::now() + AGAIN;
            heads.clear();
            if let Care::Keep { cache, .. } = care {
                tidy(cache, std::mem::replace(&mut is_swept, true)).await;
            }
        }
        let names: Vec<_> = feeds.now().channels.iter().map(|channel| channel.name.clone()).collect();
        let before = heads.clone();
        let looked = store.run(move |store| {
            let (mut seen, mut now) = (Vec::new(), Vec::new());
            for name in &names {
                let Some(channel) = store.channel(name)? else { continue };
                let head = store.head(channel.id).sequence;
                if before.get(&channel.id) != Some(&head) {
                    now.push((channel.id, head));
                    seen.extend(files(store, channel.id, &channel.slug)?);
                }
            }
            Ok::<_, Error>((seen, now))
        });
        let Ok(Ok((seen, now))) = looked.await else { continue };
        // Those beyond are found again by the next look.
        if care_for(care, seen).await {
            heads.extend(now);
        }
    }
}

/// The files of the newest posts, and the channel's picture.
fn files(store: &dyn Store, id: ChannelId, slug: &str) -> Result<Vec<Seen>, Error> {
    let posts = store.latest(id, None, POSTS)?;
    let of_post = |stored: &Stored| {
        let (updated, first_seen) = (stored.updated, stored.first_seen);
        let media = stored.post.media().into_iter().filter(|(_, file)| is_of_web(file.as_str()));
        let seen = media.map(move |(place, file)| Seen {
            address: Address::of(slug, place),
            file,
            is_listed: place.role.is_listed(),
            updated,
            first_seen,
        });
        seen.collect::<Vec<_>>()
    };
    let mut files: Vec<_> = posts.iter().flat_map(of_post).collect();
    files.push(Seen {
        address: Address::of_avatar(slug),
        file: MediaUrl::default(),
        is_listed: false,
        updated: Time::UNIX_EPOCH,
        first_seen: Time::UNIX_EPOCH,
    });
    Ok(files)
}

/// Whether nothing is left to do.
async fn care_for(care: &Care, seen: Vec<Seen>) -> bool {
    match care {
        Care::Keep { cache, eager } => {
            let mut wanted = Vec::new();
            for seen in seen {
                if wants(cache, *eager, &seen).await {
                    wanted.push(seen.address);
                } else if let Err(error) = cache.complete(&seen.address, &seen.file.known).await {
                    debug!(%error, "an entry of the store of media cannot be read");
                }
            }
            let is_all = wanted.len() <= AT_ONCE;
            let fetches = stream::iter(wanted.into_iter().take(AT_ONCE));
            fetches.for_each_concurrent(SIDE_BY_SIDE, |address| fetch(cache, address)).await;
            is_all
        }
        Care::Look(looks) => {
            let wanted: Vec<_> = seen.into_iter().filter(|seen| looks.wants(seen)).collect();
            let is_all = wanted.len() <= AT_ONCE;
            stream::iter(wanted.into_iter().take(AT_ONCE))
                .for_each_concurrent(SIDE_BY_SIDE, |seen| looks.look(seen))
                .await;
            is_all
        }
    }
}

/// Whether the file is to be fetched. What is here and not known in the store is told on the way.
async fn wants(cache: &Cache, eager: bool, seen: &Seen) -> bool {
    let place = seen.address.place();
    let is_known = seen.file.known != Known::default() || !seen.is_listed;
    if !cache.has(&place) {
        return eager;
    }
    if is_known || cache.is_tried(&place) {
        return false;
    }
    match cache.entry(&seen.address).await {
        // Nothing is known of what an edit put in the place of another.
        Ok(Some(entry)) if entry.stored < seen.updated => true,
        Ok(Some(entry)) => {
            cache.facts().tell(seen.address.clone(), entry.known(), entry.stored);
            false
        }
        Ok(None) => false,
        Err(error) => {
            debug!(%error, place, "an entry of the store of media cannot be read");
            false
        }
    }
}

async fn fetch(cache: &Arc<Cache>, address: Address) {
    let download = match cache.fetch(&address).await {
        Ok(Some(download)) => download,
        Ok(None) => return,
        Err(error) => {
            debug!(%error, "a post cannot be read for its files");
            return;
        }
    };
    // It goes on, whoever waits.
    let _ = download.ended().await;
}

/// Writes down what was found out. What could not be written is found out again.
async fn write(care: &Care, store: &Handle) {
    let mut tick = interval(LOOK);
    loop {
        tick.tick().await;
        let written = match care {
            Care::Keep { cache, .. } => cache.write_facts(store).await,
            Care::Look(looks) => looks.facts.write(store, HashSet::new(), looks.present.now()).await,
        };
        if let Err(error) = written {
            debug!(%error, "what is known of files could not be stored");
        }
    }
}

async fn tidy(cache: &Cache, is_swept: bool) {
    if let Err(error) = cache.trim().await {
        warn!(%error, "files that are to leave could not be removed");
    }
    if is_swept {
        return;
    }
    match cache.sweep().await {
        Ok(0) => {}
        Ok(swept) => debug!(swept, "files that nothing led to were removed"),
        Err(error) => warn!(%error, "files that nothing leads to could not be looked for"),
    }
}
