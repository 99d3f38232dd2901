//! Reading with a token, and what no answer, page or document lacks or tells.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use feedbridge::config::Tokens;

use crate::world::{DOCUMENTS, RSS, World, guarded, world};

const TOKEN: &str = "0123456789abcdef-one";
const OTHER: &str = "0123456789abcdef-two";
/// One address of each class of routes that says something.
const CLASSES: [&str; 8] =
    ["/", "/Alpha/", "/Alpha/rss.xml", "/Alpha/atom.xml", "/Alpha/feed.json", "/health", "/metrics", "/nothing"];

fn closed() -> World {
    guarded(Tokens::parse(&format!("# readers\n\n{TOKEN}\n{OTHER}\n"), Path::new("tokens")).unwrap())
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn without_a_token_nothing_is_told_but_that_the_server_lives() {
    let world = closed();
    for target in CLASSES {
        let reply = world.get(target).await;
        reply.assert_problem(401);
        assert_eq!(reply.field("www-authenticate"), "Basic realm=\"feedbridge\", charset=\"UTF-8\"");
    }
    for target in ["/healthz", "/readyz"] {
        assert_ne!(world.get(target).await.status, 401, "{target}");
    }
}

#[tokio::test]
async fn a_token_is_the_password_of_any_user() {
    let world = closed();
    for (user, password) in [("", TOKEN), ("anna", OTHER), ("a b", TOKEN)] {
        assert_eq!(world.get_with(RSS, &[("Authorization", &basic(user, password))]).await.status, 200);
    }
    let nearly = &TOKEN[..TOKEN.len() - 1];
    for refused in [basic("", nearly), basic(TOKEN, ""), basic("", ""), format!("Bearer {TOKEN}"), "Basic !".into()] {
        assert_eq!(world.get_with(RSS, &[("Authorization", &refused)]).await.status, 401, "{refused}");
    }
}

#[tokio::test]
async fn a_token_in_the_path_opens_what_is_below_it() {
    let world = closed();
    for target in CLASSES {
        let status = world.get(&format!("/t/{TOKEN}{target}")).await.status;
        assert!(![401, 308].contains(&status), "{target}: {status}");
    }
    assert_eq!(world.get(&format!("/t/{TOKEN}")).await.field("location"), format!("./{TOKEN}/"));
    assert_eq!(world.get(&format!("/t/{TOKEN}/alpha/rss.xml")).await.field("location"), "../Alpha/rss.xml");
    for refused in ["/t/", "/t", "/t//", "/t/wrong/Alpha/rss.xml", "/t/wrong", &format!("/t/{TOKEN}x{RSS}")] {
        assert_eq!(world.get(refused).await.status, 401, "{refused}");
    }
}

#[tokio::test]
async fn feeds_and_pages_never_hold_the_token_and_are_the_same_for_all_readers() {
    let world = closed();
    for target in CLASSES.into_iter().filter(|target| *target != "/metrics" && *target != "/health") {
        let by_path = world.get(&format!("/t/{TOKEN}{target}")).await;
        let by_password = world.get_with(target, &[("Authorization", &basic("", OTHER))]).await;
        assert_eq!(by_path.body, by_password.body, "{target}");
        assert!(!by_path.text().contains(TOKEN));
    }
}

#[tokio::test]
async fn shared_caches_keep_nothing_that_needs_a_token() {
    let world = closed();
    for target in DOCUMENTS {
        let reply = world.get(&format!("/t/{TOKEN}{target}")).await;
        assert!(reply.field("cache-control").starts_with("private, max-age="), "{}", reply.field("cache-control"));
    }
}

#[test]
fn a_tokens_file_that_guards_nothing_is_refused_without_telling_tokens() {
    for text in ["", "# only a remark\n", "short\n", "0123456789abcdef/slash", "0123456789abcdef and more"] {
        let error = Tokens::parse(text, Path::new("tokens")).unwrap_err().to_string();
        assert!(error.starts_with("tokens") && !error.contains("0123456789abcdef"), "{error}");
    }
    assert!(!format!("{:?}", Tokens::parse(TOKEN, Path::new("t")).unwrap()).contains("0123"));
}

#[tokio::test]
async fn every_class_of_routes_forbids_sniffing_and_sends_no_referrer() {
    for world in [world(), closed()] {
        for target in CLASSES.into_iter().chain(["/healthz", "/readyz", "/alpha/rss.xml"]) {
            let reply = world.get(target).await;
            assert_eq!(reply.field("x-content-type-options"), "nosniff", "{target}");
            assert_eq!(reply.field("referrer-policy"), "no-referrer", "{target}");
        }
    }
}

#[tokio::test]
async fn every_page_for_people_has_a_policy_that_allows_no_script_but_the_one_of_its_hash() {
    let world = world();
    for target in ["/", "/Alpha/"] {
        let reply = world.get(target).await;
        let policy = reply.field("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; ") && policy.matches("script").count() == 1,
            "{target}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{target}: {policy}");
        assert!(policy.contains("script-src 'sha256-") && reply.text().matches("<script").count() == 1, "{target}");
    }
}
