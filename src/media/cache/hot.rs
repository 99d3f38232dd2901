//! Small files that are asked for again and again, in memory: reading one from a disk costs more than sending it.

use std::future::Future;

use bytes::Bytes;
use moka::sync::Cache;

use crate::media::objects::{Digest, Error};

/// Of one file.
pub const MOST: u64 = 128 << 10;
/// Of all of them.
const BYTES: u64 = 32 << 20;

pub struct Hot(Cache<Digest, Bytes>);

impl Default for Hot {
    fn default() -> Self {
        let weigh = |digest: &Digest, bytes: &Bytes| (digest.0.len() + bytes.len()) as u32;
        Self(Cache::builder().max_capacity(BYTES).weigher(weigh).build())
    }
}

impl Hot {
    /// The file, by `read` if it is not here.
    pub async fn get<F>(&self, digest: &Digest, read: impl FnOnce() -> F) -> Result<Bytes, Error>
    where
        F: Future<Output = Result<Bytes, Error>>,
    {
        if let Some(bytes) = self.0.get(digest) {
            return Ok(bytes);
        }
        let bytes = read().await?;
        self.0.insert(digest.clone(), bytes.clone());
        Ok(bytes)
    }

    pub fn forget(&self, digest: &Digest) {
        self.0.invalidate(digest);
    }
}
