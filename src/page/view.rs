//! `data-view`: unpadded base64url of a JSON object that names the channel and the post.
//! Knows no element tree.

use serde_json::Value;

use crate::model::{ChannelId, PostId};

/// What a block's `data-view` tells; the rest of it (time of the request, hash) changes on every load.
#[derive(Debug, Default, PartialEq)]
pub(super) struct View {
    pub channel: Option<ChannelId>,
    pub post: Option<PostId>,
}

/// An unreadable attribute tells nothing.
pub(super) fn read(attribute: &str) -> View {
    let decoded = base64url(attribute).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(object) = decoded else { return View::default() };
    View {
        channel: object["c"].as_i64().map(i64::unsigned_abs).filter(|id| *id != 0).map(ChannelId),
        post: post_number(&object["p"]).filter(|id| *id != 0).map(PostId),
    }
}

/// A number, or for an album a string such as `"84g"`.
fn post_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok(),
        other => other.as_u64(),
    }
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held) = (0_u32, 0);
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for character in text.trim_end_matches('=').bytes() {
        bits = (bits << 6 | sextet(character)?) & 0xFF_FFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

fn sextet(character: u8) -> Option<u32> {
    let value = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' | b'+' => 62,
        b'_' | b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_album_is_named_by_its_digits() {
        // {"c":-1234567,"p":"84g"}
        let view = read("eyJjIjotMTIzNDU2NywicCI6Ijg0ZyJ9");
        assert_eq!(view, View { channel: Some(ChannelId(1_234_567)), post: Some(PostId(84)) });
    }

    #[test]
    fn garbage_tells_nothing() {
        for garbage in ["", "!!!!", "eyJj", "W10", "bnVsbA"] {
            assert_eq!(read(garbage), View::default(), "{garbage}");
        }
    }
}
