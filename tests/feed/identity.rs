//! What a post is and stays: guids that never change, edits that update in place, loads that change nothing.
//! Pages of hand-written markup go through the real parser, comparison and store.

use std::path::Path;

use chrono::{TimeDelta, TimeZone};
use feedbridge::{
    feed::{self, Entry, Format, Header, Settings},
    model::{ChannelName, Stored, Time},
    page,
    poll::{Cursor, Intake, TakeInError, take_in},
    store::{Local, Store},
};
use tempfile::TempDir;

const CHANNEL: u64 = 1001;

pub fn at(minutes: i64) -> Time {
    chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap() + TimeDelta::minutes(minutes)
}

/// What a load of a page varies without any post being changed.
#[derive(Clone, Copy)]
pub struct Load {
    slug: &'static str,
    cdn: &'static str,
    views: &'static str,
    shuffled: bool,
}

pub const LOAD: Load = Load { slug: "Kitchen", cdn: "cdn1.example.org/file/a1", views: "1.2K", shuffled: false };

pub fn post(load: Load, id: u64, minutes: i64, inner: &str) -> String {
    let Load { slug, views, .. } = load;
    let classes =
        ["tgme_widget_message text_not_supported_wrap js-widget_message", "js-widget_message tgme_widget_message"];
    let classes = classes[usize::from(load.shuffled)];
    let time = at(minutes).to_rfc3339();
    format!(
        r#"<div class="tgme_widget_message_wrap"><div class="{classes}" data-post="{slug}/{id}" data-view="{DATA_VIEW}"><div class="tgme_widget_message_bubble"><div class="tgme_widget_message_author"><a class="tgme_widget_message_owner_name" href="https://t.me/{slug}"><span dir="auto">Kitchen</span></a></div>{inner}<div class="tgme_widget_message_footer"><span class="tgme_widget_message_views">{views}</span><span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/{slug}/{id}"><time datetime="{time}">12:00</time></a></span></div></div></div></div>"#
    )
}

/// `{"c":-1001,"p":1,"t":1,"h":"0"}`
const DATA_VIEW: &str = "eyJjIjotMTAwMSwicCI6MSwidCI6MSwiaCI6IjAifQ";

pub fn text(words: &str) -> String {
    format!(r#"<div class="tgme_widget_message_text js-message_text" dir="auto">{words}</div>"#)
}

pub fn photo(load: Load, file: &str) -> String {
    let cdn = load.cdn;
    format!(
        r#"<a class="tgme_widget_message_photo_wrap {file}" href="https://t.me/Kitchen/1" style="width:400px;background-image:url('https://{cdn}-{file}.jpg')"><div class="tgme_widget_message_photo" style="padding-top:50%"></div></a>"#
    )
}

pub fn album(load: Load, ids: &[u64]) -> String {
    let photo = |id: &u64| {
        format!(
            r#"<a class="tgme_widget_message_photo_wrap grouped_media_wrap" style="background-image:url('https://{}-{id}.jpg')" data-ratio="1.5" href="https://t.me/{}/{id}?single"></a>"#,
            load.cdn, load.slug
        )
    };
    let photos: String = ids.iter().map(photo).collect();
    format!(
        r#"<div class="tgme_widget_message_grouped_wrap"><div class="tgme_widget_message_grouped">{photos}</div></div>"#
    )
}

pub fn page(posts: &[String]) -> String {
    format!(
        r#"<html><head></head><body><div class="tgme_channel_info"><div class="tgme_channel_info_header_title"><span>Kitchen</span></div></div><main class="tgme_main"><section class="tgme_channel_history js-message_history">{}</section></main></body></html>"#,
        posts.concat()
    )
}

pub struct Shelf {
    folder: TempDir,
    pub store: Local,
}

impl Shelf {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Local::open(folder.path()).unwrap();
        Self { folder, store }
    }

    pub fn take(&self, html: &str, minutes: i64) -> Intake {
        self.take_as("kitchen", html, minutes).unwrap()
    }

    pub fn take_as(&self, name: &str, html: &str, minutes: i64) -> Result<Intake, TakeInError> {
        take_in(&self.store, &name.parse().unwrap(), Cursor::Newest, html, &[], at(minutes))
    }

    pub fn posts(&self) -> Vec<Stored> {
        self.store.latest(feedbridge::model::ChannelId(CHANNEL), None, 100).unwrap()
    }

    pub fn sequence(&self) -> u64 {
        self.store.stats().sequence
    }

    pub fn feed(&self, public_url: &str) -> feed::Feed {
        let name: ChannelName = "kitchen".parse().unwrap();
        let channel = self.store.channel(&name).unwrap().or_else(|| self.store.channels().unwrap().pop()).unwrap();
        let posts = self.posts();
        let entries: Vec<_> = posts.iter().map(|stored| Entry { channel: &channel, stored }).collect();
        let header = Header {
            title: channel.info.title.clone(),
            home_url: "https://t.me/Kitchen".to_owned(),
            self_url: format!("{public_url}/kitchen/atom.xml"),
            ..Header::default()
        };
        feed::compose(header, &entries, &Settings::default())
    }

    pub fn guids(&self) -> Vec<String> {
        self.feed("http://one.example").items.iter().map(|item| item.guid.clone()).collect()
    }

    pub fn bytes(&self) -> Vec<u8> {
        feed::render(&self.feed("http://one.example"), Format::Atom)
    }

    pub fn reopened(self, spoil: impl FnOnce(&Path)) -> Self {
        let Self { folder, store } = self;
        store.close().unwrap();
        drop(store);
        spoil(folder.path());
        let store = Local::open(folder.path()).unwrap();
        Self { folder, store }
    }
}

fn two_posts(load: Load) -> String {
    page(&[
        post(load, 1, 0, &(photo(load, "700001") + &text("Soup"))),
        post(load, 2, 1, &text("Bread <a href=\"?q=%23baking\">#baking</a>")),
    ])
}

#[test]
fn loads_that_differ_in_counters_addresses_and_class_order_change_no_byte() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let (bytes, sequence) = (shelf.bytes(), shelf.sequence());
    let other = Load { cdn: "cdn4.example.net/file/zz", views: "9.9M", shuffled: true, ..LOAD };
    let intake = shelf.take(&two_posts(other), 30);
    assert_eq!((intake.new, intake.edited), (0, 0));
    assert_eq!(shelf.sequence(), sequence);
    assert_eq!(shelf.bytes(), bytes);
}

#[test]
fn media_addresses_are_renewed_after_half_a_day_without_a_new_updated() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let before = shelf.posts();
    let other = Load { cdn: "cdn4.example.net/file/zz", ..LOAD };
    shelf.take(&two_posts(other), 11 * 60);
    assert_eq!(shelf.posts(), before);
    let sequence = shelf.sequence();
    shelf.take(&two_posts(other), 13 * 60);
    assert!(shelf.sequence() > sequence);
    let after = shelf.posts();
    assert!(String::from_utf8(shelf.bytes()).unwrap().contains("cdn4.example.net"));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            (before.updated, before.published, before.revisions),
            (after.updated, after.published, after.revisions)
        );
    }
}

#[test]
fn an_edit_updates_in_place_once() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let guids = shelf.guids();
    let edited =
        page(&[post(LOAD, 1, 0, &(photo(LOAD, "700001") + &text("Soup with salt"))), post(LOAD, 2, 1, &text("Bread"))]);
    assert_eq!(shelf.take(&edited, 20).edited, 2);
    assert_eq!(shelf.guids(), guids);
    let first = shelf.posts();
    assert!(first.iter().all(|stored| stored.updated == at(20) && stored.revisions == 2));
    assert_eq!(first[1].published, at(0));
    assert_eq!(shelf.take(&edited, 40).edited, 0);
    assert_eq!(shelf.posts(), first);
}

#[test]
fn a_replaced_photo_is_an_edit() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let replaced = page(&[post(LOAD, 1, 0, &(photo(LOAD, "700002") + &text("Soup")))]);
    assert_eq!(shelf.take(&replaced, 20).edited, 1);
}

#[test]
fn a_post_first_seen_already_edited_has_no_later_updated() {
    let shelf = Shelf::new();
    let html = two_posts(LOAD).replace("tgme_widget_message_meta\">", "tgme_widget_message_meta\">edited &nbsp;");
    shelf.take(&html, 10);
    assert!(shelf.posts().iter().all(|stored| stored.post.edited && stored.updated == stored.published));
}

#[test]
fn no_spelling_host_public_url_restart_or_rebuild_changes_a_guid() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let guids = shelf.guids();
    assert_eq!(guids, ["https://t.me/Kitchen/2", "https://t.me/Kitchen/1"]);

    shelf.take(&two_posts(Load { slug: "kITCHEN", ..LOAD }), 20);
    assert_eq!(shelf.guids(), guids, "another spelling");

    let elsewhere = two_posts(LOAD).replace("https://t.me/", "https://telegram.me/");
    shelf.take(&elsewhere, 30);
    assert_eq!(shelf.guids(), guids, "another host");

    let moved: Vec<_> = shelf.feed("https://two.example").items.iter().map(|item| item.guid.clone()).collect();
    assert_eq!(moved, guids, "another public URL");

    let bytes = shelf.bytes();
    let shelf = shelf.reopened(|_| {});
    assert_eq!(shelf.bytes(), bytes, "a restart");

    let shelf = shelf.reopened(|folder| std::fs::remove_dir_all(folder.join("index")).unwrap());
    assert_eq!(shelf.bytes(), bytes, "an index rebuilt from the journal");
    assert_eq!(shelf.take(&two_posts(LOAD), 50).new, 0);
}

#[test]
fn a_renamed_channel_keeps_its_guids_and_repeats_no_item() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let guids = shelf.guids();
    let renamed = two_posts(Load { slug: "Bistro", ..LOAD });
    let intake = shelf.take_as("bistro", &renamed, 20).unwrap();
    assert_eq!((intake.new, intake.edited), (0, 0));
    assert_eq!(shelf.guids(), guids);
}

#[test]
fn an_album_whose_first_photo_falls_off_the_page_is_the_same_item() {
    let shelf = Shelf::new();
    let whole = page(&[post(LOAD, 4, 0, &album(LOAD, &[4, 5, 6])), post(LOAD, 7, 1, &text("After"))]);
    shelf.take(&whole, 10);
    let (guids, bytes) = (shelf.guids(), shelf.bytes());
    let cut = page(&[post(LOAD, 5, 0, &album(LOAD, &[5, 6])), post(LOAD, 7, 1, &text("After"))]);
    let intake = shelf.take(&cut, 20);
    assert_eq!((intake.new, intake.edited), (0, 0));
    assert_eq!((shelf.guids(), shelf.bytes()), (guids, bytes));
}

#[test]
fn an_album_first_seen_without_its_first_photo_keeps_the_id_it_was_given() {
    let shelf = Shelf::new();
    shelf.take(&page(&[post(LOAD, 5, 0, &album(LOAD, &[5, 6])), post(LOAD, 7, 1, &text("After"))]), 10);
    let guids = shelf.guids();
    shelf.take(&page(&[post(LOAD, 4, 0, &album(LOAD, &[4, 5, 6])), post(LOAD, 7, 1, &text("After"))]), 20);
    assert_eq!(shelf.guids(), guids);
}

#[test]
fn a_photo_taken_out_of_an_album_in_the_middle_of_a_page_is_an_edit() {
    let shelf = Shelf::new();
    let around = |album: String| {
        page(&[post(LOAD, 1, 0, &text("Before")), post(LOAD, 4, 1, &album), post(LOAD, 7, 2, &text("After"))])
    };
    shelf.take(&around(album(LOAD, &[4, 5, 6])), 10);
    assert_eq!(shelf.take(&around(album(LOAD, &[4, 6])), 20).edited, 1);
}

#[test]
fn older_posts_on_a_page_are_not_new_for_being_old() {
    let shelf = Shelf::new();
    let many: Vec<_> = (1..=60).map(|id| post(LOAD, id, id.cast_signed(), &text(&format!("Number {id}")))).collect();
    shelf.take(&page(&many), 100);
    let intake =
        take_in(&shelf.store, &"kitchen".parse().unwrap(), Cursor::Newest, &page(&many[..20]), &[], at(120)).unwrap();
    assert_eq!((intake.new, intake.edited), (0, 0));
}

#[test]
fn a_page_with_another_channels_posts_is_refused_whole() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let sequence = shelf.sequence();
    // {"c":-2002,"p":1,"t":1,"h":"0"}
    let foreign = post(LOAD, 3, 2, &text("Buy coins")).replace("MTAwMS", "MjAwMi");
    assert_ne!(foreign, post(LOAD, 3, 2, &text("Buy coins")));
    let mixed = page(&[post(LOAD, 1, 0, &text("Soup")), foreign.clone()]);
    assert!(matches!(shelf.take_as("kitchen", &mixed, 20), Err(TakeInError::Page(page::Error::ForeignPosts { .. }))));
    assert!(matches!(shelf.take_as("kitchen", &page(&[foreign]), 20), Err(TakeInError::OtherChannel { .. })));
    assert_eq!(shelf.sequence(), sequence);
}

#[test]
fn a_clock_that_jumps_back_moves_no_updated_back() {
    let shelf = Shelf::new();
    shelf.take(&two_posts(LOAD), 10);
    let words = |n: i64| page(&[post(LOAD, 2, 1, &text(&format!("Version {n}")))]);
    let mut last = shelf.posts()[0].updated;
    for (n, minutes) in [(1, 2000), (2, 500), (3, 40), (4, 2001)] {
        shelf.take(&words(n), minutes);
        let updated = shelf.posts()[0].updated;
        assert!(updated > last, "version {n}");
        last = updated;
    }
}
