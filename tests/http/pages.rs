//! Pages for people.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use feedbridge::{
    config::FeedSpec,
    model::{Inline, Part, Post, Stored, Video, Voice},
    status::events::{self, Event, What},
    status::{State, Status},
    store::{Batch, Store},
};
use scraper::{Html, Selector};
use sha2::{Digest, Sha256};

use crate::world::{ALPHA, Reply, World, config, empty, minute, over, stored, world};

fn words(page: &Reply, selector: &str) -> Vec<String> {
    let html = Html::parse_document(page.text());
    let found: Vec<String> = html.select(&Selector::parse(selector).unwrap()).map(|e| e.text().collect()).collect();
    found
}

fn attributes(page: &Reply, selector: &str, name: &str) -> Vec<String> {
    let html = Html::parse_document(page.text());
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).filter_map(|element| element.attr(name)).map(str::to_owned).collect()
}

/// `href` as a browser resolves it on the page at `base`.
fn resolve(base: &str, href: &str) -> String {
    let url = url::Url::parse("http://host").unwrap().join(base).unwrap().join(href).unwrap();
    url.path().to_owned()
}

async fn assert_all_links_lead_somewhere(world: &World, base: &str) {
    let page = world.get(base).await;
    for href in [attributes(&page, "a", "href"), attributes(&page, "link", "href")].concat() {
        if !href.starts_with("https://") && !href.starts_with('#') {
            assert_eq!(world.get(&resolve(base, &href)).await.status, 200, "{href}");
        }
    }
}

#[tokio::test]
async fn the_first_page_lists_every_feed_with_its_state_and_documents() {
    let world = world();
    world.set_state("Alpha", State::Unreachable);
    let page = world.get("/").await;
    assert_eq!((page.status, page.field("content-type")), (200, "text/html; charset=utf-8"));
    for words in ["The Alpha &#38; Co", "3 posts", "8 March 2024, 12:03 UTC", "Telegram cannot be reached", "beta"] {
        assert!(page.text().contains(words), "{words}\n{}", page.text());
    }
    assert_all_links_lead_somewhere(&world, "/").await;
}

#[tokio::test]
async fn every_page_lets_readers_discover_each_format_under_a_title_of_its_own() {
    let world = world();
    for (base, feeds) in [("/", 4), ("/Alpha/", 1), ("/Alpha/2", 1), ("/Alpha/tags", 1), ("/status/", 1), ("/both/", 1)]
    {
        let page = world.get(base).await;
        let links = "head > link[rel=alternate]";
        let mut titles = attributes(&page, links, "title");
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len(), feeds * 3);
        let found = attributes(&page, links, "href").into_iter().zip(attributes(&page, links, "type"));
        for (href, media_type) in found {
            let document = world.get(&resolve(base, &href)).await;
            assert_eq!(document.field("content-type"), format!("{media_type}; charset=utf-8"));
        }
    }
}

#[tokio::test]
async fn an_archive_shows_posts_in_full_and_no_script_of_theirs() {
    let world = world();
    world.publish(ALPHA, 4, &format!("<script>alert(1)</script> {}", "long ".repeat(1000)));
    let page = world.get("/Alpha/").await;
    assert_eq!(attributes(&page, "article h2 a", "href"), ["./4", "./3", "./2", "./1"]);
    assert!(page.text().contains("All of Alpha") && page.text().contains(&"long ".repeat(999)));
    assert!(page.text().contains("alert(1)") && !page.text().contains("<script>alert"));
    assert_eq!(words(&page, "script").len(), 1);
    assert_all_links_lead_somewhere(&world, "/Alpha/").await;
}

#[tokio::test]
async fn an_archive_is_read_page_by_page_to_its_end_and_back() {
    let world = world();
    for id in 4..=45 {
        world.publish(ALPHA, id, "more");
    }
    let (mut seen, mut path) = (Vec::new(), "/Alpha/".to_owned());
    let mut paths = vec![path.clone()];
    loop {
        let page = world.get(&path).await;
        seen.extend(attributes(&page, "article", "id"));
        let next = attributes(&page, "link[rel=next]", "href");
        assert_eq!(next, attributes(&page, "a[rel=next]", "href"));
        let Some(next) = next.first() else { break };
        path = format!("/Alpha/{}", next.trim_start_matches("./"));
        paths.push(path.clone());
    }
    let all: Vec<String> = (1..=45).rev().map(|id| format!("p{id}")).collect();
    assert_eq!(seen, all);
    for pair in paths.windows(2) {
        let newer = attributes(&world.get(&pair[1]).await, "link[rel=prev]", "href");
        assert_eq!(format!("/Alpha/{}", newer[0].trim_start_matches("./")), pair[0]);
    }
}

#[tokio::test]
async fn an_archive_is_searched_under_one_address() {
    let world = world();
    let moved = world.get("/Alpha/?q=Number+2&kind=").await;
    assert_eq!((moved.status, moved.field("location")), (308, "./?q=2%20number"));
    let page = world.get("/Alpha/?q=2%20number").await;
    assert_eq!(attributes(&page, "article", "id"), ["p2"]);
    assert_eq!(attributes(&page, "input[name=q]", "value"), ["2 number"]);
    assert_eq!(attributes(&world.get("/Alpha/?kind=photo").await, "article", "id").len(), 0);
    world.get("/Alpha/?kind=nonsense").await.assert_problem(400);
}

#[tokio::test]
async fn an_edited_post_has_a_page_with_its_earlier_version() {
    let world = world();
    world.edit(ALPHA, 2, "post number two", 30);
    let page = world.get("/Alpha/2").await;
    let (now, before) = page.text().split_once("Earlier versions").unwrap();
    assert!(now.contains("post number two") && before.contains("post number 2"));
    assert_eq!(attributes(&page, "meta[property='og:type']", "content"), ["article"]);
    assert_eq!(attributes(&page, "link[rel=canonical]", "href"), ["https://feeds.example/Alpha/2"]);
    assert!(!world.get("/Alpha/3").await.text().contains("Earlier versions"));
    for nowhere in ["/Alpha/99", "/both/2", "/Alpha/02"] {
        world.get(nowhere).await.assert_problem(404);
    }
}

#[tokio::test]
async fn a_merged_feeds_page_leads_to_the_posts_under_their_channels() {
    let world = world();
    let page = world.get("/both/").await;
    assert_eq!(attributes(&page, "article h2 a", "href"), ["../Alpha/3", "../Alpha/2", "../Alpha/1"]);
    assert_all_links_lead_somewhere(&world, "/both/").await;
}

#[tokio::test]
async fn pages_are_kept_from_search_engines_unless_the_configuration_says_otherwise() {
    let mut config = config();
    for (robots, rule) in [(false, "Disallow: /"), (true, "Allow: /")] {
        config.server.robots = robots;
        let world = over(world().store, config.clone());
        let page = world.get("/Alpha/").await;
        assert_eq!(page.field("x-robots-tag") == "noindex", !robots);
        assert_eq!(attributes(&page, "meta[name=robots]", "content").is_empty(), robots);
        assert!(world.get("/robots.txt").await.text().contains(&format!("\n{rule}\n")));
        assert_eq!(world.get("/Alpha/?q=2").await.field("x-robots-tag"), "noindex");
    }
    assert!(world().get("/sitemap.xml").await.text().contains("<loc>https://feeds.example/Alpha/3</loc>"));
}

#[tokio::test]
async fn a_page_comes_in_the_coding_that_the_browser_takes() {
    let world = world();
    let plain = world.get("/Alpha/").await;
    let brotli = world.get_with("/Alpha/", &[("Accept-Encoding", "br")]).await;
    assert_eq!((brotli.field("content-encoding"), brotli.field("vary")), ("br", "Accept-Encoding"));
    assert!(brotli.body.len() < plain.body.len() && brotli.field("etag") != plain.field("etag"));
}

#[tokio::test]
async fn opml_names_every_feed_once() {
    let reply = world().get("/feeds.opml").await;
    assert_eq!(reply.field("content-type"), "text/x-opml; charset=utf-8");
    assert_eq!(reply.text().matches("<outline ").count(), 3);
    assert!(
        reply.text().contains(r#"xmlUrl="https://feeds.example/Alpha/atom.xml" htmlUrl="https://feeds.example/Alpha/"#)
    );
    assert!(reply.text().contains(r#"text="The Alpha &#38; Co""#));
}

#[tokio::test]
async fn the_status_feed_tells_what_happened_newest_first() {
    let world = world();
    let event = |minutes, state| Event {
        at: minute(minutes),
        channel: "Alpha".parse().unwrap(),
        what: What::State(state),
        reason: None,
    };
    events::keep(world.store.as_ref(), &[event(1, State::NotFound), event(2, State::Ok)]).unwrap();
    let feed = world.get("/status/feed.json").await;
    let titles: Vec<_> = feed.json()["items"].as_array().unwrap().iter().map(|item| item["title"].clone()).collect();
    assert_eq!(titles, ["Alpha is back", "Alpha: not found on Telegram"]);
    let atom = world.get("/status/atom.xml").await;
    let tag = atom.field("etag");
    assert_eq!(world.get_with("/status/atom.xml", &[("If-None-Match", tag)]).await.status, 304);
    assert!(world.get("/status/").await.text().contains("Alpha is back"));
}

#[tokio::test]
async fn only_the_newest_two_hundred_events_are_kept() {
    let world = world();
    for minutes in 0..205 {
        let what = What::State(State::Drift);
        let event = Event { at: minute(minutes), channel: "Alpha".parse().unwrap(), what, reason: None };
        events::keep(world.store.as_ref(), &[event]).unwrap();
    }
    let kept = events::all(world.store.as_ref()).unwrap();
    assert_eq!((kept.len(), kept[0].at, kept[199].at), (200, minute(204), minute(5)));
}

#[tokio::test]
async fn a_page_allows_its_own_stylesheet_and_only_the_script_of_its_hash() {
    let world = world();
    for base in ["/", "/Alpha/", "/Alpha/2024-03-08", "/status/"] {
        let page = world.get(base).await;
        let hashes: Vec<_> =
            words(&page, "script").iter().map(|script| STANDARD.encode(Sha256::digest(script))).collect();
        let [hash] = hashes.as_slice() else { panic!("{base} has {} scripts", hashes.len()) };
        let policy = page.field("content-security-policy");
        let expected = format!("default-src 'none'; style-src 'self'; script-src 'sha256-{hash}'; img-src ");
        assert!(policy.starts_with(&expected) && !policy.contains("unsafe"), "{policy}");
        let style = attributes(&page, "link[rel=stylesheet]", "href");
        let sheet = world.get(&resolve(base, &style[0])).await;
        assert_eq!((sheet.status, sheet.field("content-type")), (200, "text/css; charset=utf-8"));
        assert!(sheet.field("cache-control").contains("immutable"));
    }
}

#[tokio::test]
async fn every_page_has_icons_and_colours_for_the_browsers_frame() {
    let world = world();
    for base in ["/", "/Alpha/", "/Alpha/2"] {
        let page = world.get(base).await;
        assert_eq!(attributes(&page, "meta[name=theme-color]", "media").len(), 2);
        let icons = attributes(&page, "link[rel=icon], link[rel=apple-touch-icon]", "href");
        let mut types = Vec::new();
        for icon in &icons {
            let reply = world.get(&resolve(base, icon)).await;
            assert!(reply.status == 200 && !reply.body.is_empty(), "{icon}");
            types.push(reply.field("content-type").to_owned());
        }
        assert_eq!(types, ["image/svg+xml", "image/vnd.microsoft.icon", "image/png"]);
    }
    assert_eq!(world.get("/favicon.ico").await.status, 200);
}

#[tokio::test]
async fn the_first_page_shows_each_feeds_newest_post_and_no_state_that_is_fine() {
    let world = world();
    world.set_state("Alpha", State::Ok);
    world.set_state("beta", State::NotFound);
    let page = world.get("/").await;
    assert_eq!(attributes(&page, ".row .last a", "href")[0], "./Alpha/3");
    assert_eq!(words(&page, ".row .last a")[0], "post number 3");
    let rows = words(&page, ".row");
    assert!(!rows[0].contains("up to date") && rows[1].contains("not found on Telegram"), "{rows:?}");
}

#[tokio::test]
async fn a_channel_without_a_picture_has_its_initials_and_one_with_a_dead_picture_too() {
    let page = world().get("/").await;
    assert_eq!(words(&page, ".row .avatar"), ["TA", "B", "B"]);
    let titled = world();
    let mut channel = titled.store.channel_by_id(ALPHA).unwrap().unwrap();
    channel.info.title = "🔥 ёлка в лесу".to_owned();
    channel.info.photo = Some("https://cdn.example/gone.jpg".into());
    titled.store.commit(minute(9), Batch { channel: Some(channel), ..Batch::default() }).unwrap();
    let page = titled.get("/Alpha/").await;
    assert_eq!(words(&page, ".avatar"), ["ЁВ"]);
    assert_eq!(attributes(&page, ".avatar img", "src"), ["https://cdn.example/gone.jpg"]);
}

#[tokio::test]
async fn a_channels_picture_is_shown_where_the_policy_lets_it_be_seen() {
    let mut config = config();
    config.server.public_url = "http://feeds.example".to_owned();
    let local = over(world().store, config);
    for (photo, is_shown) in [
        ("https://cdn.example/face.jpg", true),
        ("http://feeds.example/media/Alpha/avatar/0.jpg", true),
        ("http://feeds.example.org/media/Alpha/avatar/0.jpg", false),
        ("http://cdn.example/face.jpg", false),
    ] {
        let mut channel = local.store.channel_by_id(ALPHA).unwrap().unwrap();
        channel.info.photo = Some(photo.into());
        local.store.commit(minute(9), Batch { channel: Some(channel), ..Batch::default() }).unwrap();
        let shown = attributes(&local.get("/Alpha/").await, ".avatar img", "src");
        assert_eq!(shown, if is_shown { vec![photo] } else { vec![] });
    }
}

#[tokio::test]
async fn films_and_voices_are_played_in_their_place_on_a_page() {
    let world = world();
    let mut film = stored(4, "A film and a voice");
    film.post.parts.push(Part::Video(Video { url: Some("https://cdn.example/film.mp4".into()), ..Video::default() }));
    film.post.parts.push(Part::Voice(Voice { url: Some("https://cdn.example/voice.ogg".into()), ..Voice::default() }));
    world.keep(ALPHA, film);
    let page = world.get("/Alpha/").await;
    assert_eq!(attributes(&page, "article video[controls][playsinline]", "src"), ["https://cdn.example/film.mp4"]);
    assert_eq!(attributes(&page, "article audio[controls]", "src"), ["https://cdn.example/voice.ogg"]);
}

#[tokio::test]
async fn a_hundred_feeds_stand_on_a_page_of_the_list_and_are_found_by_name() {
    let mut config = config();
    for number in 0..250 {
        config.feeds.push(FeedSpec { name: format!("topic_{number}"), ..config.feeds[1].clone() });
    }
    let world = over(world().store, config);
    let mut seen = 0;
    for (path, rows) in [("/", 100), ("/?page=2", 100), ("/?page=3", 53)] {
        let page = world.get(path).await;
        assert_eq!(attributes(&page, ".row h2 a", "href").len(), rows, "{path}");
        seen += rows;
    }
    assert_eq!(seen, 253);
    assert_eq!(attributes(&world.get("/?page=2").await, ".pager a", "href"), ["./", "./?page=3"]);
    let found = world.get("/?q=TOPIC_24").await;
    assert_eq!(attributes(&found, ".row h2 a", "href").len(), 11);
    assert_eq!(found.field("x-robots-tag"), "noindex");
    assert_eq!(attributes(&world.get("/?q=alpha&utm_source=x").await, ".row h2 a", "href"), ["./Alpha/"]);
    assert!(world.get("/?q=nobody").await.text().contains("No feed has such a name."));
}

#[tokio::test]
async fn a_channel_that_was_not_read_for_a_day_is_marked_with_when_it_was() {
    let world = world();
    assert!(words(&world.get("/Alpha/").await, ".stale").is_empty());
    world.set_state("Alpha", State::Ok);
    for base in ["/", "/Alpha/"] {
        assert_eq!(words(&world.get(base).await, ".stale")[0], "last read 8 March 2024, 12:10 UTC", "{base}");
    }
    let name = "Alpha".parse().unwrap();
    let status = world.board.get(&name).unwrap();
    world.board.set(&name, Status { last_success: Some(Utc::now()), ..status });
    assert!(words(&world.get("/Alpha/").await, ".stale").is_empty());
}

#[tokio::test]
async fn a_day_shows_its_posts_and_leads_to_the_days_beside_it_that_have_some() {
    let world = world();
    for (id, minutes) in [(4, 2 * 1440), (5, 2 * 1440 + 5), (6, 5 * 1440)] {
        let at = minute(minutes);
        let text = stored(id, "later");
        world.keep(ALPHA, Stored { published: at, post: Post { published: Some(at), ..text.post }, ..text });
    }
    let page = world.get("/Alpha/2024-03-10").await;
    assert_eq!(attributes(&page, "article", "id"), ["p4", "p5"]);
    assert_eq!(attributes(&page, "a[rel=next]", "href"), ["./2024-03-08"]);
    assert_eq!(attributes(&page, "a[rel=prev]", "href"), ["./2024-03-13"]);
    assert_all_links_lead_somewhere(&world, "/Alpha/2024-03-10").await;
    assert_eq!(attributes(&world.get("/Alpha/2024-03-08").await, "a[rel=next]", "href").len(), 0);
    assert_eq!(attributes(&world.get("/Alpha/").await, ".kinds a[href^='./2024']", "href"), ["./2024-03-13"]);
    for nowhere in
        ["/Alpha/2024-03-09", "/Alpha/2024-3-8", "/Alpha/2024-02-30", "/both/2024-03-08", "/Alpha/9999-12-31"]
    {
        world.get(nowhere).await.assert_problem(404);
    }
}

#[tokio::test]
async fn a_day_of_many_posts_goes_on_to_its_last() {
    let world = world();
    for id in 4..=450 {
        world.publish(ALPHA, id, "again");
    }
    let (mut seen, mut path) = (Vec::new(), "/Alpha/2024-03-08".to_owned());
    for _ in 0..3 {
        let page = world.get(&path).await;
        seen.extend(attributes(&page, "article", "id"));
        let more = attributes(&page, "main > p > a", "href");
        let Some(more) = more.first() else { break };
        path = format!("/Alpha/{}", more.trim_start_matches("./"));
    }
    assert_eq!(seen, (1..=450).map(|id| format!("p{id}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_that_did_not_change_is_304() {
    let world = world();
    for base in ["/", "/Alpha/"] {
        let tag = world.get(base).await.field("etag").to_owned();
        assert_eq!(world.get_with(base, &[("If-None-Match", &tag)]).await.status, 304);
        world.publish(ALPHA, 4, base);
        assert_eq!(world.get_with(base, &[("If-None-Match", &tag)]).await.status, 200);
    }
}

#[tokio::test]
async fn the_first_page_stands_while_the_store_cannot_be_read() {
    let world = world();
    world.store.break_down();
    let page = world.get("/").await;
    assert!(page.status == 200 && page.text().contains("./Alpha/rss.xml"));
    world.get("/Alpha/").await.assert_problem(503);
}

#[tokio::test]
async fn a_hashtag_is_there_once_and_leads_to_the_posts_here_that_bear_it() {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    let hashtag = |tag: &str, href: &str| Inline::Hashtag { tag: tag.to_owned(), href: href.to_owned() };
    let mut tagged = stored(11, "");
    let own = hashtag("#Чай", "https://t.me/s/Alpha?q=%23%D0%A7%D0%B0%D0%B9");
    let other = hashtag("#tea@beta", "https://t.me/s/beta?q=%23tea");
    tagged.post.parts = vec![Part::Text(vec![own, Inline::Text(" and ".to_owned()), other])];
    world.keep(ALPHA, tagged);
    for target in ["/Alpha/", "/Alpha/11", "/Alpha/2024-03-08", "/both/"] {
        let text = world.get(target).await.text().to_owned();
        assert!(text.contains("href=\"./?tag=%D1%87%D0%B0%D0%B9\""), "{target}: {text}");
        assert!(text.contains("href=\"https://t.me/s/beta?q=%23tea\""), "{target}: {text}");
        let body = &text[text.find("<article").unwrap()..text.find("</article>").unwrap()];
        assert_eq!(body.matches(">#Чай<").count(), 1, "{target}: {body}");
    }
}

#[tokio::test]
async fn a_channels_mark_and_the_links_of_its_description_are_shown() {
    let world = empty();
    world.add_channel(ALPHA, "Alpha");
    world.publish(ALPHA, 1, "One");
    assert!(!world.get("/Alpha/").await.text().contains("Verified"));
    let mut channel = world.store.channel_by_id(ALPHA).unwrap().unwrap();
    channel.info.verified = true;
    channel.info.description = "Ads: @kettle_ads <b>\nhttps://example.org/?a=1&b=2.".to_owned();
    world.store.commit(minute(5), Batch { channel: Some(channel), ..Batch::default() }).unwrap();
    for target in ["/", "/Alpha/"] {
        assert!(world.get(target).await.text().contains("aria-label=\"Verified by Telegram\""), "{target}");
    }
    let text = world.get("/Alpha/").await.text().to_owned();
    assert!(text.contains("<a href=\"https://t.me/kettle_ads\">@kettle_ads</a>"), "{text}");
    let escaped = ["&#38;", "&amp;"].map(|and| format!("<a href=\"https://example.org/?a=1{and}b=2\">"));
    assert!(escaped.iter().any(|link| text.contains(link)) && !text.contains("@kettle_ads <b>"), "{text}");
}
