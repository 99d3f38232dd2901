//! What is made here of files: voices as M4A. It is kept, used and let go as any file, and made again when it is wanted.

use std::{io, path::Path, sync::Arc};

use futures_util::StreamExt;
use tokio::{fs, io::AsyncWriteExt};
use tracing::debug;

use super::{Cache, Error, Progress, Why};
use crate::{
    feed::M4A,
    media::{Address, Download, Entry, transcode::transcode},
    model::Known,
};

impl Cache {
    /// Whether the file is one that is made here, of another one.
    pub(super) fn makes(&self, address: &Address) -> bool {
        self.rules.transcode && address.voice().is_some()
    }

    /// Begins to make what is to be made of a file that has come.
    pub(super) fn make_of(self: &Arc<Self>, address: &Address) {
        if let Some(made) = address.as_m4a().filter(|made| self.makes(made)) {
            self.begin(&made);
        }
    }

    /// As [`Cache::make_of`] of a file that is here and `known`, if nothing was made of it yet. What was is told.
    pub async fn complete(self: &Arc<Self>, address: &Address, known: &Known) -> Result<(), Error> {
        let Some(made) = address.as_m4a().filter(|made| known.m4a.is_none() && self.makes(made)) else {
            return Ok(());
        };
        // What an edit put in the place of another is not known.
        let is_it = |voice: &Entry| known.length == Some(voice.length);
        let Some(voice) = self.entry(address).await?.filter(is_it) else { return Ok(()) };
        // It is the post's now, whatever was edited since it came.
        let voice = Entry { stored: self.clock.wall(), ..voice };
        self.entries.insert(address.place(), voice.clone());
        match self.entry(&made).await? {
            Some(entry) => self.tell_made(address, &voice, entry.length),
            None if !self.is_tried(&made.place()) => _ = self.begin(&made),
            None => {}
        }
        Ok(())
    }

    /// Makes an M4A of the voice, which is fetched if it is not here.
    pub(super) async fn made(self: &Arc<Self>, voice: &Address, download: &Download) -> Progress {
        match self.try_made(voice, download).await {
            Ok(progress) => progress,
            Err(why) => Progress::Failed(why),
        }
    }

    async fn try_made(self: &Arc<Self>, voice: &Address, download: &Download) -> Result<Progress, Why> {
        let other = |error: &dyn std::fmt::Display| Why::Other(error.to_string());
        let entry = self.whole(voice).await?;
        let _turn = self.making.lock().await;
        let source = download.path().with_extension("ogg");
        let made = async {
            self.copy(&entry, &source).await.map_err(|error| other(&error))?;
            transcode(&source, download.path()).await.map_err(Why::Other)?;
            download.adopt(M4A).await
        };
        let made = made.await;
        // It may never have been written.
        let _ = fs::remove_file(&source).await;
        if let Ok(Progress::Done { length, .. }) = &made {
            self.tell_made(voice, &entry, *length);
        }
        made
    }

    /// Beside what is known of the voice, which was the post's when it was stored.
    fn tell_made(&self, address: &Address, voice: &Entry, length: u64) {
        self.facts.tell(address.clone(), Known { m4a: Some(length), ..voice.known() }, voice.stored);
    }

    /// The file, once it is here.
    async fn whole(self: &Arc<Self>, address: &Address) -> Result<Entry, Why> {
        let other = |error: &dyn std::fmt::Display| Why::Other(error.to_string());
        let nothing = || Why::Other("there is no voice that it could be made of".to_owned());
        if let Some(entry) = self.entry(address).await.map_err(|error| other(&error))? {
            return Ok(entry);
        }
        let download = self.fetch(address).await.map_err(|error| other(&error))?.ok_or_else(nothing)?;
        download.ended().await?;
        self.entry(address).await.map_err(|error| other(&error))?.ok_or_else(nothing)
    }

    async fn copy(&self, entry: &Entry, to: &Path) -> Result<(), Error> {
        let mut pieces = self.objects.read(&entry.digest, 0..entry.length).await.inspect_err(|error| {
            debug!(%error, "a stored file cannot be read");
            self.lost(&entry.digest);
        })?;
        let mut file = fs::File::create(to).await?;
        while let Some(piece) = pieces.next().await {
            file.write_all(&piece?).await?;
        }
        Ok::<_, io::Error>(file.flush().await?).map_err(Error::from)
    }
}
