//! Addresses as the page writes them, made absolute and harmless. Knows the page's own conventions, no element tree.

use crate::model::SCHEMES;

/// Whatever host answered, relative addresses are those of this one.
const HOST: &str = "https://t.me";

/// The absolute form of `href` on a page of the channel `slug`; None when it leads nowhere or is not to be followed.
pub(super) fn absolute(href: &str, slug: &str) -> Option<String> {
    let href = tidy(href);
    if href.is_empty() {
        return None;
    }
    if let Some(rest) = href.strip_prefix("//") {
        return (!rest.is_empty()).then(|| format!("https://{rest}"));
    }
    if href.starts_with('/') {
        return Some(format!("{HOST}{href}"));
    }
    if href.starts_with(['?', '#']) {
        return Some(format!("{HOST}/s/{slug}{href}"));
    }
    match scheme(&href) {
        Some(scheme) => is_followable(&scheme, &href).then_some(href),
        // Upstream writes no path without a slash, so this is a host whose scheme was left out.
        None => Some(format!("https://{href}")),
    }
}

/// `href` as people are shown it where [`absolute`] has none although it names something: an address of a scheme that is
/// not safe to follow.
pub(super) fn shown(href: &str) -> Option<String> {
    let href = tidy(href);
    let scheme = scheme(&href)?;
    let rest = href[scheme.len() + 1..].trim_matches('/');
    (!rest.is_empty() && !is_followable(&scheme, &href)).then_some(href)
}

/// Links that ask before they open (`onclick`) are escaped twice.
pub(super) fn absolute_twice_escaped(href: &str, slug: &str) -> Option<String> {
    absolute(&unescape(href), slug)
}

/// The address of the post itself, always on the upstream's first host; None for any other address.
pub(super) fn own(address: &str, slug: &str) -> Option<String> {
    let (found, id) = message(address).filter(|(found, _)| found.eq_ignore_ascii_case(slug))?;
    let single = if member(address).is_some() { "?single" } else { "" };
    Some(format!("{HOST}/{found}/{id}{single}"))
}

/// The address of a picture, sound or film: http(s) only, so that an inlined outline (`data:`) is none.
pub(super) fn media(address: &str) -> Option<String> {
    absolute(address, "").filter(|address| address.starts_with("https://") || address.starts_with("http://"))
}

/// Whether an absolute address is the search for a hashtag.
pub(super) fn is_hashtag_search(address: &str) -> bool {
    address.strip_prefix(HOST).is_some_and(|path| path.starts_with("/s/") && path.contains("?q=%23"))
}

/// `slug` and number in the address of a message, `https://t.me/SLUG/ID`, on whichever host.
pub(super) fn message(href: &str) -> Option<(&str, u64)> {
    let path = href.split(['?', '#']).next()?;
    let (head, id) = path.trim_end_matches('/').rsplit_once('/')?;
    let slug = head.rsplit('/').next()?;
    let valid = !slug.is_empty() && slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    Some((slug, id.parse().ok().filter(|id| *id != 0)?)).filter(|_| valid)
}

/// The album member that a link such as `…/ID?single` leads to.
pub(super) fn member(href: &str) -> Option<u64> {
    href.split_once('?').filter(|(_, query)| query.split('&').any(|key| key == "single"))?;
    message(href).map(|(_, id)| id)
}

/// The cursor in the address of an older page, `…?before=ID`.
pub(super) fn before(href: &str) -> Option<u64> {
    let (_, query) = href.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("before="))?.parse().ok()
}

/// Browsers drop tabs and line breaks from addresses; controls and blanks would break a feed.
fn tidy(href: &str) -> String {
    let mut tidy = String::with_capacity(href.len());
    for character in href.trim().chars().filter(|c| super::text::is_legal(*c) && !c.is_control()) {
        match character {
            ' ' => tidy.push_str("%20"),
            other => tidy.push(other),
        }
    }
    tidy
}

fn scheme(href: &str) -> Option<String> {
    let (name, _) = href.split_once(':')?;
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    valid.then(|| name.to_ascii_lowercase())
}

fn is_followable(scheme: &str, href: &str) -> bool {
    let rest = &href[scheme.len() + 1..];
    let needs_host = matches!(scheme, "http" | "https" | "ftp");
    SCHEMES.contains(&scheme)
        && if needs_host { rest.starts_with("//") && !rest.trim_matches('/').is_empty() } else { !rest.is_empty() }
}

fn unescape(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#039;", "'"), ("&#33;", "!")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
        // Last, so that nothing is unescaped a third time.
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_become_those_of_the_upstream() {
        for (href, expected) in [
            ("?q=%23tea", "https://t.me/s/kettle?q=%23tea"),
            ("//telegram.org/blog", "https://telegram.org/blog"),
            ("/other/7", "https://t.me/other/7"),
            ("https://telegram.me/kettle/1", "https://telegram.me/kettle/1"),
            ("tg://resolve?domain=kettle", "tg://resolve?domain=kettle"),
            ("mailto:cook@example.org", "mailto:cook@example.org"),
            ("example.org/a:b", "https://example.org/a:b"),
            (" https://example.org/a b\n", "https://example.org/a%20b"),
        ] {
            assert_eq!(absolute(href, "kettle").as_deref(), Some(expected), "{href}");
        }
    }

    #[test]
    fn what_must_not_be_followed_leads_nowhere() {
        for href in [
            "",
            " ",
            "//",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "JavaScript:x",
            "data:text/html,x",
            "undefined://",
            "https://",
            "file:///etc/passwd",
        ] {
            assert_eq!(absolute(href, "kettle"), None, "{href}");
        }
    }

    #[test]
    fn only_one_layer_of_escapes_is_taken_off() {
        let href = "https://example.org/?a=1&amp;b=&amp;amp;";
        assert_eq!(absolute_twice_escaped(href, "").as_deref(), Some("https://example.org/?a=1&b=&amp;"));
    }

    #[test]
    fn a_member_is_named_only_by_a_single_link() {
        assert_eq!(member("https://t.me/kettle/85?single"), Some(85));
        assert_eq!(member("https://t.me/kettle/85"), None);
        assert_eq!(message("https://telegram.me/kettle/85/"), Some(("kettle", 85)));
        assert_eq!(message("https://t.me/kettle"), None);
    }
}
