//! A file on its way here: one download, however many read it, each as far as it has come.

use std::{
    io,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    sync::{Mutex, watch},
    time::sleep,
};

use super::{
    kind::{HEAD, kind},
    objects::Digest,
};
use crate::{
    fetch::{FileBody, FileError},
    model::{Known, Missing},
};

/// Pieces that readers get.
const PIECE: usize = 128 << 10;

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Asked,
    Coming { length: Option<u64>, mime: &'static str, written: u64 },
    Done { digest: Digest, length: u64, mime: &'static str },
    Failed(Why),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The address is dead.
    #[error("the address is dead (status {0})")]
    Dead(u16),
    /// And upstream does not show the post any more.
    #[error("the address is dead, and upstream does not show the post any more")]
    Gone,
    #[error("it is larger than {most} bytes")]
    TooLarge { most: u64, length: Option<u64> },
    #[error("{0}")]
    Other(String),
}

impl Why {
    /// What that tells of the file, for longer than the next try.
    pub fn known(&self) -> Option<Known> {
        let (missing, length) = match self {
            Self::Gone => (Missing::Gone, None),
            Self::TooLarge { length, .. } => (Missing::TooLarge, *length),
            Self::Dead(_) | Self::Other(_) => return None,
        };
        Some(Known { missing: Some(missing), length, ..Known::default() })
    }
}

impl From<FileError> for Why {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Dead(status) => Self::Dead(status),
            FileError::Refused(reason) | FileError::Unreachable(reason) => Self::Other(reason),
        }
    }
}

/// So many bytes a second for all downloads together; 0: as many as come.
pub struct Pace {
    bytes_per_second: u64,
    next: Mutex<Instant>,
}

impl Pace {
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, next: Mutex::new(Instant::now()) }
    }

    async fn pass(&self, bytes: usize) {
        if self.bytes_per_second == 0 {
            return;
        }
        let wait = {
            let mut next = self.next.lock().await;
            let now = Instant::now();
            let begin = (*next).max(now);
            *next = begin + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
            begin - now
        };
        sleep(wait).await;
    }
}

/// The file on the disk, and how much of it is there.
pub struct Download {
    path: PathBuf,
    progress: watch::Sender<Progress>,
}

impl Download {
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, progress: watch::channel(Progress::Asked).0 })
    }

    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Writes what comes; at most `most` bytes. Says how it ended, and tells nobody yet.
    pub async fn write(&self, body: FileBody, most: u64, pace: &Pace) -> Progress {
        match self.written(body, most, pace).await {
            Ok(done) => done,
            Err(why) => Progress::Failed(why),
        }
    }

    /// Takes what somebody wrote for what it is said to be.
    pub async fn adopt(&self, mime: &'static str) -> Result<Progress, Why> {
        let disk = |error: io::Error| Why::Other(format!("cannot be read: {error}"));
        let mut file = File::open(&self.path).await.map_err(disk)?;
        let (mut sha, mut length, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
        loop {
            match file.read(&mut piece).await.map_err(disk)? {
                0 => break,
                read => {
                    sha.update(&piece[..read]);
                    length += read as u64;
                }
            }
        }
        Ok(Progress::Done { digest: hexadecimal(sha), length, mime })
    }

    /// Until it is over; why, if it failed.
    pub async fn ended(&self) -> Result<(), Why> {
        let is_over = |progress: &Progress| matches!(progress, Progress::Done { .. } | Progress::Failed(_));
        match self.progress().wait_for(is_over).await.as_deref() {
            Ok(Progress::Failed(why)) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// Tells those who read it.
    pub fn tell(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }

    async fn written(&self, body: FileBody, most: u64, pace: &Pace) -> Result<Progress, Why> {
        let FileBody { length, mut pieces } = body;
        if length.is_some_and(|length| length > most) {
            return Err(Why::TooLarge { most, length });
        }
        let disk = |error: io::Error| Why::Other(format!("cannot be written: {error}"));
        let mut file = File::create(&self.path).await.map_err(disk)?;
        let (mut sha, mut written, mut head) = (Sha256::new(), 0_u64, Vec::new());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(Why::Other)?;
            written += piece.len() as u64;
            if written > most {
                return Err(Why::TooLarge { most, length: None });
            }
            pace.pass(piece.len()).await;
            head.extend(piece.iter().take(HEAD.saturating_sub(head.len())));
            sha.update(&piece);
            file.write_all(&piece).await.map_err(disk)?;
            file.flush().await.map_err(disk)?;
            if head.len() == HEAD {
                self.tell(Progress::Coming { length, mime: kind(&head), written });
            }
        }
        if length.is_some_and(|length| length != written) {
            return Err(Why::Other("it broke off".to_owned()));
        }
        if written == 0 {
            return Err(Why::Other("it is empty".to_owned()));
        }
        Ok(Progress::Done { digest: hexadecimal(sha), length: written, mime: kind(&head) })
    }

    /// The bytes from `start` to `end`, as they come; an error if they do not.
    pub fn read(self: &Arc<Self>, start: u64, end: u64) -> BoxStream<'static, io::Result<Bytes>> {
        let (download, progress) = (Arc::clone(self), self.progress());
        let begin = Reading { download, progress, file: None, at: start, end };
        futures_util::stream::unfold(Some(begin), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

fn hexadecimal(sha: Sha256) -> Digest {
    Digest(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Drop for Download {
    fn drop(&mut self) {
        // It may never have been made. What a crash leaves is swept at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Reading {
    download: Arc<Download>,
    progress: watch::Receiver<Progress>,
    file: Option<File>,
    at: u64,
    end: u64,
}

impl Reading {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let there = self.wait().await?;
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = File::open(self.download.path()).await?;
                file.seek(io::SeekFrom::Start(self.at)).await?;
                self.file.insert(file)
            }
        };
        let most = (there.min(self.end) - self.at).min(PIECE as u64) as usize;
        let mut piece = vec![0; most];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        self.at += read as u64;
        Ok(Some(piece.into()))
    }

    /// Until there is more than was read; how much there is.
    async fn wait(&mut self) -> io::Result<u64> {
        let at = self.at;
        let is_there = |progress: &Progress| match progress {
            Progress::Asked => false,
            Progress::Coming { written, .. } => *written > at,
            Progress::Done { .. } | Progress::Failed(_) => true,
        };
        let waiting = pin!(self.progress.wait_for(is_there));
        match &*waiting.await.map_err(io::Error::other)? {
            Progress::Coming { written, .. } => Ok(*written),
            Progress::Done { length, .. } => Ok(*length),
            Progress::Failed(why) => Err(io::Error::other(why.to_string())),
            Progress::Asked => Ok(at),
        }
    }
}
