//! Files that are kept here: fetched once, named once they are whole, and served from the store of media, within a quota.

mod book;
mod hot;
mod made;

pub use book::{Figures, Rules};

use std::{
    collections::{HashMap, HashSet},
    io,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::stream::BoxStream;
use moka::sync::Cache as Remembered;
use tokio::{sync::Semaphore, time::timeout};
use tracing::{debug, warn};

use self::{book::Book, hot::Hot};
use super::{
    address::{Address, File},
    download::{Download, Pace, Progress, Why},
    facts::Facts,
    objects::{Digest, Entry, Error, Objects},
    present::{Found, Present, Unread},
};
use crate::{clock::Clock, fetch::FileError, model::Known, store::Handle};

/// Downloads at the same time.
const DOWNLOADS: usize = 4;
/// A reader waits so long for a file to begin.
const PATIENCE: Duration = Duration::from_secs(15);
/// After a download that failed the next one waits.
const AFTER_FAILURE: Duration = Duration::from_secs(600);
/// What is gone or too large is hardly there the next time.
const AFTER_REFUSAL: Duration = Duration::from_secs(6 * 3600);
/// A channel's picture may be another one after so long.
const AVATAR_AGE: TimeDelta = TimeDelta::days(1);
/// Entries that are known without asking the store of media.
const ENTRIES: u64 = 100_000;
/// A file without an entry may be about to get one.
const ORPHAN_AGE: TimeDelta = TimeDelta::hours(1);

/// What is read of a file.
pub enum Reading {
    Whole(Bytes),
    Pieces(BoxStream<'static, io::Result<Bytes>>),
}

/// What became of a request.
pub enum Opened {
    Stored(Entry),
    /// It is on its way here.
    Coming(Arc<Download>),
    /// It is not kept here.
    At(String),
    Nothing,
    Gone,
    Later(Duration),
}

pub struct Cache {
    objects: Objects,
    present: Arc<Present>,
    /// Where files are until they are whole.
    spool: PathBuf,
    rules: Rules,
    clock: Clock,
    slots: Semaphore,
    /// One file at a time is made here.
    making: tokio::sync::Mutex<()>,
    pace: Pace,
    entries: Remembered<String, Entry>,
    hot: Hot,
    failures: Remembered<String, ()>,
    refusals: Remembered<String, ()>,
    downloads: Mutex<HashMap<String, Arc<Download>>>,
    book: Mutex<Book>,
    facts: Facts,
}

impl Cache {
    /// Finds out what is there. Files on their way lie in `spool`, a directory of its own.
    pub async fn open(
        objects: Objects,
        present: Arc<Present>,
        spool: PathBuf,
        rules: Rules,
        clock: Clock,
    ) -> Result<Self, Error> {
        std::fs::create_dir_all(&spool)?;
        let mut book = Book::default();
        for file in objects.files().await? {
            book.add(file.digest, file.length, file.modified);
        }
        book.places = objects.places().await?.into_iter().collect();
        for place in book.places.iter().filter(|place| rules.keep(place)) {
            book.pinned.extend(objects.entry(place).await?.map(|entry| entry.digest));
        }
        Ok(Self {
            objects,
            present,
            spool,
            pace: Pace::new(rules.bytes_per_second),
            rules,
            clock,
            slots: Semaphore::new(DOWNLOADS),
            making: tokio::sync::Mutex::default(),
            entries: Remembered::new(ENTRIES),
            hot: Hot::default(),
            failures: Remembered::builder().max_capacity(ENTRIES).time_to_live(AFTER_FAILURE).build(),
            refusals: Remembered::builder().max_capacity(ENTRIES).time_to_live(AFTER_REFUSAL).build(),
            downloads: Mutex::default(),
            book: Mutex::new(book),
            facts: Facts::default(),
        })
    }

    /// The bytes of the range, which must lie within the file, as far as it was read so far.
    pub async fn read(&self, entry: &Entry, range: Range<u64>) -> Result<Reading, Error> {
        if entry.length > hot::MOST {
            return Ok(Reading::Pieces(self.objects.read(&entry.digest, range).await?));
        }
        let whole = self.hot.get(&entry.digest, || self.objects.whole(&entry.digest)).await?;
        let within = whole.len() as u64 >= range.end;
        let bytes = within.then(|| whole.slice(range.start as usize..range.end as usize));
        bytes.map(Reading::Whole).ok_or_else(|| Error::Short(entry.digest.clone()))
    }

    pub fn present(&self) -> &Present {
        &self.present
    }

    pub fn figures(&self) -> Figures {
        self.book().figures
    }

    /// What downloads told of files.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Writes that down, but of posts of which other files are on their way here.
    pub async fn write_facts(&self, store: &Handle) -> Result<(), Unread> {
        let coming = self.downloads().keys().cloned().collect();
        self.facts.write(store, coming, self.clock.wall()).await
    }

    /// Whether the place leads to a file, or is about to.
    pub fn has(&self, place: &str) -> bool {
        self.book().places.contains(place) || self.is_tried(place)
    }

    /// Whether the file is on its way here, or could not be had lately.
    pub fn is_tried(&self, place: &str) -> bool {
        self.has_failed(place) || self.downloads().contains_key(place)
    }

    fn has_failed(&self, place: &str) -> bool {
        self.failures.contains_key(place) || self.refusals.contains_key(place)
    }

    /// The file, from here or on its way here.
    pub async fn get(self: &Arc<Self>, address: &Address) -> Result<Opened, Unread> {
        let place = address.place();
        match self.stored(address, &place).await {
            Ok(Some(entry)) => {
                self.used(&entry);
                return Ok(Opened::Stored(entry));
            }
            Ok(None) => {}
            Err(error) => warn!(%error, place, "a stored file cannot be looked up; it is fetched again"),
        }
        if self.has_failed(&place) || address.voice().is_some() && !self.rules.transcode {
            return self.elsewhere(address).await;
        }
        let Some(download) = self.fetch(address).await? else { return Ok(Opened::Nothing) };
        let mut progress = download.progress();
        let begun = timeout(PATIENCE, progress.wait_for(|progress| *progress != Progress::Asked)).await;
        match begun.map(|progress| progress.map(|progress| progress.clone())) {
            Ok(Ok(Progress::Coming { .. } | Progress::Done { .. })) => Ok(Opened::Coming(download)),
            Ok(Ok(Progress::Failed(_)) | Err(_)) => self.elsewhere(address).await,
            Ok(Ok(Progress::Asked)) | Err(_) => Ok(Opened::Later(PATIENCE)),
        }
    }

    async fn elsewhere(&self, address: &Address) -> Result<Opened, Unread> {
        // What cannot be made is heard as it is.
        if let Some(voice) = address.voice() {
            return Ok(Opened::At(format!("./{}", voice.name())));
        }
        Ok(match self.present.find(address).await? {
            Found::At(url) => Opened::At(url),
            Found::Nothing => Opened::Nothing,
            Found::Gone => Opened::Gone,
            Found::Later(wait) => Opened::Later(wait),
        })
    }

    /// What is here of the file, if it is here.
    pub async fn entry(&self, address: &Address) -> Result<Option<Entry>, Error> {
        self.stored(address, &address.place()).await
    }

    async fn stored(&self, address: &Address, place: &str) -> Result<Option<Entry>, Error> {
        let known = self.entries.get(place);
        let is_known = known.is_some();
        let entry = match known {
            Some(entry) => Some(entry),
            None if self.book().places.contains(place) => self.objects.entry(place).await?,
            None => None,
        };
        let Some(entry) = entry else { return Ok(None) };
        let is_old = address.file == File::Avatar && self.clock.wall() - entry.stored >= AVATAR_AGE;
        if is_old || !self.book().has(&entry.digest) {
            return Ok(None);
        }
        if !is_known {
            self.entries.insert(place.to_owned(), entry.clone());
        }
        Ok(Some(entry))
    }

    fn used(&self, entry: &Entry) {
        let mut book = self.book();
        book.figures.served += 1;
        book.used(&entry.digest, self.clock.wall());
    }

    /// The download of the file, begun if it is not under way; None if no stored post has such a file.
    pub async fn fetch(self: &Arc<Self>, address: &Address) -> Result<Option<Arc<Download>>, Unread> {
        if let Some(download) = self.downloads().get(&address.place()) {
            return Ok(Some(Arc::clone(download)));
        }
        let original = address.voice().filter(|_| self.rules.transcode);
        let is_there = self.present.locate(original.as_ref().unwrap_or(address)).await?.is_some();
        Ok(is_there.then(|| self.begin(address)))
    }

    fn begin(self: &Arc<Self>, address: &Address) -> Arc<Download> {
        let place = address.place();
        let mut downloads = self.downloads();
        if let Some(download) = downloads.get(&place) {
            return Arc::clone(download);
        }
        let number = {
            let mut book = self.book();
            book.next += 1;
            book.next
        };
        let download = Download::new(self.spool.join(number.to_string()));
        downloads.insert(place.clone(), Arc::clone(&download));
        let (cache, address, own) = (Arc::clone(self), address.clone(), Arc::clone(&download));
        tokio::spawn(async move {
            let asked = cache.clock.wall();
            let ended = cache.download(&address, &place, &own).await;
            if let Progress::Failed(why) = &ended {
                debug!(place, %why, "a file cannot be fetched");
                let remembered = if why.known().is_some() { &cache.refusals } else { &cache.failures };
                remembered.insert(place.clone(), ());
                cache.book().figures.failed += 1;
            }
            if let Some(known) = known(&ended).filter(|_| address.voice().is_none()) {
                cache.facts.tell(address.clone(), known, asked);
            }
            cache.downloads().remove(&place);
            if matches!(ended, Progress::Done { .. }) {
                cache.make_of(&address);
            }
            own.tell(ended);
        });
        download
    }

    async fn download(self: &Arc<Self>, address: &Address, place: &str, download: &Download) -> Progress {
        let ended = match address.voice() {
            Some(voice) => self.made(&voice, download).await,
            None => self.fetched(address, download).await,
        };
        if let Progress::Done { digest, length, mime } = &ended {
            let entry =
                Entry { digest: digest.clone(), length: *length, mime: (*mime).to_owned(), stored: self.clock.wall() };
            // It can be read all the same, by those who read it now.
            if let Err(error) = self.store(place, entry, download).await {
                warn!(%error, place, "a file could not be stored; it is fetched again after a while");
                self.failures.insert(place.to_owned(), ());
            }
        }
        ended
    }

    async fn fetched(&self, address: &Address, download: &Download) -> Progress {
        let Ok(_slot) = self.slots.acquire().await else { return Progress::Failed(Why::Other("it is late".into())) };
        match self.body(address).await {
            Ok(body) => download.write(body, self.rules.max_bytes, &self.pace).await,
            Err(why) => Progress::Failed(why),
        }
    }

    async fn store(&self, place: &str, entry: Entry, download: &Download) -> Result<(), Error> {
        self.objects.keep(&entry.digest, entry.length, download.path()).await?;
        self.objects.enter(place, &entry).await?;
        {
            let mut book = self.book();
            book.add(entry.digest.clone(), entry.length, self.clock.wall());
            book.places.insert(place.to_owned());
            book.figures.fetched += 1;
            if self.rules.keep(place) {
                book.pinned.insert(entry.digest.clone());
            }
        }
        self.entries.insert(place.to_owned(), entry);
        if self.figures().bytes > self.rules.quota_bytes { self.trim().await } else { Ok(()) }
    }

    /// A file that was there is not there any more, whoever took it; it is fetched again when it is wanted.
    pub fn lost(&self, digest: &Digest) {
        self.book().remove(digest);
        self.hot.forget(digest);
    }

    /// The file as upstream has it, by an address that is renewed if it is dead.
    async fn body(&self, address: &Address) -> Result<crate::fetch::FileBody, Why> {
        let nothing = || Why::Other("no stored post has such a file".to_owned());
        let unread = |error: Unread| Why::Other(error.to_string());
        let located = self.present.locate(address).await.map_err(unread)?.ok_or_else(nothing)?;
        match self.present.files().open(&located.url).await {
            Err(FileError::Dead(status)) => match self.present.find(address).await.map_err(unread)? {
                Found::At(url) => self.present.files().open(&url).await.map_err(Why::from),
                Found::Gone => Err(Why::Gone),
                _ => Err(Why::Dead(status)),
            },
            body => body.map_err(Why::from),
        }
    }

    /// Lets go what is beyond the quota, and what nobody used for too long.
    pub async fn trim(&self) -> Result<(), Error> {
        let leaving = self.book().leaving(&self.rules, self.clock.wall());
        for digest in leaving {
            self.objects.remove(&digest).await?;
            self.hot.forget(&digest);
            let mut book = self.book();
            book.remove(&digest);
            book.figures.evicted += 1;
        }
        Ok(())
    }

    /// Removes files that nothing leads to, as a crash between the two leaves them.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let mut led_to = HashSet::new();
        let places: Vec<String> = self.book().places.iter().cloned().collect();
        for place in places {
            led_to.extend(self.objects.entry(&place).await?.map(|entry| entry.digest));
        }
        let now = self.clock.wall();
        let files = self.objects.files().await?;
        let orphans =
            files.into_iter().filter(|file| !led_to.contains(&file.digest) && now - file.modified >= ORPHAN_AGE);
        let mut swept = 0;
        for orphan in orphans {
            self.objects.remove(&orphan.digest).await?;
            self.book().remove(&orphan.digest);
            swept += 1;
        }
        Ok(swept)
    }

    // What the locks guard is whole between any two statements.

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn downloads(&self) -> MutexGuard<'_, HashMap<String, Arc<Download>>> {
        self.downloads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the end of a download tells of the file.
fn known(ended: &Progress) -> Option<Known> {
    match ended {
        Progress::Done { length, mime, .. } => Some(Known::of(*length, mime)),
        Progress::Failed(why) => why.known(),
        Progress::Asked | Progress::Coming { .. } => None,
    }
}
