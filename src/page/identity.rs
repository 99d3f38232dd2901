//! Who a block says it is: the channel's slug and number, and the post's id.
//! Reads nothing else of the block.

use scraper::ElementRef;

use super::{element, links, view};
use crate::model::{ChannelId, PostId};

pub(super) struct Identity {
    /// In the page's own spelling; empty when nothing in the block tells it.
    pub slug: String,
    pub id: PostId,
    pub channel: Option<ChannelId>,
}

/// From `data-post`, or else the address under the post's date, or else `data-view`; None if none of them is readable.
pub(super) fn of(block: ElementRef) -> Option<Identity> {
    let view = block.attr("data-view").map(view::read).unwrap_or_default();
    let stated = block.attr("data-post").unwrap_or_default();
    let dated = element::first(block, "tgme_widget_message_date").and_then(|date| date.attr("href"));
    let (slug, id) = match links::message(stated).or_else(|| dated.and_then(links::message)) {
        Some((slug, id)) => (slug.to_owned(), PostId(id)),
        None => (owner(block, stated), view.post?),
    };
    Some(Identity { slug, id, channel: view.channel })
}

/// The slug of a block that has no readable address.
fn owner(block: ElementRef, stated: &str) -> String {
    let (slug, _) = stated.split_once('/').unwrap_or((stated, ""));
    if !slug.is_empty() {
        return slug.to_owned();
    }
    let link = element::first(block, "tgme_widget_message_owner_name").and_then(|name| name.attr("href"));
    link.and_then(|href| href.trim_end_matches('/').rsplit('/').next()).unwrap_or_default().to_owned()
}
