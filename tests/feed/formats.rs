//! Feeds as documents: which posts, in which order, and what each format says of them.

use crate::posts::*;
use feedbridge::{
    feed::{Deleted, Format, Header, LinkTarget, Medium, Settings, compose as compose_entries},
    model::*,
};
use serde_json::{Value, json};

const FORMATS: [Format; 3] = [Format::Rss, Format::Atom, Format::Json];

fn many(ids: impl IntoIterator<Item = u64>) -> Vec<Stored> {
    ids.into_iter().map(|id| stored(post(id, vec![text(&format!("Post number {id}"))]))).collect()
}

fn ids(posts: &[Stored], settings: &Settings) -> Vec<String> {
    compose(posts, settings).items.iter().map(|item| item.guid.replace("https://t.me/Kitchen/", "")).collect()
}

fn one(post: Post, format: Format) -> String {
    written(&compose(&[stored(post)], &Settings::default()), format)
}

fn json(posts: &[Stored]) -> Value {
    serde_json::from_str(&written(&compose(posts, &Settings::default()), Format::Json)).unwrap()
}

/// Asserts that `pieces` stand in `text` in this order.
fn in_order(text: &str, pieces: &[&str]) {
    let mut from = 0;
    for piece in pieces {
        let found = text[from..].find(piece).unwrap_or_else(|| panic!("`{piece}` is not behind byte {from} of {text}"));
        from += found + piece.len();
    }
}

#[test]
fn the_newest_posts_come_first_whatever_the_order_of_entries() {
    let settings = Settings { posts: 3, ..Settings::default() };
    assert_eq!(ids(&many([2, 9, 4, 7, 4]), &settings), ["9", "7", "4"]);
}

#[test]
fn posts_of_one_minute_are_ordered_by_id() {
    let mut posts = many([3, 11, 5]);
    for stored in &mut posts {
        stored.published = at(1);
    }
    assert_eq!(ids(&posts, &Settings::default()), ["11", "5", "3"]);
}

#[test]
fn a_cap_in_bytes_drops_the_oldest_but_never_the_last() {
    let long = "word ".repeat(2000);
    let posts: Vec<Stored> = (1..=20).map(|id| stored(post(id, vec![text(&long)]))).collect();
    let settings = Settings { bytes: 50_000, ..Settings::default() };
    let feed = compose(&posts, &settings);
    assert_eq!(feed.items.len(), 4);
    for format in FORMATS {
        assert!(written(&feed, format).len() <= 50_000, "{format:?}");
    }
    assert_eq!(ids(&posts, &Settings { bytes: 1, ..Settings::default() }), ["20"]);
}

#[test]
fn deleted_posts_are_kept_dropped_or_announced() {
    let mut posts = many([1, 2, 3]);
    posts[1].deleted = Some(at(100));
    let with = |deleted| compose(&posts, &Settings { deleted, ..Settings::default() });
    assert_eq!((with(Deleted::Keep).items.len(), with(Deleted::Keep).deleted.len()), (3, 0));
    assert_eq!((with(Deleted::Drop).items.len(), with(Deleted::Drop).deleted.len()), (2, 0));
    let announced = with(Deleted::Announce);
    assert_eq!(announced.items.len(), 2);
    in_order(
        &written(&announced, Format::Atom),
        &[
            "xmlns:at=\"http://purl.org/atompub/tombstones/1.0\"",
            "<updated>",
            "<at:deleted-entry ref=\"https://t.me/Kitchen/2\" when=\"2023-11-14T23:53:20+00:00\">",
            "<entry>",
            "</entry></feed>",
        ],
    );
    assert!(feed_rs::parser::parse(written(&announced, Format::Atom).as_bytes()).unwrap().entries.len() == 2);
}

#[test]
fn guids_keep_the_first_slug_and_links_follow_the_channel() {
    let item = item(post(7, vec![text("x")]));
    assert_eq!((item.guid.as_str(), item.link.as_str()), ("https://t.me/Kitchen/7", "https://t.me/NewKitchen/7"));
    let preview = Settings { link: LinkTarget::Preview, ..Settings::default() };
    let item = item_with(post(7, vec![text("x")]), &preview);
    assert_eq!((item.guid.as_str(), item.link.as_str()), ("https://t.me/Kitchen/7", "https://t.me/s/NewKitchen/7"));
}

#[test]
fn an_edited_post_moves_updated_but_not_published() {
    let mut posts = many([1, 2]);
    posts[0].updated = at(50);
    let feed = compose(&posts, &Settings::default());
    assert_eq!(feed.updated, at(50));
    let atom = written(&feed, Format::Atom);
    in_order(&atom, &["<updated>2023-11-14T23:03:20+00:00</updated>", "<entry>", "/Kitchen/1</id>"]);
    in_order(&atom, &["/Kitchen/1</id><updated>2023-11-14T23:03:20+00:00<", "<published>2023-11-14T22:14:20+00:00<"]);
    in_order(
        &written(&feed, Format::Rss),
        &["<lastBuildDate>Tue, 14 Nov 2023 23:03:20 GMT<", "/NewKitchen/1<", "<pubDate>Tue, 14 Nov 2023 22:14:20 GMT<"],
    );
    let items = &json(&posts)["items"];
    assert_eq!(items[0].get("date_modified"), None);
    assert_eq!(items[1]["date_published"], "2023-11-14T22:14:20Z");
    assert_eq!(items[1]["date_modified"], "2023-11-14T23:03:20Z");
}

#[test]
fn rss_says_the_channel_first_and_its_items_in_the_profiles_order() {
    let header = Header { hub_url: Some("https://hub.example.org/".to_owned()), ..header() };
    let channel = channel();
    let posts = many([1]);
    let entries = [feedbridge::feed::Entry { channel: &channel, stored: &posts[0] }];
    let rss = written(&compose_entries(header, &entries, &Settings::default()), Format::Rss);
    in_order(
        &rss,
        &[
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\" xmlns:atom=",
            "<channel><title>Kitchen &amp; Co</title><link>https://t.me/NewKitchen</link>",
            "<description>Recipes ‹daily›</description><lastBuildDate>Tue, 14 Nov 2023 22:14:20 GMT</lastBuildDate>",
            concat!("<generator>feedbridge/", env!("CARGO_PKG_VERSION"), "</generator><ttl>15</ttl>"),
            "<image><url>https://cdn1.example.org/file/avatar.jpg</url><title>Kitchen &amp; Co</title><link>https://t.me/NewKitchen</link>",
            "<width>144</width><height>144</height></image>",
            "<atom:link href=\"https://feeds.example.org/kitchen/rss.xml\" rel=\"self\" type=\"application/rss+xml\">",
            "<atom:link href=\"https://hub.example.org/\" rel=\"hub\">",
            "<item><title>Post number 1</title><link>https://t.me/NewKitchen/1</link>",
            "<description><![CDATA[Post number 1]]></description>",
            "<pubDate>Tue, 14 Nov 2023 22:14:20 GMT</pubDate>",
            "<content:encoded><![CDATA[<p dir=\"auto\">Post number 1</p>]]></content:encoded>",
            "<guid isPermaLink=\"true\">https://t.me/Kitchen/1</guid>",
            "<dc:creator>Kitchen &amp; Co</dc:creator></item></channel></rss>",
        ],
    );
    let (root, rest) = rss.split_once("<channel>").unwrap();
    for (prefix, times) in [("atom", 1), ("content", 1), ("dc", 1), ("fh", 0), ("media", 0), ("thr", 0)] {
        assert_eq!(root.matches(&format!("xmlns:{prefix}=")).count(), times, "{prefix}");
    }
    assert!(!rest.contains("xmlns"), "{rest}");
}

#[test]
fn the_plain_summary_is_escaped_once_for_html_and_no_text_ends_its_section() {
    let rss = one(post(1, vec![text("if a[b[0]]>1 && c<d {}")]), Format::Rss);
    assert!(rss.contains("<description><![CDATA[if a[b[0]]&gt;1 &amp;&amp; c&lt;d {}]]></description>"), "{rss}");
    let parsed = feed_rs::parser::parse(rss.as_bytes()).unwrap();
    assert_eq!(parsed.entries[0].title.as_ref().unwrap().content, "if a[b[0]]>1 && c‹d {}");
}

#[test]
fn an_album_is_several_media_of_one_item_and_never_an_enclosure_of_unknown_length() {
    let posts = [stored(post(1, vec![photo("a.jpg"), Part::Video(video()), photo("b.png?x=1&y=2")]))];
    let feed = compose(&posts, &Settings::default());
    assert_eq!(
        feed.items[0].media.iter().map(|m| (m.medium, m.mime.as_ref())).collect::<Vec<_>>(),
        [(Medium::Image, "image/jpeg"), (Medium::Video, "video/mp4"), (Medium::Image, "image/png"),]
    );
    let rss = written(&feed, Format::Rss);
    assert!(!rss.contains("<enclosure") && !rss.contains("media:group") && !rss.contains("fileSize"), "{rss}");
    in_order(
        &rss,
        &[
            "<media:content height=\"600\" medium=\"image\" type=\"image/jpeg\" url=\"https://cdn1.example.org/file/a.jpg\" width=\"800\">",
            "<media:content duration=\"27\" height=\"360\" medium=\"video\"",
            "<media:thumbnail url=\"https://cdn1.example.org/file/still.jpg\">",
            "b.png?x=1&amp;y=2",
        ],
    );
    let atom = written(&feed, Format::Atom);
    in_order(&atom, &["rel=\"enclosure\" type=\"image/jpeg\"", "rel=\"enclosure\" type=\"video/mp4\""]);
    let item = &json(&posts)["items"][0];
    assert_eq!(item["image"], "https://cdn1.example.org/file/a.jpg");
    assert_eq!(
        item["attachments"][1],
        json!({
            "url": "https://cdn1.example.org/file/film.mp4?token=a", "mime_type": "video/mp4", "duration_in_seconds": 27
        })
    );
}

#[test]
fn hashtags_are_categories_each_once() {
    let tags = Part::Text(vec![hashtag("#Soup"), bold(" "), hashtag("#soup"), hashtag("#salt@kitchen")]);
    let tagged = post(1, vec![tags]);
    assert_eq!(item(tagged.clone()).tags, ["Soup", "salt"]);
    in_order(&one(tagged.clone(), Format::Rss), &["<category>Soup</category>", "<category>salt</category>"]);
    in_order(&one(tagged.clone(), Format::Atom), &["<category term=\"Soup\"", "<category term=\"salt\""]);
    assert_eq!(json(&[stored(tagged)])["items"][0]["tags"], json!(["Soup", "salt"]));
}

#[test]
fn the_author_is_who_signed_else_the_channel() {
    let mut signed = post(1, vec![text("x")]);
    assert_eq!(item(signed.clone()).author.name, "Kitchen & Co");
    signed.signature = Some("Ann".to_owned());
    assert!(one(signed.clone(), Format::Rss).contains("<dc:creator>Ann</dc:creator>"));
    let author = "<author><name>Ann</name><uri>https://t.me/NewKitchen</uri></author>";
    in_order(&one(signed, Format::Atom), &["<entry>", author]);
}

#[test]
fn a_reply_refers_to_the_guid_of_the_post_it_answers() {
    let mut reply = post(9, vec![text("x")]);
    let href = "https://t.me/newkitchen/5?single".to_owned();
    reply.reply = Some(Reply { href: Some(href), author: None, text: Vec::new(), thumbnail: None });
    in_order(
        &one(reply.clone(), Format::Atom),
        &[
            "xmlns:thr=",
            "<entry>",
            "<thr:in-reply-to href=\"https://t.me/newkitchen/5?single\" ref=\"https://t.me/Kitchen/5\" type=\"text/html\">",
        ],
    );
    in_order(
        &one(reply.clone(), Format::Rss),
        &["xmlns:thr=", "<item>", "<thr:in-reply-to ", "ref=\"https://t.me/Kitchen/5\""],
    );
    reply.reply.as_mut().unwrap().href = Some("https://t.me/other/6".to_owned());
    assert_eq!(item(reply.clone()).reply.unwrap().guid, "https://t.me/other/6");
    reply.reply.as_mut().unwrap().href = Some("https://example.org/6".to_owned());
    assert_eq!(item(reply).reply, None);
}

#[test]
fn a_forward_links_to_its_origin() {
    let mut forward = post(9, vec![text("x")]);
    let href = Some("https://t.me/elsewhere/3".to_owned());
    forward.forward = Some(Forward { name: "Elsewhere".to_owned(), href, author: None });
    assert!(
        one(forward, Format::Atom).contains("<link href=\"https://t.me/elsewhere/3\" rel=\"via\" type=\"text/html\"/>")
    );
}

#[test]
fn an_archive_says_so_before_its_first_entry() {
    let archive = Header {
        archive: true,
        current_url: Some("https://feeds.example.org/kitchen/atom.xml".to_owned()),
        prev_archive_url: Some("https://feeds.example.org/kitchen/archive/1/atom.xml".to_owned()),
        ..header()
    };
    let channel = channel();
    let posts = many([1, 2]);
    let entries: Vec<_> = posts.iter().map(|stored| feedbridge::feed::Entry { channel: &channel, stored }).collect();
    let feed = compose_entries(archive, &entries, &Settings::default());
    let pieces = ["rel=\"current\"", "rel=\"prev-archive\"", "<fh:archive>"];
    in_order(&written(&feed, Format::Atom), &[&pieces[..], &["<entry>", "<entry>", "</feed>"]].concat());
    in_order(&written(&feed, Format::Rss), &[&pieces[..], &["<item>"]].concat());
    assert_eq!(written(&feed, Format::Atom).matches("<feed ").count(), 1);
}

#[test]
fn a_feed_without_posts_takes_its_time_from_the_header() {
    let feed = compose_entries(Header { changed: Some(at(3)), ..header() }, &[], &Settings::default());
    assert_eq!(feed.updated, at(3));
    for format in [Format::Rss, Format::Atom] {
        assert!(feed_rs::parser::parse(written(&feed, format).as_bytes()).unwrap().entries.is_empty());
    }
    assert_eq!(serde_json::from_str::<Value>(&written(&feed, Format::Json)).unwrap()["items"], json!([]));
}

#[test]
fn a_header_that_says_little_is_completed_by_its_address() {
    let bare = Header { id: String::new(), title: " \u{200b}".to_owned(), description: String::new(), ..header() };
    let header = compose_entries(bare, &[], &Settings::default()).header;
    let home = "https://t.me/NewKitchen";
    assert_eq!([&*header.id, &*header.title, &*header.description], [home, home, home]);
}

#[test]
fn a_body_leads_to_telegram_wherever_the_link_leads() {
    let preview = Settings { link: LinkTarget::Preview, ..Settings::default() };
    let posted = post(7, vec![Part::Video(video())]);
    assert_eq!(item_with(posted.clone(), &preview).content, item(posted).content);
}

#[test]
fn an_untitled_item_is_untitled_in_rss_and_json_and_called_by_its_kind_in_atom() {
    let settings = Settings { title_length: 0, ..Settings::default() };
    let feed = compose(&many([1]), &settings);
    assert!(written(&feed, Format::Rss).contains("<item><link>"));
    assert!(written(&feed, Format::Atom).contains("<entry><title>💬</title>"));
    let json: Value = serde_json::from_str(&written(&feed, Format::Json)).unwrap();
    assert_eq!(json["items"][0].get("title"), None);
}

#[test]
fn a_json_feed_names_itself_and_its_next_page() {
    let channel = channel();
    let posts = many([1]);
    let entries = [feedbridge::feed::Entry { channel: &channel, stored: &posts[0] }];
    let header = Header {
        next_url: Some("https://feeds.example.org/next".to_owned()),
        hub_url: Some("https://hub.example.org/".to_owned()),
        ..header()
    };
    let feed = compose_entries(header, &entries, &Settings::default());
    let json: Value = serde_json::from_str(&written(&feed, Format::Json)).unwrap();
    assert_eq!(
        json,
        json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Kitchen & Co",
            "home_page_url": "https://t.me/NewKitchen",
            "feed_url": "https://feeds.example.org/kitchen/rss.xml",
            "description": "Recipes ‹daily›",
            "next_url": "https://feeds.example.org/next",
            "icon": "https://cdn1.example.org/file/avatar.jpg",
            "hubs": [{"type": "WebSub", "url": "https://hub.example.org/"}],
            "items": [{
                "id": "https://t.me/Kitchen/1",
                "url": "https://t.me/NewKitchen/1",
                "title": "Post number 1",
                "content_html": "<p dir=\"auto\">Post number 1</p>",
                "date_published": "2023-11-14T22:14:20Z",
                "authors": [{"name": "Kitchen & Co", "url": "https://t.me/NewKitchen"}],
            }],
        })
    );
}
