//! Pages for people.

use feedbridge::board::State;
use scraper::{Html, Selector};

use crate::world::{ALPHA, Reply, World, world};

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
        if !href.starts_with("https://t.me/") {
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
async fn both_pages_let_readers_discover_each_format_under_a_title_of_its_own() {
    let world = world();
    for (base, feeds) in [("/", 3), ("/Alpha/", 1)] {
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
async fn a_feeds_page_shows_its_newest_posts() {
    let world = world();
    world.publish(ALPHA, 4, "<script>alert(1)</script> & more");
    let page = world.get("/Alpha/").await;
    assert_eq!(attributes(&page, "article a", "href").len(), 4);
    assert_eq!(attributes(&page, "article a", "href")[0], "https://t.me/Alpha/4");
    assert!(page.text().contains("All of Alpha"));
    assert!(page.text().contains("alert(1)") && !page.text().contains("<script"));
    assert_all_links_lead_somewhere(&world, "/Alpha/").await;
}

#[tokio::test]
async fn a_long_post_is_cut_between_characters() {
    let world = world();
    world.publish(ALPHA, 4, &"👩‍👩‍👧".repeat(400));
    let page = world.get("/Alpha/").await;
    assert!(page.text().contains(&format!("{}…", "👩‍👩‍👧".repeat(280))));
}

#[tokio::test]
async fn a_page_allows_its_own_stylesheet_and_no_script() {
    let world = world();
    for base in ["/", "/Alpha/"] {
        let page = world.get(base).await;
        let policy = page.field("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; img-src https: data:"), "{policy}");
        let style = attributes(&page, "link[rel=stylesheet]", "href");
        let sheet = world.get(&resolve(base, &style[0])).await;
        assert_eq!((sheet.status, sheet.field("content-type")), (200, "text/css; charset=utf-8"));
        assert!(sheet.field("cache-control").contains("immutable"));
    }
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
