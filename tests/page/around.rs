//! What stands around a post's content: what is not known there, names from outside, writers, bots.

use feedbridge::{
    model::{Part, Post},
    page::ProblemKind,
};

use crate::{
    blocks::{block, post, read, text},
    rich::item,
};

/// With a line of the author's, and a foot beside the views.
fn framed(author: &str, foot: &str, content: &str) -> String {
    let content = format!("<div class=\"tgme_widget_message_author accent_color\">{author}</div>{}", text(content));
    block(&content, "").replace(
        "<span class=\"tgme_widget_message_voters\">",
        &format!("{foot}<span class=\"tgme_widget_message_voters\">"),
    )
}

fn unknown(html: &str) -> (Post, usize) {
    let (post, problems) = read(html);
    let unknown = problems.iter().filter(|problem| matches!(problem.kind, ProblemKind::UnknownClass(_)));
    (post, unknown.count())
}

#[test]
fn counters_in_the_head_and_the_foot_are_reported_and_no_content() {
    let html = |count: u32| {
        framed(
            &format!("<span class=\"tgme_widget_message_boosts\">{count} boosts</span>"),
            &format!("<a class=\"tgme_widget_message_comments\" href=\"/kettle/7\">{count} comments</a>"),
            "Plain words",
        )
    };
    let (first, problems) = unknown(&html(11));
    assert_eq!(problems, 2);
    assert_eq!(item(first.clone()).title.unwrap(), "Plain words");
    assert_eq!(item(first.clone()).content, "<p dir=\"auto\">Plain words</p>");
    assert_eq!(first, unknown(&html(12)).0);
}

#[test]
fn what_is_empty_is_no_drift_and_what_shows_something_is() {
    for (nothing, drift) in [
        ("<i class=\"tgme_widget_message_glow\"></i>", 0),
        ("<div class=\"tgme_widget_message_glow\"><span class=\"x\"> </span></div>", 0),
        ("<div class=\"tgme_widget_message_glow\"><img src=\"https://cdn.example/x.jpg\"></div>", 1),
        ("<a class=\"tgme_widget_message_glow\" href=\"https://example.org/\"></a>", 1),
        ("<i class=\"tgme_widget_message_glow\" style=\"background-image:url('https://cdn.example/x.jpg')\"></i>", 1),
    ] {
        assert_eq!(unknown(&block(&format!("{nothing}{}", text("Words")), "")).1, drift, "{nothing}");
    }
}

#[test]
fn classes_of_the_widgets_own_stylesheet_are_no_drift() {
    for class in [
        "tgsticker_wrap",
        "tgsticker_effect",
        "game_video_player",
        "game_video_thumb",
        "forwarded_from_labels",
        "author_labels",
        "poll_votes",
        "poll_option_radio",
        "poll_option_radio_item",
        "action_btn",
        "reply_date",
        "reply_template",
    ] {
        let html = format!("<div class=\"tgme_widget_message_{class}\"></div>{}", text("Words"));
        assert_eq!(post(&html).parts.len(), 1, "{class}");
    }
}

#[test]
fn an_unknown_part_of_the_content_is_shown_last() {
    let html = format!("<div class=\"tgme_widget_message_hologram\">9 stars</div>{}", text("Words"));
    let (post, problems) = unknown(&block(&html, ""));
    assert_eq!(problems, 1);
    assert!(matches!(post.parts.as_slice(), [Part::Text(_), Part::Unknown(_)]), "{:?}", post.parts);
    assert_eq!(item(post).title.unwrap(), "Words");
}

#[test]
fn a_writer_is_the_author_with_an_address_or_without() {
    for (name, url) in [
        (
            "<a class=\"tgme_widget_message_author_name\" href=\"https://t.me/writer_one\"><span>Writer One</span></a>",
            "https://t.me/writer_one",
        ),
        ("<span class=\"tgme_widget_message_author_name\"><span>Writer One</span></span>", "https://t.me/kettle"),
    ] {
        let owner = "<a class=\"tgme_widget_message_owner_name\" href=\"https://t.me/kettle\">Kettle</a>";
        let (post, _) = read(&format!(
            "<meta property=\"og:title\" content=\"Kettle\">{}",
            framed(&format!("{owner}{name}"), "", "Words")
        ));
        let author = item(post).author;
        assert_eq!((author.name.as_str(), author.url.as_str()), ("Writer One", url));
    }
}

#[test]
fn a_bot_is_named_within_a_forward_and_within_a_reply() {
    let bot = "via <a class=\"tgme_widget_message_via_bot\" href=\"https://t.me/gif\">@gif</a>";
    let forward = format!(
        "<div class=\"tgme_widget_message_forwarded_from\">Forwarded from <a class=\"tgme_widget_message_forwarded_from_name\" \
         href=\"https://t.me/stove/3\">The Stove</a> {bot}</div>"
    );
    let reply =
        "<a class=\"tgme_widget_message_reply\" href=\"https://t.me/kettle/5\"><div class=\"tgme_widget_message_author\">\
         <span class=\"tgme_widget_message_author_name\">Kettle</span> <span class=\"tgme_widget_message_via_bot\">@gif</span></div></a>"
        .to_owned();
    for head in [forward, reply] {
        let item = item(post(&format!("{head}{}", text("Words"))));
        assert!(item.content.contains("🤖 <a href=\"https://t.me/gif\"><bdi>@gif</bdi></a>"), "{}", item.content);
    }
}

#[test]
fn a_card_without_title_and_site_shows_its_address() {
    let card = "<a class=\"tgme_widget_message_link_preview\" href=\"https://example.org/tea?a=1\"><div class=\"link_preview_description\">Of tea</div></a>";
    let item = item(post(card));
    assert!(
        item.content.contains("<a href=\"https://example.org/tea?a=1\">example.org/tea?a=1</a>"),
        "{}",
        item.content
    );
    assert!(!item.content.contains("🔗") && item.title.unwrap() != "🔗");
}

#[test]
fn a_card_that_is_a_picture_leads_to_its_address() {
    let card = "<a class=\"tgme_widget_message_link_preview\" href=\"https://example.org/tea\"><i class=\"link_preview_image\" style=\"background-image:url('https://cdn.example/a.jpg')\"></i></a>";
    let item = item(post(&format!("{}{card}", text("Of tea"))));
    assert!(
        item.content.contains(
            "<a href=\"https://example.org/tea\"><img src=\"https://cdn.example/a.jpg\" alt=\"example.org/tea\""
        ),
        "{}",
        item.content
    );
    assert!(!item.content.contains("🔗") && !item.content.contains(">example.org"), "{}", item.content);
}

#[test]
fn a_name_from_outside_never_turns_what_follows() {
    let file = "<a class=\"tgme_widget_message_document_wrap\" href=\"https://t.me/kettle/7\"><div class=\"tgme_widget_message_document\">\
                <div class=\"tgme_widget_message_document_title\">photo\u{202e}gpj.exe\u{200f}</div>\
                <div class=\"tgme_widget_message_document_extra\">1 MB</div></div></a>";
    let forward = "<div class=\"tgme_widget_message_forwarded_from\">Forwarded from <span class=\"tgme_widget_message_forwarded_from_name\">\u{2067}Evil\u{202e}</span></div>";
    let button = "<a class=\"tgme_widget_message_inline_button url_button\" href=\"https://example.org/\"><span class=\"tgme_widget_message_inline_button_text\">Go\u{202b}</span></a>";
    let item = item(post(&format!("{forward}{file}{button}")));
    let turning =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    assert!(!item.content.contains(turning) && !item.title.unwrap().contains(turning), "{}", item.content);
    for isolated in ["<bdi>photogpj.exe</bdi>", "<bdi>Evil</bdi>", "<bdi>Go</bdi>"] {
        assert!(item.content.contains(isolated), "{}", item.content);
    }
}
