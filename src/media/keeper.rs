//! Fetches files soon after their posts are first seen, so that they outlive them.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use tokio::{
    pin, select,
    time::{Instant, interval},
};
use tracing::{debug, warn};

use super::{Address, Cache, address::is_of_web, download::Progress};
use crate::{
    feeds::Feeds,
    model::ChannelId,
    store::{Error, Handle, Store},
};

/// Between two looks at what is new.
const LOOK: Duration = Duration::from_secs(2);
/// Posts of a channel that are looked at, from the newest on.
const POSTS: usize = 50;
/// What could not be had is looked for again after so long; so is what is to leave.
const AGAIN: Duration = Duration::from_secs(900);
/// Of one look; the others are fetched after the next.
const AT_ONCE: usize = 100;

/// Looks, fetches and tidies until `shutdown` resolves. `eager` tells whether files are fetched before anybody asks.
pub async fn keep(
    cache: Arc<Cache>,
    store: Handle,
    feeds: Arc<Feeds>,
    eager: bool,
    shutdown: impl Future<Output = ()>,
) {
    let mut seen: HashMap<ChannelId, u64> = HashMap::new();
    let mut again = Instant::now() + AGAIN;
    // What a crash left: no other run leaves any.
    let mut is_swept = false;
    let mut look = interval(LOOK);
    pin!(shutdown);
    loop {
        select! {
            () = &mut shutdown => return,
            _ = look.tick() => {}
        }
        if again <= Instant::now() {
            again = Instant::now() + AGAIN;
            seen.clear();
            tidy(&cache, std::mem::replace(&mut is_swept, true)).await;
        }
        if !eager {
            continue;
        }
        let names: Vec<_> = feeds.now().channels.iter().map(|channel| channel.name.clone()).collect();
        let known = seen.clone();
        let looked = store.run(move |store| {
            let mut missing = Vec::new();
            let mut heads = Vec::new();
            for name in &names {
                let Some(channel) = store.channel(name)? else { continue };
                let head = store.head(channel.id).sequence;
                if known.get(&channel.id) != Some(&head) {
                    heads.push((channel.id, head));
                    missing.extend(files(store, channel.id, &channel.slug)?);
                }
            }
            Ok::<_, Error>((missing, heads))
        });
        let Ok(Ok((wanted, heads))) = looked.await else { continue };
        let missing: Vec<_> = wanted.into_iter().filter(|address| !cache.has(&address.place())).collect();
        // Those beyond are found again by the next look.
        if missing.len() <= AT_ONCE {
            seen.extend(heads);
        }
        select! {
            () = &mut shutdown => return,
            () = fetch(&cache, missing) => {}
        }
    }
}

/// The files of the newest posts, and the channel's picture.
fn files(store: &dyn Store, id: ChannelId, slug: &str) -> Result<Vec<Address>, Error> {
    let posts = store.latest(id, None, POSTS)?;
    let media = posts.iter().flat_map(|stored| stored.post.media());
    let mut files: Vec<_> =
        media.filter(|(_, url)| is_of_web(url.as_str())).map(|(place, _)| Address::of(slug, place)).collect();
    files.push(Address::of_avatar(slug));
    Ok(files)
}

async fn fetch(cache: &Arc<Cache>, missing: Vec<Address>) {
    for address in missing.into_iter().take(AT_ONCE) {
        let begun = match cache.fetch(&address).await {
            Ok(Some(download)) => download,
            Ok(None) => continue,
            Err(error) => {
                debug!(%error, "a post cannot be read for its files");
                return;
            }
        };
        let mut progress = begun.progress();
        let is_over = |progress: &Progress| matches!(progress, Progress::Done { .. } | Progress::Failed(_));
        // It goes on, whoever waits.
        let _ = progress.wait_for(is_over).await;
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
