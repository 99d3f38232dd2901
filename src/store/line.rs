//! One line of the journal: its record, its checksum and its text. Knows no files.
//!
//! `{"crc":"xxxxxxxx","seq":7,"batch":[5,7],"at":"…","record":{…}}` and a newline, where `crc` is the CRC-32 (IEEE) of
//! everything after its own comma, and `batch` holds the first and last sequence numbers of the lines committed together.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Change;
use crate::model::{Channel, ChannelId, Time};

const OPENING: &[u8] = b"{\"crc\":\"";
const CRC_DIGITS: usize = 8;
/// The opening, the digits, and `",`.
const CRC_MEMBER: usize = OPENING.len() + CRC_DIGITS + 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub seq: u64,
    pub batch: (u64, u64),
    /// For a record of a channel already spaced as [`super::Head::changed`] promises, so that replaying gives the same.
    pub at: Time,
    pub record: Record,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every record is of the large variant")]
pub enum Record {
    Channel(Channel),
    Change(Change),
    /// Of a store of format 1, which kept small state here; see [`super::small`].
    State {
        key: String,
        value: Value,
    },
    /// A state that was removed. Apart from [`Record::State`], whose value may be `null`.
    StateRemoved {
        key: String,
    },
}

impl Record {
    /// The channel whose head the record moves.
    pub fn channel(&self) -> Option<ChannelId> {
        match self {
            Self::Channel(channel) => Some(channel.id),
            Self::Change(change) => Some(change.channel),
            Self::State { .. } | Self::StateRemoved { .. } => None,
        }
    }
}

/// What the walk over the whole journal needs of a line.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Header {
    pub seq: u64,
    pub batch: (u64, u64),
    pub at: Time,
}

/// The line's text with its newline. Fails too when the text could not be read back
/// (nested deeper than the JSON reader goes): such a line must never be acknowledged.
pub fn encode(line: &Line) -> Result<String, serde_json::Error> {
    seal(line)
}

/// The JSON of an object with its checksum as the first member, and a newline.
pub(super) fn seal<T: Serialize + DeserializeOwned>(object: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(object)?;
    serde_json::from_str::<T>(&json)?;
    let rest = &json[1..];
    Ok(format!("{{\"crc\":\"{:08x}\",{rest}\n", crc32fast::hash(rest.as_bytes())))
}

/// The line, if it is whole and its checksum right. `raw` includes the newline.
pub fn decode(raw: &[u8]) -> Option<Line> {
    unseal(raw)
}

/// As [`decode`], without building the record.
pub fn header(raw: &[u8]) -> Option<Header> {
    unseal(raw)
}

/// What [`seal`] made `raw` of, if that is whole and its checksum right.
pub(super) fn unseal<'a, T: Deserialize<'a>>(raw: &'a [u8]) -> Option<T> {
    let whole = raw.strip_suffix(b"\n")?;
    let digits = whole.strip_prefix(OPENING)?.get(..CRC_DIGITS)?;
    let rest = whole.get(CRC_MEMBER..)?;
    // The very digits, so that one that rots into a capital is told, too.
    if format!("{:08x}", crc32fast::hash(rest)).as_bytes() != digits {
        return None;
    }
    serde_json::from_slice(whole).ok()
}

/// The running digest of the journal after `raw`. It is made of the checksums as recorded, so that a line
/// whose content rots later does not make the index, which has seen it whole, look wrong.
pub fn chain(digest: u64, raw: &[u8]) -> u64 {
    let recorded = raw.get(OPENING.len()..OPENING.len() + CRC_DIGITS).and_then(|digits| digits.try_into().ok());
    let recorded = recorded.map_or(0, u64::from_be_bytes);
    (digest.rotate_left(5) ^ recorded).wrapping_mul(0x517c_c1b7_2722_0a95)
}
