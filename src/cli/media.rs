//! `feedbridge media`: how much is kept of the files of posts, and whether it is whole.

use std::{collections::HashMap, sync::Arc};

use clap::Subcommand;
use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use tokio::{runtime, select, signal::ctrl_c, sync::oneshot};

use super::{foreground::poller, progress::counted};
use crate::{
    clock::Clock,
    config::{ChannelConfig, Config, Mode},
    daemon::{Failure, media_cache, media_place, spool, store_config},
    fetch::{self, Files},
    media::{Address, Cache, Digest, Objects, Present, Refreshes, Renewal, is_of_web},
    model::{ChannelName, History},
    status::Board,
    store::{self, Handle, Store},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print how many files are kept, and how many bytes.
    Stats,
    /// Let go what is beyond the quota or unused for too long, and what nothing leads to; while no daemon runs.
    Prune,
    /// Read every file that is kept, and say what is not what it was.
    Verify,
    /// Fetch all files of a channel's stored posts; dead addresses are renewed from the posts' own pages; while no daemon runs.
    Fetch {
        /// NAME, @NAME or https://t.me/NAME
        channel: ChannelName,
    },
}

pub fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        match command {
            Command::Stats => stats(&objects(config)?).await,
            Command::Verify => verify(&objects(config)?).await,
            Command::Prune => prune(config).await,
            Command::Fetch { channel } => fetch_all(config, &channel).await,
        }
    })
}

fn objects(config: &Config) -> Result<Objects, Failure> {
    Objects::open(&media_place(config)).map_err(|error| error.to_string())
}

async fn stats(objects: &Objects) -> Result<(), Failure> {
    let files = objects.files().await.map_err(|error| error.to_string())?;
    let places = objects.places().await.map_err(|error| error.to_string())?;
    let bytes: u64 = files.iter().map(|file| file.length).sum();
    println!("{} files, {bytes} bytes, for {} places in posts", files.len(), places.len());
    Ok(())
}

async fn verify(objects: &Objects) -> Result<(), Failure> {
    let listed = objects.files().await.map_err(|error| error.to_string())?;
    let lengths: HashMap<Digest, u64> = listed.into_iter().map(|file| (file.digest, file.length)).collect();
    let progress = counted(lengths.len() as u64);
    let mut faults = Vec::new();
    for (digest, length) in &lengths {
        match digest_of(objects, digest, *length).await {
            Ok(found) if found == digest.0 => {}
            Ok(_) => faults.push(format!("{}: holds something else", digest.0)),
            Err(reason) => faults.push(format!("{}: {reason}", digest.0)),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut lost = 0_u64;
    for place in objects.places().await.map_err(|error| error.to_string())? {
        match objects.entry(&place).await {
            Ok(Some(entry)) if lengths.get(&entry.digest).is_some_and(|length| *length != entry.length) => {
                faults.push(format!("{place}: is {} bytes long, and its file is not", entry.length));
            }
            Ok(entry) => lost += u64::from(entry.is_none_or(|entry| !lengths.contains_key(&entry.digest))),
            Err(error) => faults.push(format!("{place}: {error}")),
        }
    }
    println!("{} files are what they were; {lost} places lead to files that have left", lengths.len() - faults.len());
    if faults.is_empty() { Ok(()) } else { Err(format!("{} are not: {}", faults.len(), faults.join("; "))) }
}

async fn digest_of(objects: &Objects, digest: &Digest, length: u64) -> Result<String, String> {
    let mut pieces = objects.read(digest, 0..length).await.map_err(|error| error.to_string())?;
    let mut sha = Sha256::new();
    while let Some(piece) = pieces.next().await {
        sha.update(&piece.map_err(|error| error.to_string())?);
    }
    Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The store of posts, which no daemon may have, and the files that are kept.
struct House {
    store: Arc<dyn Store>,
    cache: Arc<Cache>,
    refreshes: Arc<Refreshes>,
}

async fn opened(config: &Config) -> Result<House, Failure> {
    if config.media.mode != Mode::Cache {
        return Err("nothing is kept; set media.mode = \"cache\"".to_owned());
    }
    let (store, _) = store::open(&store_config(config)).map_err(|error| error.to_string())?;
    // What was on its way when a daemon was killed.
    let _ = std::fs::remove_dir_all(spool(config));
    let files = Files::new(&config.upstream.proxies, config.media.allow_private, &fetch::system())?;
    let refreshes = Arc::new(Refreshes::default());
    let present = Present::new(Handle::new(Arc::clone(&store)), files, Arc::clone(&refreshes), Clock::system());
    let cache = Arc::new(media_cache(config, Arc::new(present), Clock::system()).await?);
    Ok(House { store, cache, refreshes })
}

async fn prune(config: &Config) -> Result<(), Failure> {
    let House { store, cache, .. } = opened(config).await?;
    let before = cache.figures();
    cache.trim().await.map_err(|error| error.to_string())?;
    let swept = cache.sweep().await.map_err(|error| error.to_string())?;
    let after = cache.figures();
    println!(
        "{} files have left, {swept} of them led to by nothing; {} bytes stay",
        before.files - after.files,
        after.bytes
    );
    store.close().map_err(|error| error.to_string())
}

/// Fetches what is not here, while a poller renews addresses that are dead.
async fn fetch_all(config: &Config, name: &ChannelName) -> Result<(), Failure> {
    let House { store, cache, refreshes } = opened(config).await?;
    let (board, handle) = (Arc::new(Board::new([name.clone()])), Handle::new(Arc::clone(&store)));
    let channel = ChannelConfig { name: name.clone(), history: History::None };
    let poller = poller(config, channel, handle.clone(), &board, refreshes)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let polling = tokio::spawn(poller.run(async move { drop(stopped.await) }));
    let fetched = select! {
        fetched = fetch_each(store.as_ref(), &cache, name, config.media.transcode) => fetched,
        _ = ctrl_c() => Err("interrupted; the same command goes on from here".to_owned()),
    };
    drop(stop);
    polling.await.map_err(|error| error.to_string())?;
    cache.write_facts(&handle).await.map_err(|error| error.to_string())?;
    store.close().map_err(|error| error.to_string())?;
    println!("{}", fetched?);
    Ok(())
}

/// What came of it, for a person.
async fn fetch_each(
    store: &dyn Store,
    cache: &Arc<Cache>,
    name: &ChannelName,
    transcode: bool,
) -> Result<String, Failure> {
    let channel = store.channel(name).map_err(|error| error.to_string())?;
    let channel = channel.ok_or_else(|| format!("{name} is not stored"))?;
    let posts = store.latest(channel.id, None, usize::MAX).map_err(|error| error.to_string())?;
    let files = posts.iter().flat_map(|stored| stored.post.media()).filter(|(_, url)| is_of_web(url.as_str()));
    let wanted = files.map(|(place, _)| Address::of(&channel.slug, place));
    let with_made = |address: Address| {
        let made = address.as_m4a().filter(|_| transcode);
        std::iter::once(address).chain(made)
    };
    let wanted: Vec<_> = wanted.flat_map(with_made).collect();
    let progress = counted(wanted.len() as u64);
    let mut failed = 0;
    for address in &wanted {
        if !cache.has(&address.place()) {
            failed += u64::from(!fetched(cache, address).await?);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(format!("{} files of {name}: {} fetched, {failed} not to be had", wanted.len(), cache.figures().fetched))
}

/// By the address that is stored, or by the one that the post's own page shows, however long its turn takes.
async fn fetched(cache: &Arc<Cache>, address: &Address) -> Result<bool, Failure> {
    if ended(cache, address).await? {
        return Ok(true);
    }
    let renewal = cache.present().renew(address).await.map_err(|error| error.to_string())?;
    if renewal == Renewal::Done { ended(cache, address).await } else { Ok(false) }
}

/// Whether the download brought the file.
async fn ended(cache: &Arc<Cache>, address: &Address) -> Result<bool, Failure> {
    let Some(download) = cache.fetch(address).await.map_err(|error| error.to_string())? else { return Ok(false) };
    Ok(download.ended().await.is_ok())
}
