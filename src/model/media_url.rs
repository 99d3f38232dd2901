//! The address of a file, with what was found out of the file itself.

use serde::{Deserialize, Serialize};

/// Where a file is, as upstream said last, or where readers are to ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Record", into = "Record")]
pub struct MediaUrl {
    pub address: String,
    /// Nothing, until somebody looked.
    pub known: Known,
}

/// What a look at a file, or a download of it, told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Known {
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Media type, as the first bytes tell.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Of a voice: the length in bytes of the same as M4A, if that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m4a: Option<u64>,
    /// Why it is not to be had, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Its addresses are dead, and upstream shows no other.
    Gone,
    /// It is larger than what is kept of one file; upstream has it.
    TooLarge,
}

impl Known {
    /// Of a file of `length` bytes.
    pub fn of(length: u64, mime: &str) -> Self {
        Self { length: Some(length), mime: Some(mime.to_owned()), ..Self::default() }
    }
}

impl MediaUrl {
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// Moves to another address of the same file.
    pub fn move_to(&mut self, address: &str) {
        if self.address != address {
            address.clone_into(&mut self.address);
            self.revive();
        }
    }

    /// Takes over what is known of the same file at an `earlier` address.
    pub fn know(&mut self, earlier: &Self) {
        self.known.clone_from(&earlier.known);
        if self.address != earlier.address {
            self.revive();
        }
    }

    /// A new address may be alive where the other was dead.
    fn revive(&mut self) {
        self.known.missing = self.known.missing.filter(|missing| *missing != Missing::Gone);
    }
}

impl From<String> for MediaUrl {
    fn from(address: String) -> Self {
        Self { address, known: Known::default() }
    }
}

impl From<&str> for MediaUrl {
    fn from(address: &str) -> Self {
        address.to_owned().into()
    }
}

/// A bare address where nothing is known, as all records were before anything could be.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Record {
    Address(String),
    Known {
        url: String,
        #[serde(flatten)]
        known: Known,
    },
}

impl From<Record> for MediaUrl {
    fn from(record: Record) -> Self {
        match record {
            Record::Address(address) => address.into(),
            Record::Known { url, known } => Self { address: url, known },
        }
    }
}

impl From<MediaUrl> for Record {
    fn from(MediaUrl { address, known }: MediaUrl) -> Self {
        if known == Known::default() { Self::Address(address) } else { Self::Known { url: address, known } }
    }
}
