//! What stands under a name that has no preview, told from the page that upstream sends to instead.
//! Knows nothing of posts.

use scraper::ElementRef;

use super::{Landing, element, text};

/// None when this is no landing page. Structure decides first, since the words depend on the page's language.
pub(super) fn read(root: ElementRef) -> Option<Landing> {
    let page = element::first(root, "tgme_page")?;
    let links = |start: &str| {
        let mut hrefs = element::below(page).filter_map(|inner| inner.attr("href"));
        hrefs.any(|href| href.starts_with(start))
    };
    if links("tg://join") {
        return Some(Landing::Private);
    }
    if links("/s/") {
        return Some(Landing::Channel);
    }
    let extra = element::first(page, "tgme_page_extra").map(text::line).unwrap_or_default().to_lowercase();
    let action = element::first(page, "tgme_page_action").map(text::line).unwrap_or_default().to_lowercase();
    Some(by_words(&extra, &action).unwrap_or_else(|| profile(page)))
}

fn by_words(extra: &str, action: &str) -> Option<Landing> {
    if extra.ends_with("bot") || extra.contains("monthly user") || action.contains("start bot") {
        return Some(Landing::Bot);
    }
    if extra.starts_with('@') || !extra.contains(|c: char| c.is_numeric()) {
        return None;
    }
    // "12 members, 3 online" counts twice, "12 subscribers" once, in any language.
    let is_group = extra.contains("member") || extra.contains("online") || extra.contains(',');
    let is_group = is_group && !extra.contains("subscriber");
    Some(if is_group { Landing::Group } else { Landing::ChannelWithoutPreview })
}

fn profile(page: ElementRef) -> Landing {
    let shown = ["tgme_page_photo", "tgme_page_title"].iter().any(|class| element::first(page, class).is_some());
    if shown { Landing::User } else { Landing::Unknown }
}
