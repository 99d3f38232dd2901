//! What each kind of post becomes, written out, so that any change of output shows in review.
//! `INSTA_UPDATE=always cargo test --test page snapshots` accepts what is there now.

use crate::blocks;
use std::{fs, path::Path};

use chrono::TimeZone;
use feedbridge::{
    diff,
    feed::{self, Entry, Feed, Format, Header, RENDERING, Settings},
    model::{Channel, ChannelId, ChannelInfo},
    page,
};
use sha2::{Digest, Sha256};

fn feed_of(html: &str) -> Feed {
    let page = page::parse(html).unwrap();
    let now = chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let slug = page.slug.unwrap_or_else(|| "kitchen".to_owned());
    let channel = Channel {
        id: ChannelId(1001),
        name: "kitchen".parse().unwrap(),
        slug: slug.clone(),
        current_slug: slug,
        info: ChannelInfo { title: "Kitchen".to_owned(), ..page.info },
        first_seen: now,
        info_seen: now,
        names: Vec::new(),
    };
    let changes = diff::diff(channel.id, Vec::new(), page.posts, now);
    let entries: Vec<_> = changes.iter().map(|change| Entry { channel: &channel, stored: &change.stored }).collect();
    let settings = Settings { reactions: true, ..Settings::default() };
    feed::compose(Header { home_url: "https://t.me/kitchen".to_owned(), ..Header::default() }, &entries, &settings)
}

fn written(feed: &Feed) -> String {
    let item = |item: &feed::Item| {
        let media: String = item.media.iter().map(|media| format!("media: {} {}\n", media.mime, media.url)).collect();
        let title = item.title.as_deref().unwrap_or_default();
        format!(
            "{}\ntitle: {title}\ntags: {:?}\nauthor: {}\n{media}{}\n",
            item.guid, item.tags, item.author.name, item.content
        )
    };
    feed.items.iter().map(item).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_kind_of_post_reads_as_it_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut seen = 0;
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let html = fs::read_to_string(&file).unwrap();
        // A fixture is a page, or what stands in a message's bubble.
        let html = if html.starts_with("<!DOCTYPE") { html } else { blocks::block(&html, "") };
        insta::with_settings!({ snapshot_suffix => name.as_str(), prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("post", written(&feed_of(&html)));
        });
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} fixtures");
}

/// Where the digest of what the fixtures are written as is kept, with the number of the rendering that wrote it so.
const RENDERED: &str = "tests/page/rendering.txt";

#[test]
fn documents_that_are_written_otherwise_have_another_rendering() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = fs::read_dir(folder.join("tests/fixtures")).unwrap().flatten().collect();
    files.retain(|file| file.path().extension().is_some_and(|extension| extension == "html"));
    files.sort_by_key(fs::DirEntry::path);
    let mut digest = Sha256::new();
    for file in files {
        let html = fs::read_to_string(file.path()).unwrap();
        let html = if html.starts_with("<!DOCTYPE") { html } else { blocks::block(&html, "") };
        for format in Format::OFFERED {
            let document = String::from_utf8(feed::render(&feed_of(&html), format)).unwrap();
            // Readers need not ask anew for what another release writes in the same way.
            digest.update(document.replace(env!("CARGO_PKG_VERSION"), ""));
        }
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let now = format!("{RENDERING} {digest}\n");
    let kept = fs::read_to_string(folder.join(RENDERED)).unwrap_or_default();
    let number = kept.split(' ').next().unwrap_or_default();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") && number != RENDERING.to_string() {
        fs::write(folder.join(RENDERED), now).unwrap();
        return;
    }
    assert_eq!(now, kept, "feeds are written otherwise: raise feed::RENDERING, and accept it with INSTA_UPDATE=always");
}
