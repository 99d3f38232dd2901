//! The shelf: editions ready to be served, bounded in bytes. An edition is made once per version, on its first
//! request, however many ask at that moment; the one before it stays until then, and is what readers get while
//! the store cannot be read. Knows nothing of HTTP.

use std::sync::Arc;

use moka::{ops::compute::Op, sync::Cache};

use crate::edition::{Edition, Key, Version};

/// What each entry costs beside its bytes, about.
const OVERHEAD_BYTES: usize = 512;

/// How an edition was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    Shelved,
    Made,
    /// It could not be made anew; this is the last good one.
    Outdated,
}

/// Cheap to clone; all clones are the same shelf.
#[derive(Debug, Clone)]
pub struct Shelf(Cache<Key, Arc<Edition>>);

impl Shelf {
    /// `max_bytes` bounds the editions kept, not those on their way to readers.
    pub fn new(max_bytes: u64) -> Self {
        let weigh = |key: &Key, edition: &Arc<Edition>| {
            // About ten times what its words take in sets and strings of their own.
            let selection = key.selection.as_ref().map_or(0, |selection| OVERHEAD_BYTES + 10 * selection.query().len());
            let bytes = edition.bytes.len() + edition.sequences.len() * size_of::<u64>() + OVERHEAD_BYTES + selection;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(max_bytes).weigher(weigh).build())
    }

    /// The edition if it is as new as `wanted`. Never waits.
    pub fn get(&self, key: &Key, wanted: &Version) -> Option<Arc<Edition>> {
        self.0.get(key).filter(|edition| edition.serves(wanted))
    }

    /// The edition of whatever version.
    pub fn last_good(&self, key: &Key) -> Option<Arc<Edition>> {
        self.0.get(key)
    }

    /// The edition as new as `wanted`, made if need be. Of many who ask for it at once one makes it and the others
    /// wait, so this blocks. When `make` fails the last good edition stands in; the error is for want of one.
    pub fn edition<E: Send + Sync + 'static>(
        &self,
        key: Key,
        wanted: &Version,
        make: impl FnOnce() -> Result<Edition, E>,
    ) -> Result<(Arc<Edition>, Origin), E> {
        if let Some(edition) = self.get(&key, wanted) {
            return Ok((edition, Origin::Shelved));
        }
        let mut origin = Origin::Shelved;
        let computed = self.0.entry(key.clone()).and_try_compute_with(|shelved| match shelved {
            Some(entry) if entry.value().serves(wanted) => Ok(Op::Nop),
            _ => {
                origin = Origin::Made;
                make().map(|edition| Op::Put(Arc::new(edition)))
            }
        });
        // Now and not in a batch with later ones, which could be hundreds, of a megabyte each.
        self.0.run_pending_tasks();
        match computed {
            Ok(result) => Ok((result.unwrap().into_value(), origin)),
            Err(error) => self.last_good(&key).map(|edition| (edition, Origin::Outdated)).ok_or(error),
        }
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.0.weighted_size()
    }
}
