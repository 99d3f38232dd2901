//! Input that is hostile, broken, or no page of posts at all.

use crate::blocks;
use crate::blocks::{block, post, read, text};
use feedbridge::{
    model::{ChannelId, Inline, Part, PostId, Style, plain_text},
    page::{self, Embed, Error, Landing, Problem, ProblemKind},
};

fn shown(content: &str) -> String {
    match post(&text(content)).parts.as_slice() {
        [Part::Text(runs)] => plain_text(runs),
        parts => panic!("{parts:?}"),
    }
}

fn runs(content: &str) -> Vec<Inline> {
    match post(&text(content)).parts.swap_remove(0) {
        Part::Text(runs) => runs,
        part => panic!("{part:?}"),
    }
}

fn page_of(blocks: &str) -> String {
    format!(
        "<!DOCTYPE html><html><body><main class=\"tgme_main\"><section class=\"tgme_channel_history\">{blocks}</section></main></body></html>"
    )
}

/// Runs in the stack that a thread of a pool has.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread");
    thread.join().expect("no overflow")
}

#[test]
fn characters_that_xml_forbids_are_dropped() {
    assert_eq!(shown("a\u{b}b&#x8;c\u{85}d\u{9f}e\u{7f}f&#xD800;g\u{ffff}h\u{fffe}i\u{fffd}j"), "abcdefghij");
    assert_eq!(shown("👩\u{200d}🚀 \u{202b}שלום\u{202c} a\u{a0}b"), "👩\u{200d}🚀 \u{202b}שלום\u{202c} a\u{a0}b");
}

#[test]
fn only_br_ends_a_line() {
    assert_eq!(shown("\n   one\n   two  three<br>\n  four\n  <br/>five \n"), "one two  three\nfour\nfive");
    assert_eq!(shown("<br/><br/>one<br/><br/>"), "one");
    assert_eq!(shown("a <b>bold</b>\n  <i>word</i>"), "a bold word");
}

#[test]
fn a_doubled_caption_is_read_once() {
    assert_eq!(shown(&text("once")), "once");
}

#[test]
fn a_link_that_must_not_be_followed_is_its_text() {
    assert_eq!(
        runs(r#"<a href="javascript:alert(1)">a <b>b</b></a>"#)[1],
        Inline::Styled(Style::Bold, vec![Inline::Text("b".into())])
    );
    for href in ["javascript:x", "data:text/html,x", "vbscript:x"] {
        let shown = Inline::Text(format!("word ({href})"));
        assert_eq!(runs(&format!("<a href=\"{href}\">word</a>")), [shown], "{href}");
    }
    for href in ["undefined://", ""] {
        assert_eq!(runs(&format!("<a href=\"{href}\">word</a>")), [Inline::Text("word".into())], "{href}");
    }
}

#[test]
fn markup_nested_without_end_keeps_its_words() {
    for (open, close) in
        [("<b>", "</b>"), ("<div>", "</div>"), ("<blockquote>", "</blockquote>"), ("<i><a href='/x'>", "</a></i>")]
    {
        for closed in [true, false] {
            let (open, close) = (open.repeat(100_000), close.repeat(if closed { 100_000 } else { 0 }));
            let html = page_of(&block(&text(&format!("{open}word{close}")), ""));
            let posts = on_a_small_stack(move || page::parse(&html).map(|page| page.posts)).expect("a page");
            let json = serde_json::to_string(&posts[0]).expect("a journal line");
            assert!(json.contains("word"), "{json}");
            let again: feedbridge::model::Post = serde_json::from_str(&json).expect("the journal reads it back");
            assert_eq!(again, posts[0]);
        }
    }
}

#[test]
fn blocks_nested_without_end_do_not_overflow() {
    let html = "<div class=\"tgme_widget_message_bubble\">".repeat(100_000);
    let html = page_of(&block(&format!("{html}{}", text("word")), ""));
    let page = on_a_small_stack(move || page::parse(&html)).expect("a page");
    assert!(format!("{:?}", page.posts[0].parts).contains("word"));
}

#[test]
fn an_embed_or_excerpt_nested_without_end_does_not_overflow() {
    let html = "<div>".repeat(100_000);
    let outcome = on_a_small_stack(move || (page::parse_embed(&html), page::parse_excerpt(&html, "")));
    assert_eq!(outcome, (Embed::Unclear, None));
}

#[test]
fn a_page_that_ends_in_its_posts_is_cut() {
    let whole = page_of(&(block(&text("one"), "") + &block(&text("two"), "").replace("kettle/7", "kettle/8")));
    assert_eq!(page::parse(&whole).expect("a page").posts.len(), 2);
    for end in [whole.find("two").expect("a post"), whole.find("</section>").expect("an end"), 90] {
        assert_eq!(page::parse(&whole[..end]), Err(Error::Truncated), "{end}");
    }
}

#[test]
fn an_answer_to_an_xhr_is_a_list_of_posts() {
    let more = r#"<a href="/s/kettle?before=5" class="tme_messages_more js-messages_more" data-before="5"></a>"#;
    let answer = serde_json::to_string(&(more.to_owned() + &block(&text("one"), ""))).expect("a string");
    let page = page::parse(&answer).expect("a list");
    assert_eq!((page.posts.len(), page.older, page.info.title.as_str()), (1, Some(PostId(5)), ""));
    assert_eq!(page::parse(&answer[..answer.len() / 2]), Err(Error::Truncated));
    let beyond = page::parse("\"\"").expect("an empty list");
    assert_eq!(beyond.problems, [Problem { post: None, kind: ProblemKind::NoPosts }]);
}

#[test]
fn posts_of_another_channel_are_refused_and_another_name_is_not() {
    let other_name = block(&text("two"), "").replace("kettle/7", "teapot/8");
    let page = page::parse(&(block(&text("one"), "") + &other_name)).expect("one channel");
    assert_eq!(page.posts.iter().map(|post| post.id.0).collect::<Vec<_>>(), [7, 8]);
    // {"c":-7654321,"p":8}
    let foreign = other_name.replace(blocks::VIEW, "eyJjIjotNzY1NDMyMSwicCI6OH0");
    let expected = Error::ForeignPosts { expected: ChannelId(1_234_567), found: ChannelId(7_654_321) };
    assert_eq!(page::parse(&(block(&text("one"), "") + &foreign)), Err(expected));
}

#[test]
fn a_broken_id_is_taken_from_the_date_and_then_from_the_view() {
    let html = block(&text("one"), "").replace("data-post=\"kettle/7\"", "data-post=\"kettle/seven\"");
    assert_eq!(read(&html).0.id, PostId(7));
    let linkless = html.replace("href=\"https://t.me/kettle/7\"", "");
    assert_eq!(read(&linkless).0.id, PostId(7));
    let nameless = linkless.replace(blocks::VIEW, "???");
    let page = page::parse(&nameless).expect("a list");
    assert_eq!((page.posts.len(), page.problems), (0, vec![Problem { post: None, kind: ProblemKind::NoId }]));
}

#[test]
fn a_post_in_which_nothing_is_understood_is_kept_and_reported() {
    let (post, problems) = read(&block("", ""));
    assert_eq!((post.id, post.parts.len()), (PostId(7), 0));
    assert_eq!(problems, [Problem { post: Some(PostId(7)), kind: ProblemKind::NoContent }]);
}

#[test]
fn an_empty_channel_is_a_page_and_an_empty_history_a_problem() {
    let notice = r#"<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div></div>"#;
    let empty = page::parse(&page_of(notice)).expect("a page");
    assert_eq!((empty.posts.len(), empty.problems, empty.older), (0, vec![], None));
    let silent = page::parse(&page_of("")).expect("a page");
    assert_eq!(silent.problems, [Problem { post: None, kind: ProblemKind::NoPosts }]);
}

#[test]
fn a_landing_page_says_what_stands_under_the_name() {
    let extra = |words: &str| {
        format!(
            r#"<div class="tgme_page_photo"></div><div class="tgme_page_title">It</div><div class="tgme_page_extra">{words}</div>"#
        )
    };
    for (content, expected) in [
        (extra("14 035 members, 5 791 online"), Landing::Group),
        (extra("3 members"), Landing::Group),
        (extra("35 019 subscribers"), Landing::ChannelWithoutPreview),
        (extra("35 019 subscribers") + r#"<a href="/s/kettle">Preview channel</a>"#, Landing::Channel),
        (extra("9 subscribers") + r#"<a href="tg://join?invite=abc">Join</a>"#, Landing::Private),
        (extra("@steambot"), Landing::Bot),
        (extra("@steam1234"), Landing::User),
        (extra("@steam") + r#"<div class="tgme_page_action">Start Bot</div>"#, Landing::Bot),
        (
            r#"<div class="tgme_page_icon"><i class="tgme_icon_user"></i></div>you can contact"#.to_owned(),
            Landing::Unknown,
        ),
    ] {
        let html = format!("<html><body><div class=\"tgme_page\">{content}</div></body></html>");
        assert_eq!(page::parse(&html), Err(Error::NoPreview(expected)), "{content}");
    }
}

#[test]
fn what_is_not_of_telegram_is_refused() {
    for html in [
        "",
        "garbage",
        "{\"ok\":false}",
        "[]",
        "\"nothing\\\"",
        "<html><body><a href=\"//telegram.org/\">Telegram</a> Messenger</body></html>",
        "<html><body><h1>Checking your browser</h1></body></html>",
        "<html><body>cut",
        "\0\u{1}\u{2}",
    ] {
        assert_eq!(page::parse(html), Err(Error::NotTelegram), "{html}");
        assert_eq!(page::parse_embed(html), Embed::Unclear, "{html}");
    }
}

#[test]
fn only_words_about_the_post_say_that_it_is_missing() {
    let error = |words: &str| {
        format!(
            r#"<html><body><div class="tgme_widget_message err_message"><div class="tgme_widget_message_error">{words}</div></div></body></html>"#
        )
    };
    assert_eq!(page::parse_embed(&error("Post not found")), Embed::Missing);
    assert_eq!(page::parse_embed(&error("Channel with username <b>@kettle</b> not found")), Embed::Unclear);
    let Embed::Post(post) = page::parse_embed(&block(&text("one"), "")) else { panic!() };
    assert_eq!(post.id, PostId(7));
}

#[test]
fn an_excerpt_is_what_the_channel_does_not_say_of_itself() {
    let excerpt = |words: &str| {
        let html = format!("<html><head><meta property=\"og:description\" content=\"{words}\"></head></html>");
        page::parse_excerpt(&html, "All about tea.\nAnd coffee.")
    };
    assert_eq!(excerpt("A giveaway!\t\tTen pots…").as_deref(), Some("A giveaway!\n\nTen pots…"));
    for words in
        ["", "All about tea.\tAnd coffee.", "All about tea.\tAnd…", "You can view and join @kettle right away."]
    {
        assert_eq!(excerpt(words), None, "{words}");
    }
}

#[test]
fn quoted_words_with_a_link_are_never_taken_for_the_posts_own() {
    let reply = r#"<a class="tgme_widget_message_reply" href="https://t.me/kettle/5"><div class="tgme_widget_message_text js-message_reply_text" dir="auto">quoted <a href="https://example.org/">link</a> words</div></a>"#;
    let post = post(&(reply.to_owned() + &text("own")));
    assert_eq!(post.parts, [Part::Text(vec![Inline::Text("own".into())])]);
    let reply = post.reply.expect("a reply");
    assert_eq!(
        (reply.href.as_deref(), plain_text(&reply.text).as_str()),
        (Some("https://t.me/kettle/5"), "quoted link words")
    );
}

#[test]
fn the_posts_own_address_is_the_same_whichever_host_answered() {
    let document = |href: &str| {
        let content = format!(
            r#"<a class="tgme_widget_message_document_wrap" href="{href}"><div class="tgme_widget_message_document_title">a.pdf</div></a>"#
        );
        match post(&content).parts.swap_remove(0) {
            Part::Document(document) => document.href.expect("an address"),
            part => panic!("{part:?}"),
        }
    };
    for href in ["https://telegram.me/kettle/7", "/kettle/7", "http://127.0.0.1:8080/kettle/7", "https://t.me/kettle/7"]
    {
        assert_eq!(document(href), "https://t.me/kettle/7", "{href}");
    }
    assert_eq!(document("https://telegram.dog/kettle/8?single"), "https://t.me/kettle/8?single");
}

#[test]
fn a_label_before_custom_emoji_is_noise_too() {
    let label = include_str!("../fixtures/withheld.html");
    let emoji = text(r#"<tg-emoji emoji-id="1"><i class="emoji"><b>🫖</b></i></tg-emoji> tea"#);
    assert_eq!(post(&(label.to_owned() + &emoji)).parts, [Part::Text(vec![Inline::Text("🫖 tea".into())])]);
}
