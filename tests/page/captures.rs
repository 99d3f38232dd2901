//! Real pages, where they lie beside the project: nothing on them may go unread. Without them there is nothing to test.

use std::{collections::HashMap, env, fs, path::PathBuf};

use feedbridge::{
    model::{Inline, Part, Post, plain_text},
    page::{self, Embed, Error, Landing, Page, ProblemKind},
};
use scraper::{ElementRef, Html, Selector};

/// Name and contents of each file in a folder of the captures; empty without them.
fn captures(folder: &str) -> Vec<(String, String)> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/captures");
    let root = env::var_os("CAPTURES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        println!("no captures in {}", root.join(folder).display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let contents = fs::read_to_string(entry.path()).ok()?;
            Some((format!("{folder}/{}", entry.file_name().to_string_lossy()), contents))
        })
        .collect();
    files.sort();
    files
}

fn parse(name: &str, html: &str) -> Page {
    let page = page::parse(html).unwrap_or_else(|error| panic!("{name}: {error}"));
    let unknown = page.problems.iter().find(|problem| matches!(problem.kind, ProblemKind::UnknownClass(_)));
    assert_eq!(unknown, None, "{name}");
    page
}

fn has_content(post: &Post) -> bool {
    let unknown = post.parts.iter().any(|part| matches!(part, Part::Unknown(_) | Part::Withheld(_)));
    !unknown && (post.service || !post.parts.is_empty())
}

#[test]
fn every_page_and_list_is_read_whole() {
    for (name, html) in captures("pages").into_iter().chain(captures("ajax")) {
        let page = parse(&name, &html);
        let blocks = html.matches("\"tgme_widget_message_bubble\"").count();
        let blocks = blocks.max(html.matches("\\\"tgme_widget_message_bubble\\\"").count());
        assert_eq!(page.posts.len(), blocks, "{name}");
        assert!(page.channel.is_some() && page.slug.is_some(), "{name}");
        for post in &page.posts {
            assert!(has_content(post), "{name}: {post:?}");
            assert!(post.published.is_some(), "{name}: {}", post.id);
        }
    }
}

#[test]
fn every_block_yields_a_post_with_content() {
    for (name, html) in captures("blocks") {
        if !html.contains("tgme_widget_message ") {
            let empty = page::parse(&html).map(|page| page.posts.len());
            assert!(matches!(empty, Ok(0) | Err(Error::NotTelegram)), "{name}: {empty:?}");
            continue;
        }
        let page = parse(&name, &html);
        assert!(!page.posts.is_empty() && page.posts.iter().all(has_content), "{name}: {page:?}");
        assert_eq!(page.problems, [], "{name}");
    }
}

#[test]
fn every_embed_is_a_post_or_says_that_it_is_missing() {
    for (name, html) in captures("embeds") {
        match page::parse_embed(&html) {
            Embed::Post(post) => assert!(has_content(&post) && post.published.is_some(), "{name}: {post:?}"),
            Embed::Missing => assert!(name.contains("not_found"), "{name}"),
            Embed::Restricted(_) | Embed::Unclear => panic!("{name}"),
        }
    }
}

#[test]
fn every_landing_page_says_what_it_is() {
    for (name, html) in captures("landings") {
        let Err(Error::NoPreview(landing)) = page::parse(&html) else { panic!("{name}") };
        let expected = match () {
            () if html.contains("tg://join") => Landing::Private,
            () if html.contains("href=\"/s/") => Landing::Channel,
            () if html.contains(" online<") => Landing::Group,
            () if html.contains("tgme_icon_user") => Landing::Unknown,
            () => Landing::User,
        };
        assert_eq!(landing, expected, "{name}");
    }
}

#[test]
fn every_page_cut_anywhere_in_its_posts_is_refused() {
    for (name, html) in captures("pages") {
        let first = html.find("js-widget_message_wrap").expect("a post");
        let last = html.rfind("</main>").expect("an end");
        for part in 0..8 {
            let mut end = first + (last - first) * part / 8;
            while !html.is_char_boundary(end) {
                end -= 1;
            }
            assert_eq!(page::parse(&html[..end]), Err(Error::Truncated), "{name} at {end}");
        }
    }
}

#[test]
fn every_visible_word_of_a_text_is_in_its_post_and_no_other() {
    for (name, html) in captures("pages").into_iter().chain(captures("blocks")) {
        let Ok(page) = page::parse(&html) else { continue };
        let document = Html::parse_document(&html);
        let blocks = Selector::parse(".tgme_widget_message").expect("a selector");
        for (block, post) in document.select(&blocks).zip(&page.posts) {
            let shown = words(&visible(block));
            let read: String = post.parts.iter().filter_map(text).map(plain_text).collect::<Vec<_>>().join("\n");
            assert_eq!(counted(&shown), counted(&words(&read)), "{name}: {}", post.id);
        }
    }
}

fn text(part: &Part) -> Option<&[Inline]> {
    if let Part::Text(text) = part { Some(text) } else { None }
}

/// The characters of the post's own outermost texts, a line break as a blank.
fn visible(block: ElementRef) -> String {
    let texts = Selector::parse(".js-message_text").expect("a selector");
    let inner = Selector::parse(".js-message_text .js-message_text").expect("a selector");
    let nested: Vec<_> = block.select(&inner).map(|inner| inner.id()).collect();
    let mut shown = String::new();
    for text in block.select(&texts).filter(|text| !nested.contains(&text.id())) {
        for node in text.descendants() {
            match node.value() {
                scraper::Node::Text(characters) => shown.push_str(characters),
                scraper::Node::Element(element) if element.name() == "br" => shown.push('\n'),
                _ => {}
            }
        }
        shown.push('\n');
    }
    shown
}

/// Letters and digits only: a quote is set on lines of its own, which must not count as a difference.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn counted(words: &[String]) -> HashMap<&str, usize> {
    words.iter().fold(HashMap::new(), |mut counts, word| {
        *counts.entry(word.as_str()).or_default() += 1;
        counts
    })
}
