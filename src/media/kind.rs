//! What a file is, by its first bytes. Pure.

/// Files that browsers show or play and that can do nothing else; anything else is to be saved.
pub const SAVED: &str = "application/octet-stream";

/// So many bytes tell it.
pub const HEAD: usize = 16;

/// The media type of a file that begins so.
pub fn kind(head: &[u8]) -> &'static str {
    match head {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', b'M', b'4', b'A', ..] => "audio/mp4",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "video/webm",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3 | 0xf2, ..] => "audio/mpeg",
        // An animated sticker is a packed Lottie animation; nothing shows it.
        [0x1f, 0x8b, ..] => "application/x-tgsticker",
        _ => SAVED,
    }
}
