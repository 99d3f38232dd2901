//! Where a file is now: upstream's address of it, looked at shortly before it is handed out, and renewed from the post's
//! own page when it is dead.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use moka::sync::Cache;
use tokio::time::timeout;

use super::{
    address::{Address, File, is_of_web},
    kind::{HEAD, kind},
    refresh::{Refreshes, Renewal},
};
use crate::{
    clock::Clock,
    fetch::{FileError, Files},
    model::{Channel, ChannelName, Known, PostId, Time},
    store::{Error, Handle, Stopped, Store},
};

/// An address that was alive is taken to be so for so long.
const ALIVE: Duration = Duration::from_secs(30);
/// Addresses that are known to be alive.
const MOST_ALIVE: u64 = 10_000;
/// Who wants a file waits so long for a look at its post.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who waited in vain comes again after so long.
const AGAIN: Duration = Duration::from_secs(60);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    At(String),
    /// No stored post has such a file.
    Nothing,
    /// Its address is dead, and upstream does not show the post any more.
    Gone,
    /// Its address is dead, and there is no other one yet.
    Later(Duration),
}

/// The post could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

pub struct Present {
    store: Handle,
    files: Files,
    refreshes: Arc<Refreshes>,
    clock: Clock,
    alive: Cache<String, ()>,
}

/// A file of a stored post.
pub(super) struct Located {
    channel: ChannelName,
    /// None for the channel's picture.
    post: Option<PostId>,
    pub url: String,
}

impl Present {
    pub fn new(store: Handle, files: Files, refreshes: Arc<Refreshes>, clock: Clock) -> Self {
        let alive = Cache::builder().max_capacity(MOST_ALIVE).time_to_live(ALIVE).build();
        Self { store, files, refreshes, clock, alive }
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn now(&self) -> Time {
        self.clock.wall()
    }

    /// The present address of the file.
    pub async fn find(&self, address: &Address) -> Result<Found, Unread> {
        let Some(located) = self.locate(address).await? else { return Ok(Found::Nothing) };
        if self.is_alive(&located.url).await {
            return Ok(Found::At(located.url));
        }
        let Some(post) = located.post else { return Ok(Found::Later(AGAIN)) };
        // Somebody else may have had it renewed while this one was looked at.
        if let Some(other) = self.renewed(address, &located).await? {
            return Ok(Found::At(other));
        }
        let renewal = self.refreshes.renew(&located.channel, post, self.clock.wall());
        match timeout(PATIENCE, renewal).await {
            Ok(Renewal::Done) => {}
            Ok(Renewal::Gone) => return Ok(Found::Gone),
            Ok(Renewal::Failed) | Err(_) => return Ok(Found::Later(AGAIN)),
        }
        Ok(self.renewed(address, &located).await?.map_or(Found::Later(AGAIN), Found::At))
    }

    /// Has the file's post looked at, however long that takes.
    pub async fn renew(&self, address: &Address) -> Result<Renewal, Unread> {
        let located = self.locate(address).await?;
        let Some((channel, post)) = located.and_then(|located| Some((located.channel, located.post?))) else {
            return Ok(Renewal::Failed);
        };
        Ok(self.refreshes.renew(&channel, post, self.clock.wall()).await)
    }

    /// The file's address, if it is another one than it was.
    async fn renewed(&self, address: &Address, before: &Located) -> Result<Option<String>, Unread> {
        Ok(self.locate(address).await?.map(|now| now.url).filter(|url| *url != before.url))
    }

    /// Whether readers may be sent there. That we cannot reach a host says nothing of whether they can.
    async fn is_alive(&self, url: &str) -> bool {
        if self.alive.contains_key(url) {
            return true;
        }
        match self.files.look(url).await {
            Ok(()) => {
                self.alive.insert(url.to_owned(), ());
                true
            }
            Err(FileError::Dead(_) | FileError::Refused(_)) => false,
            Err(FileError::Unreachable(_)) => true,
        }
    }

    /// What the first bytes of the file at `url` tell, and its host of its length; None if it tells nothing.
    pub(super) async fn known(&self, url: &str) -> Option<Known> {
        let part = self.files.part(url, &format!("bytes=0-{}", HEAD - 1)).await.ok()??;
        let length = part.content_range.rsplit_once('/')?.1.parse().ok()?;
        let head: Vec<Bytes> = part.body.pieces.take(HEAD).try_collect().await.ok()?;
        Some(Known::of(length, kind(&head.concat())))
    }

    /// The file of a stored post, by upstream's address that was seen last.
    pub(super) async fn locate(&self, address: &Address) -> Result<Option<Located>, Unread> {
        let address = address.clone();
        Ok(self.store.run(move |store| locate(store, &address)).await??)
    }
}

fn locate(store: &dyn Store, address: &Address) -> Result<Option<Located>, Error> {
    let Some(channel) = channel(store, &address.slug)? else { return Ok(None) };
    let File::Of { message, number, extension } = &address.file else {
        let url = channel.info.photo.map(|photo| photo.address).filter(|photo| is_of_web(photo));
        return Ok(url.map(|url| Located { channel: channel.name, post: None, url }));
    };
    let posts = store.known(channel.id, &[*message])?;
    let files = posts.iter().flat_map(|stored| stored.post.media());
    let is_it = |place: &crate::model::MediaPlace| {
        place.message == *message && place.number == *number && place.role.extension() == extension
    };
    let found = files.into_iter().find(|(place, url)| is_it(place) && is_of_web(url.as_str()));
    Ok(found.map(|(_, url)| Located { channel: channel.name, post: Some(*message), url: url.address }))
}

/// The channel with that slug as first seen: most are asked for by the same name.
pub(super) fn channel(store: &dyn Store, slug: &str) -> Result<Option<Channel>, Error> {
    let Ok(name) = slug.parse::<ChannelName>() else { return Ok(None) };
    let is_it = |channel: &Channel| channel.slug == slug;
    if let Some(channel) = store.channel(&name)?.filter(is_it) {
        return Ok(Some(channel));
    }
    Ok(store.channels()?.into_iter().find(is_it))
}
