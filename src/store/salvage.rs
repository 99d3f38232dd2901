//! What damaged lines of the journal said, as far as the index still has it, to be written once more.
//! Decides what to write; writes nothing.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Batch, Change, Error, index::Index};

/// The state that remembers the damage that was seen to.
pub const KEY: &str = "journal/damage";

/// Numbers of damaged lines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Damage {
    /// Written again.
    mended: BTreeSet<u64>,
    /// There was no copy, or none that can be told to be it.
    gone: BTreeSet<u64>,
}

pub struct Salvaged {
    /// To be committed in this order; none if all damage was seen to before.
    pub batches: Vec<Batch>,
    /// Mended by them.
    pub mended: Vec<u64>,
    /// Damaged, and not mended now or before.
    pub remaining: Vec<u64>,
}

/// Looks for what the `damaged` lines of the journal said. The index had come to record `seen` before it was opened;
/// `known` is the value under [`KEY`].
pub fn salvage(index: &Index, damaged: &[u64], seen: u64, known: Option<Value>) -> Result<Salvaged, Error> {
    let mut damage: Damage = known.map(serde_json::from_value).transpose()?.unwrap_or_default();
    let fresh: HashSet<u64> =
        damaged.iter().copied().filter(|n| !damage.mended.contains(n) && !damage.gone.contains(n)).collect();
    let (mut batches, mut batch) = (Vec::new(), Batch::default());
    let mut others = fresh.clone();
    let mut mended = Vec::new();
    for (channel, id, sequence, kind) in index.changes(&fresh)? {
        others.remove(&sequence);
        // An older revision stood in the journal alone.
        if let Some(stored) = index.post(channel, id)?.filter(|stored| stored.sequence == sequence) {
            batch.changes.push(Change { kind, channel, stored });
            mended.push(sequence);
        }
    }
    mended.sort_unstable();
    // What is no change of a post is a channel, and nothing tells which.
    if others.iter().any(|number| *number <= seen) {
        batches
            .extend(index.channels()?.into_iter().map(|channel| Batch { channel: Some(channel), ..Batch::default() }));
    }
    damage.mended.extend(&mended);
    damage.gone.extend(fresh.iter().filter(|number| !damage.mended.contains(number)));
    let remaining = damaged.iter().copied().filter(|number| !damage.mended.contains(number)).collect();
    if !fresh.is_empty() {
        batch.states.push((KEY.to_owned(), Some(serde_json::to_value(&damage)?)));
        batches.push(batch);
    }
    Ok(Salvaged { batches, mended, remaining })
}

/// Those of the numbers in a state under `key` that were written again; None if it is another's state.
pub fn mended(key: &str, value: &Value) -> Option<BTreeSet<u64>> {
    (key == KEY).then(|| Damage::deserialize(value).unwrap_or_default().mended)
}
