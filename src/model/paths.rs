//! Telegram's own paths: first parts of addresses on t.me that are no channel's name.

/// With what stands behind each. From the links that Telegram's clients know (core.telegram.org/api/links) and from what
/// its web site answers.
const OWN: [(&str, &str); 26] = [
    ("joinchat", "an invitation"),
    ("addlist", "an invitation to a folder of chats"),
    ("addstickers", "a set of stickers"),
    ("addemoji", "a set of emoji"),
    ("addtheme", "a theme"),
    ("auction", "an auction"),
    ("bg", "a wallpaper"),
    ("boost", "an address for boosts"),
    ("c", "a message of a private chat"),
    ("call", "an invitation to a call"),
    ("confirmphone", "a confirmation of a phone number"),
    ("contact", "an address for contacts"),
    ("giftcode", "a gift"),
    ("invoice", "an invoice"),
    ("iv", "an instant view of another page"),
    ("login", "a login"),
    ("m", "an address of a business chat"),
    ("msg", "an address for sharing"),
    ("nft", "a collectible gift"),
    ("oauth", "a login"),
    ("proxy", "a proxy"),
    ("s", "an address of previews"),
    ("setlanguage", "a language"),
    ("share", "an address for sharing"),
    ("socks", "a proxy"),
    ("telegrampassport", "a request for a passport"),
];

/// Why `first`, the first part of an address on t.me, names no channel.
pub fn own_path(first: &str) -> Option<&'static str> {
    // An invitation is `+HASH`, or `%2BHASH`; an invoice `$SLUG`.
    if first.starts_with('+') || first.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2b")) {
        return Some("an invitation");
    }
    if first.starts_with('$') {
        return Some("an invoice");
    }
    OWN.iter().find(|(path, _)| path.eq_ignore_ascii_case(first)).map(|(_, what)| *what)
}
