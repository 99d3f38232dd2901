//! Feeds that may hold so many bytes: a post that is larger than all of them is there all the same, cut.

use feedbridge::{
    feed::{Feed, Format, Settings},
    model::Stored,
};

use super::posts::{compose, post, stored, text, written};

fn long(id: u64, paragraphs: usize) -> Stored {
    let words: Vec<String> = (0..paragraphs).map(|n| format!("Paragraph {n} & <more> of it.")).collect();
    stored(post(id, vec![text(&words.join("\n\n"))]))
}

fn capped(posts: &[Stored]) -> Feed {
    compose(posts, &Settings { bytes: 10_000, ..Settings::default() })
}

#[test]
fn a_post_larger_than_the_feed_may_be_is_cut_at_a_paragraph_with_a_link_to_the_whole() {
    for posts in [vec![long(5, 1000)], vec![long(4, 1), long(5, 1000)], vec![long(5, 1000), long(6, 1), long(7, 1)]] {
        let feed = capped(&posts);
        let item = feed.items.iter().find(|item| item.guid.ends_with("/5")).expect("the large one");
        assert!(
            item.content.starts_with("<p dir=\"auto\">Paragraph 0 &amp; &lt;more&gt; of it.</p>"),
            "{}",
            item.content
        );
        let end = "of it.</p><p dir=\"auto\"><a href=\"https://t.me/NewKitchen/5\">… t.me/NewKitchen/5</a></p>";
        assert!(item.content.ends_with(end), "{}", item.content);
        for format in [Format::Rss, Format::Atom, Format::Json] {
            let document = written(&feed, format);
            assert!(document.len() < 10_000, "{}", document.len());
            let parsed = feed_rs::parser::parse(document.as_bytes()).expect("a feed");
            assert_eq!(parsed.entries.len(), posts.len());
        }
    }
}

#[test]
fn every_post_of_a_channel_of_large_posts_is_shown_when_it_is_the_newest() {
    let posts: Vec<Stored> = (1..=10).map(|id| long(id, 400)).collect();
    for newest in 1..=posts.len() {
        let feed = capped(&posts[..newest]);
        assert!(feed.items[0].guid.ends_with(&format!("/{newest}")));
        assert_eq!(feed.items.len(), newest.min(2));
    }
}

#[test]
fn what_fits_is_not_cut() {
    let whole = compose(&[long(5, 40)], &Settings::default());
    assert_eq!(capped(&[long(5, 40)]).items, whole.items);
    assert!(whole.items[0].content.contains("Paragraph 39 "));
}
