//! Where readers take a feed's address: the links that subscribe to it.

use url::{Url, form_urlencoded::byte_serialize};

use crate::config::{OpenIn, Server, is_loopback};

/// A reader, and the link that opens the feed in it.
pub struct Reader {
    pub name: &'static str,
    pub href: String,
}

/// For the feed at `address`. Those that run elsewhere could not ask this machine by an address that is its own alone.
pub fn readers(server: &Server, open_in: &OpenIn, address: &str) -> Vec<Reader> {
    let encoded: String = byte_serialize(address.as_bytes()).collect();
    let on_this_machine = Reader { name: "a reader on this device", href: format!("feed:{address}") };
    let is_local = Url::parse(&server.public_url).is_ok_and(|url| is_loopback(&url));
    let anywhere = [
        ("Feedly", "https://feedly.com/i/subscription/feed%2F"),
        ("Inoreader", "https://www.inoreader.com/?add_feed="),
        ("NewsBlur", "https://www.newsblur.com/?url="),
    ];
    let own = [
        ("Miniflux", "/bookmarklet?uri=", &open_in.miniflux),
        ("FreshRSS", "/i/?c=feed&a=add&url_rss=", &open_in.freshrss),
    ];
    let own = own.into_iter().filter_map(|(name, path, base)| {
        let base = base.as_ref()?;
        Some(Reader { name, href: format!("{base}{path}{encoded}") })
    });
    let anywhere = anywhere.into_iter().map(|(name, base)| Reader { name, href: format!("{base}{encoded}") });
    std::iter::once(on_this_machine).chain(own).chain(anywhere.filter(|_| !is_local)).collect()
}
