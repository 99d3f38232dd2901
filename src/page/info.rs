//! What a page says of its channel, beside the posts. Knows nothing of these.

use scraper::ElementRef;

use super::{element, media, text};
use crate::model::{ChannelInfo, MediaUrl};

pub(super) fn read(root: ElementRef) -> ChannelInfo {
    let header = element::first(root, "tgme_channel_info_header").or_else(|| element::first(root, "tgme_header_info"));
    let marks = ["tgme_channel_info_header_labels", "tgme_header_labels"];
    let labels = marks.iter().find_map(|class| element::first(root, class));
    ChannelInfo {
        title: title(root),
        description: element::first(root, "tgme_channel_info_description").map(text::lines).unwrap_or_default(),
        photo: photo(root),
        verified: header.is_some_and(|header| element::first(header, "verified-icon").is_some()),
        labels: labels.map(warnings).unwrap_or_default(),
    }
}

fn title(root: ElementRef) -> String {
    let shown = ["tgme_channel_info_header_title", "tgme_header_title"];
    let mut titles = shown.iter().filter_map(|class| element::first(root, class)).map(text::line);
    let meta = || meta(root, "og:title").map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
    titles.find(|title| !title.is_empty()).or_else(meta).unwrap_or_default()
}

fn photo(root: ElementRef) -> Option<MediaUrl> {
    let shown = element::first(root, "tgme_page_photo_image").and_then(media::picture);
    shown.or_else(|| media::file(&meta(root, "og:image")?))
}

fn warnings(labels: ElementRef) -> Vec<String> {
    element::below(labels)
        .filter(|mark| element::tag(*mark) == "mark" || element::has(*mark, "label"))
        .map(|mark| text::line(mark).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The legal characters of a `<meta property="…" content="…">`.
pub(super) fn meta(root: ElementRef, property: &str) -> Option<String> {
    let mut metas = element::below(root).filter(|inner| element::tag(*inner) == "meta");
    let content = metas.find(|meta| meta.attr("property") == Some(property))?.attr("content")?;
    Some(content.chars().filter(|c| text::is_legal(*c)).collect())
}
