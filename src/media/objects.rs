//! The store of files: a directory or a bucket. A file lies under the digest of what it holds, so that equal ones lie there
//! once; what leads to it by its place in a post is an entry of its own, written last. The only module that knows
//! object_store.

use std::{
    io,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path as Key,
};
use serde::{Deserialize, Serialize};
use tokio::{fs::File, io::AsyncReadExt};
use url::Url;

use crate::model::{Known, Time};

/// What a bucket takes at once, and how many at the same time.
const PART_BYTES: usize = 8 << 20;
const PARTS: usize = 2;
/// A reader is given so much at once, and the more the faster it takes that: a reader in a hurry costs few calls, one that
/// takes its time little memory.
const STEP_BYTES: RangeInclusive<u64> = 64 << 10..=512 << 10;
/// Who takes a step within so long is in a hurry.
const HURRY: Duration = Duration::from_millis(20);

/// SHA-256 of a file, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

/// What is known of a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub digest: Digest,
    /// In bytes.
    pub length: u64,
    /// As its first bytes tell.
    pub mime: String,
    pub stored: Time,
}

impl Entry {
    /// What the file tells of itself.
    pub fn known(&self) -> Known {
        Known::of(self.length, &self.mime)
    }
}

/// Where files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Directory(PathBuf),
    /// `s3://BUCKET/PREFIX`, at an endpoint that is not Amazon's if one is named. Keys come from the environment, as
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    Bucket {
        url: Url,
        endpoint: Option<Url>,
    },
}

/// A file of the store, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub digest: Digest,
    pub length: u64,
    pub modified: Time,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store of media: {0}")]
    Store(#[from] object_store::Error),
    #[error("a file on its way to the store of media: {0}")]
    Spool(#[from] io::Error),
    #[error("the file {} is shorter than it was", .0.0)]
    Short(Digest),
    #[error("an entry of the store of media cannot be read: {0}")]
    Entry(#[from] serde_json::Error),
}

pub struct Objects {
    store: Arc<dyn ObjectStore>,
    base: Key,
}

impl Objects {
    /// A directory is made if it is not there.
    pub fn open(place: &Place) -> Result<Self, Error> {
        match place {
            Place::Directory(path) => {
                std::fs::create_dir_all(path)?;
                let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
                Ok(Self::over(Arc::new(store), ""))
            }
            Place::Bucket { url, endpoint } => {
                // One by one: what deletes many at once answers differently from server to server.
                let builder = AmazonS3Builder::from_env().with_disable_bulk_delete(true);
                let builder = builder.with_bucket_name(url.host_str().unwrap_or_default());
                let builder = match endpoint {
                    Some(endpoint) => builder
                        .with_endpoint(endpoint.as_str().trim_end_matches('/'))
                        .with_allow_http(endpoint.scheme() == "http"),
                    None => builder,
                };
                Ok(Self::over(Arc::new(builder.build()?), url.path().trim_matches('/')))
            }
        }
    }

    /// In `store`, below `base`.
    pub fn over(store: Arc<dyn ObjectStore>, base: &str) -> Self {
        Self { store, base: Key::from(base) }
    }

    /// Stores the file at `path`, unless it is there. It is there whole or not at all.
    pub async fn keep(&self, digest: &Digest, length: u64, path: &Path) -> Result<(), Error> {
        let key = self.object(digest);
        if self.length(digest).await? == Some(length) {
            return Ok(());
        }
        let mut file = File::open(path).await?;
        let upload = self.store.put_multipart(&key).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut buffer = vec![0; 256 << 10];
        loop {
            upload.wait_for_capacity(PARTS).await?;
            match file.read(&mut buffer).await? {
                0 => break,
                read => upload.write(&buffer[..read]),
            }
        }
        upload.finish().await?;
        Ok(())
    }

    /// All of a file, for small ones.
    pub async fn whole(&self, digest: &Digest) -> Result<Bytes, Error> {
        Ok(self.store.get(&self.object(digest)).await?.bytes().await?)
    }

    /// The bytes of the range, which must lie within the file, a step at a time: who reads slowly holds one of them.
    pub async fn read(
        &self,
        digest: &Digest,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, Error> {
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let (store, key) = (Arc::clone(&self.store), self.object(digest));
        let step = move |at: u64, bytes: u64| at..at.saturating_add(bytes).min(range.end);
        let (shortest, longest) = STEP_BYTES.into_inner();
        let first = step(range.start, shortest);
        // What is not there is known before the answer begins.
        let piece = store.get_range(&key, first.clone()).await?;
        let rest = stream::try_unfold((first.end, shortest, Instant::now()), move |(at, bytes, given)| {
            let bytes = if given.elapsed() < HURRY { bytes.saturating_mul(2).min(longest) } else { shortest };
            let (store, key, next) = (Arc::clone(&store), key.clone(), step(at, bytes));
            async move {
                if next.is_empty() {
                    return Ok(None);
                }
                let piece = store.get_range(&key, next.clone()).await.map_err(io::Error::other)?;
                Ok(Some((piece, (next.end, bytes, Instant::now()))))
            }
        });
        Ok(stream::once(std::future::ready(Ok(piece))).chain(rest).boxed())
    }

    /// None for a file that is not there.
    pub async fn length(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        match self.store.head(&self.object(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn remove(&self, digest: &Digest) -> Result<(), Error> {
        match self.store.delete(&self.object(digest)).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// All files.
    pub async fn files(&self) -> Result<Vec<Listed>, Error> {
        let folder = self.base.clone().join("objects");
        let listed = self.store.list(Some(&folder)).map_ok(|meta| {
            let name = meta.location.filename().unwrap_or_default().to_owned();
            Listed { digest: Digest(name), length: meta.size, modified: meta.last_modified }
        });
        Ok(listed.try_collect().await?)
    }

    /// Leads from the place to a file that is stored.
    pub async fn enter(&self, place: &str, entry: &Entry) -> Result<(), Error> {
        let key = self.entry_key(place);
        self.store.put(&key, PutPayload::from(serde_json::to_vec(entry)?)).await?;
        Ok(())
    }

    /// What the place leads to.
    pub async fn entry(&self, place: &str) -> Result<Option<Entry>, Error> {
        match self.store.get(&self.entry_key(place)).await {
            Ok(found) => Ok(Some(serde_json::from_slice(&found.bytes().await?)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The places that lead somewhere.
    pub async fn places(&self) -> Result<Vec<String>, Error> {
        let folder = self.base.clone().join("index");
        let depth = folder.parts().count();
        let listed = self.store.list(Some(&folder)).map_ok(move |meta| {
            let parts: Vec<String> = meta.location.parts().skip(depth).map(|part| part.as_ref().to_owned()).collect();
            parts.join("/")
        });
        Ok(listed.try_collect().await?)
    }

    /// A folder holds a 256th of all.
    fn object(&self, digest: &Digest) -> Key {
        self.base.clone().join("objects").join(digest.0.get(..2).unwrap_or_default()).join(digest.0.as_str())
    }

    fn entry_key(&self, place: &str) -> Key {
        place.split('/').fold(self.base.clone().join("index"), |key, part| key.join(part))
    }
}
