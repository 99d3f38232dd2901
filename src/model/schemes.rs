//! The schemes of the addresses that a link may have, read and written alike.

/// What programs open that do no harm by being opened.
pub const SCHEMES: [&str; 12] =
    ["http", "https", "tg", "mailto", "tel", "ftp", "magnet", "xmpp", "sip", "geo", "ton", "bitcoin"];
