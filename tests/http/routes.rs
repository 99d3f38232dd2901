//! Addresses and methods.

use hyper::{Method, Request};

use crate::world::{DOCUMENTS, RSS, config, over, world};

#[tokio::test]
async fn what_is_nowhere_is_404() {
    let world = world();
    for target in
        ["/no/such/feed.rss", "/gamma/", "/gamma", "/Alpha/rss", "/Alpha/rss.xml/", "//", "/favicon.png", "/%ff"]
    {
        world.get(target).await.assert_problem(404);
    }
}

#[tokio::test]
async fn other_methods_are_405_and_told_which_are_allowed() {
    let world = world();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH, Method::TRACE] {
        let reply = world.ask(method, RSS, &[]).await;
        reply.assert_problem(405);
        assert_eq!(reply.field("allow"), "GET, HEAD");
    }
    assert_eq!(world.ask(Method::OPTIONS, "*", &[]).await.status, 405);
}

#[tokio::test]
async fn another_spelling_moves_to_the_configured_one() {
    let world = world();
    for (asked, location) in [
        ("/Alpha", "./Alpha/"),
        ("/alpha", "./Alpha/"),
        ("/ALPHA/", "../Alpha/"),
        ("/alpha/rss.xml", "../Alpha/rss.xml"),
        ("/aLPHA/feed.json", "../Alpha/feed.json"),
    ] {
        let reply = world.get(asked).await;
        assert_eq!((reply.status, reply.field("location")), (308, location), "{asked}");
    }
}

#[tokio::test]
async fn a_name_in_its_own_spelling_is_taken_before_one_in_other_case() {
    let mut config = config();
    config.feeds[2].name = "alpha".to_owned();
    let world = over(world().store, config);
    for target in [RSS, "/alpha/rss.xml"] {
        let reply = world.get(target).await;
        assert_eq!(reply.status, 200);
        assert!(reply.text().contains(&format!("https://feeds.example{target}")));
    }
}

#[tokio::test]
async fn a_foreign_query_moves_to_the_feed_itself() {
    let world = world();
    for target in DOCUMENTS {
        let reply = world.get(&format!("{target}?utm_source=x")).await;
        let file = target.rsplit('/').next().unwrap();
        assert_eq!((reply.status, reply.field("location")), (308, format!("./{file}").as_str()));
    }
    assert_eq!(world.get(&format!("{RSS}?")).await.status, 200);
}

#[tokio::test]
async fn escaped_characters_are_the_characters() {
    let world = world();
    assert_eq!(world.get("/%41lpha/rss%2Exml").await.status, 200);
    assert_eq!(world.get("/Alpha%2Frss.xml").await.status, 404);
}

#[tokio::test]
async fn a_feed_may_have_a_name_that_needs_escapes() {
    let mut config = config();
    config.feeds[2].name = "Всё: a b".to_owned();
    let world = over(world().store, config);
    let escaped = "/%D0%92%D1%81%D1%91%3A%20a%20b";
    let reply = world.get(&format!("{escaped}/rss.xml")).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains(&format!("https://feeds.example{escaped}/rss.xml")));
    assert_eq!(world.get(escaped).await.field("location"), format!(".{escaped}/"));
}

#[tokio::test]
async fn an_absolute_form_target_is_understood() {
    let world = world();
    assert_eq!(world.get("http://127.0.0.1:8080/Alpha/rss.xml").await.status, 200);
}

#[tokio::test]
async fn a_target_above_eight_kibibytes_is_414() {
    let world = world();
    world.get(&format!("/{}", "a".repeat(9000))).await.assert_problem(414);
    assert_eq!(world.get(&format!("/{}", "a".repeat(8000))).await.status, 404);
}

#[tokio::test]
async fn a_request_without_its_one_host_is_400() {
    let world = world();
    let request = Request::get(RSS).body(String::new()).unwrap();
    assert_eq!(feedbridge::serve::handle(&world.site, request).await.status(), 400);
    assert_eq!(world.get_with(RSS, &[("Host", "second.example")]).await.status, 400);
}
