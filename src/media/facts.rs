//! What was found out of files, until it is written beside their addresses in the store: feeds tell lengths and types by it,
//! and why a file is not to be had.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::TimeDelta;

use super::{
    address::Address,
    present::{Unread, channel},
};
use crate::{
    diff,
    model::{Known, PostId, Stored, Time},
    store::{self, Batch, Error, Handle, Store},
};

/// What is known of a post is written at once, when its other files are here, too; they are not waited for any longer.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug, Default)]
pub struct Facts(Mutex<HashMap<Address, Told>>);

#[derive(Debug, Clone)]
struct Told {
    known: Known,
    /// When the file was asked for: an edit since then may have put another one in its place.
    asked: Time,
}

impl Facts {
    /// That is `known` of the file that was at the address when it was `asked` for.
    pub fn tell(&self, address: Address, known: Known, asked: Time) {
        if address.message().is_some() {
            self.book().insert(address, Told { known, asked });
        }
    }

    /// Writes what was told, but of posts of which other files, by their places, are `coming`.
    pub async fn write(&self, store: &Handle, coming: HashSet<String>, now: Time) -> Result<(), Unread> {
        let mut channels: HashMap<String, HashMap<Address, Told>> = HashMap::new();
        for (address, told) in std::mem::take(&mut *self.book()) {
            channels.entry(address.slug.clone()).or_default().insert(address, told);
        }
        for (slug, told) in channels {
            let coming = coming.clone();
            let waiting = store.run(move |store| write(store, &slug, told, &coming, now)).await??;
            let mut book = self.book();
            for (address, told) in waiting {
                // What was told meanwhile is newer.
                book.entry(address).or_insert(told);
            }
        }
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, HashMap<Address, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what was told of files of the channel; what is to wait.
fn write(
    store: &dyn Store,
    slug: &str,
    told: HashMap<Address, Told>,
    coming: &HashSet<String>,
    now: Time,
) -> Result<Vec<(Address, Told)>, Error> {
    let ids: Vec<PostId> = told.keys().filter_map(Address::message).collect::<HashSet<_>>().into_iter().collect();
    store::again(|| {
        let Some(channel) = channel(store, slug)? else { return Ok(Vec::new()) };
        let expected = Some((channel.id, store.head(channel.id).sequence));
        let (mut changes, mut waiting) = (Vec::new(), Vec::new());
        for stored in store.known(channel.id, &ids)? {
            let of_post = of_post(slug, &stored, &told);
            let is_patient = of_post.iter().all(|(_, told)| now - told.asked < PATIENCE);
            if is_patient
                && stored.post.media().iter().any(|(place, _)| coming.contains(&Address::of(slug, *place).place()))
            {
                waiting.extend(of_post);
                continue;
            }
            let of_post: HashMap<_, _> = of_post.into_iter().collect();
            let updated = stored.updated;
            changes.extend(diff::with_known(channel.id, stored, |place| {
                let told = of_post.get(&Address::of(slug, place)).filter(|told| updated <= told.asked)?;
                Some(told.known.clone())
            }));
        }
        if !changes.is_empty() {
            store.commit(now, Batch { changes, expected, ..Batch::default() })?;
        }
        Ok(waiting)
    })
}

fn of_post(slug: &str, stored: &Stored, told: &HashMap<Address, Told>) -> Vec<(Address, Told)> {
    let addresses = stored.post.media().into_iter().map(|(place, _)| Address::of(slug, place));
    addresses
        .filter_map(|address| told.get_key_value(&address))
        .map(|(address, told)| (address.clone(), told.clone()))
        .collect()
}
