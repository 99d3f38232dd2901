//! The keys of the index: one byte for the kind, then the parts. Numbers are big-endian, so that byte order is
//! their order and the newest posts of a channel are one reverse scan. Knows nothing of sled.

use crate::model::{ChannelId, PostId};

pub const CHANGED: u8 = b'e';
pub const CHANNEL: u8 = b'c';
pub const HEAD: u8 = b'h';
pub const HINT: u8 = b'i';
pub const MEMBER: u8 = b'm';
pub const META: &[u8] = b"!";
pub const NAME: u8 = b'n';
pub const POST: u8 = b'p';
pub const REVISION: u8 = b'r';
pub const STATE: u8 = b's';

/// Channel's post, or one of the channel's members or changes.
pub fn of_channel(kind: u8, channel: ChannelId, number: u64) -> Vec<u8> {
    [&[kind][..], &channel.0.to_be_bytes(), &number.to_be_bytes()].concat()
}

/// What there is once per channel; also the prefix of all keys of [`of_channel`].
pub fn channel(kind: u8, channel: ChannelId) -> Vec<u8> {
    [&[kind][..], &channel.0.to_be_bytes()].concat()
}

/// Also the prefix of all revisions of the post, when cut before the sequence number.
pub fn revision(channel: ChannelId, post: PostId, sequence: u64) -> Vec<u8> {
    [&of_channel(REVISION, channel, post.0)[..], &sequence.to_be_bytes()].concat()
}

/// What is found by words.
pub fn text(kind: u8, text: &str) -> Vec<u8> {
    [&[kind][..], text.as_bytes()].concat()
}

/// The number in the eight bytes from `from` on; `None` if they are not there.
pub fn number(bytes: &[u8], from: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(from..from + 8)?.try_into().ok()?))
}
