//! Bodies: what a reader sees of a post.

use crate::posts::*;
use feedbridge::{
    feed::{Settings, Spoilers},
    model::*,
};

#[test]
fn breaks_become_paragraphs_and_line_breaks() {
    assert_eq!(
        content(vec![text("one\ntwo\n\nthree\n\n\n\nfour\n")]),
        r#"<p dir="auto">one<br>two</p><p dir="auto">three</p><p dir="auto">four</p>"#
    );
}

#[test]
fn a_double_break_within_bold_splits_the_bold() {
    let bold = Inline::Styled(
        Style::Bold,
        vec![plain("a"), Inline::Break, Inline::Break, plain("b"), Inline::Break, plain("c")],
    );
    assert_eq!(
        content(vec![Part::Text(vec![bold, plain(" d")])]),
        r#"<p dir="auto"><b>a</b></p><p dir="auto"><b>b<br>c</b> d</p>"#
    );
}

#[test]
fn characters_of_markup_are_escaped_and_script_addresses_are_not_linked() {
    let link = Inline::Link { href: "javascript:alert(1)".to_owned(), text: vec![plain("<i>\"x\" & y</i>")] };
    assert_eq!(content(vec![Part::Text(vec![link])]), r#"<p dir="auto">&lt;i&gt;"x" &amp; y&lt;/i&gt;</p>"#);
}

#[test]
fn telegram_links_and_addresses_with_quotes_survive() {
    let link = |href: &str| Inline::Link { href: href.to_owned(), text: vec![plain("x")] };
    assert_eq!(
        content(vec![Part::Text(vec![link("tg://resolve?domain=a&start=b"), link("https://example.org/?q=\"a\"")])]),
        r#"<p dir="auto"><a href="tg://resolve?domain=a&amp;start=b">x</a><a href="https://example.org/?q=&quot;a&quot;">x</a></p>"#
    );
}

#[test]
fn a_link_within_a_link_is_one_link() {
    let inner = Inline::Link { href: "https://b.example/".to_owned(), text: vec![plain("in")] };
    let outer = Inline::Link { href: "https://a.example/".to_owned(), text: vec![inner, plain("out")] };
    assert_eq!(content(vec![Part::Text(vec![outer])]), r#"<p dir="auto"><a href="https://a.example/">inout</a></p>"#);
}

#[test]
fn a_quote_and_code_stand_outside_of_paragraphs() {
    let quote = Inline::Quote { expandable: true, text: vec![plain("said")] };
    let code = Inline::Pre { language: Some("rust".to_owned()), text: "\nlet a = 1;\n  a < 2".to_owned() };
    assert_eq!(
        content(vec![Part::Text(vec![plain("he"), quote, plain("then"), code, Inline::Break, plain("end")])]),
        "<p dir=\"auto\">he</p><blockquote><p dir=\"auto\">said</p></blockquote><p dir=\"auto\">then</p>\
         <pre dir=\"auto\"><code class=\"language-rust\">\nlet a = 1;\n  a &lt; 2</code></pre><p dir=\"auto\">end</p>"
    );
}

#[test]
fn a_spoiler_is_folded_or_plain_as_set() {
    let parts = || vec![Part::Text(vec![plain("It is "), spoiler("him"), plain("!")])];
    assert_eq!(
        content(parts()),
        r#"<p dir="auto">It is </p><details><summary>…</summary><p dir="auto">him</p></details><p dir="auto">!</p>"#
    );
    let settings = Settings { spoilers: Spoilers::Text, ..Settings::default() };
    assert_eq!(item_with(post(7, parts()), &settings).content, r#"<p dir="auto">It is him!</p>"#);
}

#[test]
fn a_photo_has_a_size_and_an_alternative_text() {
    assert_eq!(
        content(vec![photo("a.jpg")]),
        r#"<figure><img src="https://cdn1.example.org/file/a.jpg" alt="🖼" width="800" height="600"></figure>"#
    );
}

#[test]
fn a_video_has_its_poster_and_its_duration_leads_to_the_post() {
    assert_eq!(
        content(vec![Part::Video(video())]),
        "<figure><video src=\"https://cdn1.example.org/file/film.mp4?token=a\" poster=\"https://cdn1.example.org/file/still.jpg\" \
         width=\"640\" height=\"360\" preload=\"none\"></video>\
         <figcaption dir=\"auto\"><a href=\"https://t.me/NewKitchen/7\">▶ 0:27</a></figcaption></figure>"
    );
}

#[test]
fn a_video_that_upstream_withholds_is_a_still_picture_that_leads_to_the_post() {
    let big =
        Video { url: None, duration_seconds: Some(3723), href: Some("https://t.me/kitchen/7".to_owned()), ..video() };
    assert_eq!(
        content(vec![Part::Video(big)]),
        "<figure><a href=\"https://t.me/kitchen/7\"><img src=\"https://cdn1.example.org/file/still.jpg\" alt=\"▶\" width=\"640\" height=\"360\"></a>\
         <figcaption dir=\"auto\"><a href=\"https://t.me/kitchen/7\">▶ 1:02:03</a></figcaption></figure>"
    );
}

#[test]
fn a_voice_message_can_be_heard() {
    let voice = Voice { url: Some("https://cdn1.example.org/v.ogg".into()), duration_seconds: Some(42) };
    assert_eq!(
        content(vec![Part::Voice(voice)]),
        "<figure><audio src=\"https://cdn1.example.org/v.ogg\" preload=\"none\"></audio>\
         <figcaption dir=\"auto\"><a href=\"https://t.me/NewKitchen/7\">🎙 0:42</a></figcaption></figure>"
    );
}

#[test]
fn a_forward_and_a_reply_stand_in_front_without_words_of_ours() {
    let mut post = post(7, vec![text("yes")]);
    post.forward = Some(Forward {
        name: "Elsewhere".to_owned(),
        href: Some("https://t.me/elsewhere/3".to_owned()),
        author: Some("Ann".to_owned()),
    });
    post.reply = Some(Reply {
        href: Some("https://t.me/newkitchen/5".to_owned()),
        author: Some("Kitchen".to_owned()),
        text: unformatted("soup?"),
        thumbnail: Some("https://cdn1.example.org/t.jpg".into()),
    });
    assert_eq!(
        item(post).content,
        "<p dir=\"auto\">↪ <a href=\"https://t.me/elsewhere/3\"><bdi>Elsewhere</bdi></a> (<bdi>Ann</bdi>)</p>\
         <blockquote><img src=\"https://cdn1.example.org/t.jpg\" alt=\"\"><p dir=\"auto\">↩ <a href=\"https://t.me/newkitchen/5\"><bdi>Kitchen</bdi></a></p>\
         <p dir=\"auto\">soup?</p></blockquote><p dir=\"auto\">yes</p>"
    );
}

#[test]
fn a_poll_lists_options_with_shares_and_without_voters() {
    let option = |text: &str, percent, correct| PollOption { text: vec![plain(text)], percent, correct };
    let poll = Poll {
        question: vec![plain("Salt?")],
        kind: "Anonymous Quiz".to_owned(),
        options: vec![option("Yes", Some(70), Some(true)), option("No", Some(30), None)],
        voters: Some("1.2K voters".to_owned()),
    };
    assert_eq!(
        content(vec![Part::Poll(poll)]),
        "<p dir=\"auto\">📊 <b>Salt?</b><br><bdi>Anonymous Quiz</bdi></p><ul dir=\"auto\"><li>Yes 70% ✓</li><li>No 30%</li></ul>"
    );
}

#[test]
fn a_preview_card_is_a_quote_with_its_link_and_picture() {
    let preview = Preview {
        href: Some("https://example.org/a".to_owned()),
        site: "Example".to_owned(),
        title: "A page".to_owned(),
        description: vec![plain("Of things.")],
        image: Some(Photo { url: "https://cdn1.example.org/p.jpg".into(), ..Photo::default() }),
        ..Preview::default()
    };
    assert_eq!(
        content(vec![Part::Preview(preview)]),
        "<blockquote><p dir=\"auto\"><bdi>Example</bdi><br><a href=\"https://example.org/a\"><b><bdi>A page</bdi></b></a></p><p dir=\"auto\">Of things.</p>\
         <figure><img src=\"https://cdn1.example.org/p.jpg\" alt=\"\"></figure></blockquote>"
    );
}

#[test]
fn a_card_without_words_shows_its_address_unless_the_text_leads_there() {
    let href = "https://example.org/film.mp4";
    let card = || Part::Preview(Preview { href: Some(href.to_owned()), ..Preview::default() });
    let link = |href: &str| Inline::Link { href: href.to_owned(), text: vec![plain("Film")] };
    let address = format!("<a href=\"{href}\">example.org/film.mp4</a>");
    for parts in [vec![card()], vec![Part::Text(vec![link("https://example.org/")]), card()]] {
        assert!(content(parts.clone()).contains(&address), "{parts:?}");
    }
    let said = content(vec![Part::Text(vec![Inline::Styled(Style::Bold, vec![link(href)])]), card()]);
    assert_eq!(said, format!("<p dir=\"auto\"><b><a href=\"{href}\">Film</a></b></p>"));
}

#[test]
fn files_places_people_and_withheld_content_lead_somewhere() {
    let document = Document {
        title: "report.pdf".to_owned(),
        extra: "2.1 MB".to_owned(),
        href: Some("https://t.me/kitchen/7".to_owned()),
        ..Document::default()
    };
    let location = Location {
        href: Some("https://maps.example.org/".to_owned()),
        map: Some("https://cdn1.example.org/m.png".into()),
        title: "Square".to_owned(),
        address: "1 Main St".to_owned(),
    };
    let contact = Contact { name: "Ann".to_owned(), phone: "+1 (23) 4".to_owned(), href: None };
    let withheld = Withheld { label: "Not supported".to_owned(), excerpt: "Part of it".to_owned() };
    assert_eq!(
        content(vec![
            Part::Document(document),
            Part::Location(location),
            Part::Contact(contact),
            Part::Withheld(withheld)
        ]),
        "<p dir=\"auto\">📄 <a href=\"https://t.me/kitchen/7\"><bdi>report.pdf</bdi></a> <bdi>2.1 MB</bdi></p>\
         <figure><a href=\"https://maps.example.org/\"><img src=\"https://cdn1.example.org/m.png\" alt=\"📍\"></a>\
         <figcaption dir=\"auto\"><a href=\"https://maps.example.org/\">📍 <bdi>Square</bdi></a><br><bdi>1 Main St</bdi></figcaption></figure>\
         <p dir=\"auto\">👤 <bdi>Ann</bdi> <a href=\"tel:+1234\"><bdi>+1 (23) 4</bdi></a></p>\
         <p dir=\"auto\"><a href=\"https://t.me/NewKitchen/7\">🔒 Not supported</a></p><p dir=\"auto\">Part of it</p>"
    );
}

#[test]
fn stickers_of_all_sorts_show_a_picture() {
    let sticker = |kind, file: Option<&str>| {
        Part::Sticker(Sticker {
            kind,
            image: Some("https://cdn1.example.org/s.webp".into()),
            outline: None,
            file: file.map(Into::into),
            width: Some(256),
            height: Some(256),
        })
    };
    let image = r#"<img src="https://cdn1.example.org/s.webp" alt="🏷" width="256" height="256">"#;
    assert_eq!(content(vec![sticker(StickerKind::Static, None)]), format!("<figure>{image}</figure>"));
    assert_eq!(
        content(vec![sticker(StickerKind::Animated, Some("https://cdn1.example.org/s.tgs"))]),
        format!("<figure><a href=\"https://cdn1.example.org/s.tgs\">{image}</a></figure>")
    );
    assert_eq!(
        content(vec![sticker(StickerKind::Video, Some("https://cdn1.example.org/s.webm"))]),
        "<figure><video src=\"https://cdn1.example.org/s.webm\" poster=\"https://cdn1.example.org/s.webp\" \
         width=\"256\" height=\"256\" preload=\"none\" loop=\"\" muted=\"\"></video></figure>"
    );
}

#[test]
fn buttons_are_a_list_and_reactions_come_only_when_asked_for() {
    let mut post = post(7, vec![text("x")]);
    post.buttons = vec![
        Button { text: "Open".to_owned(), href: Some("https://example.org/".to_owned()) },
        Button { text: "Vote".to_owned(), href: None },
    ];
    post.reactions = vec![Reaction { emoji: "❤".to_owned(), count: "19.3K".to_owned() }];
    let body = "<p dir=\"auto\">x</p><ul dir=\"auto\"><li><a href=\"https://example.org/\"><bdi>Open</bdi></a></li><li><bdi>Vote</bdi></li></ul>";
    assert_eq!(item(post.clone()).content, body);
    let settings = Settings { reactions: true, ..Settings::default() };
    assert_eq!(item_with(post, &settings).content, format!("{body}<p dir=\"auto\">❤\u{a0}19.3K</p>"));
}

#[test]
fn a_post_of_which_nothing_is_known_still_leads_to_telegram() {
    assert_eq!(content(vec![]), r#"<p dir="auto"><a href="https://t.me/NewKitchen/7">🔗</a></p>"#);
}

#[test]
fn forbidden_characters_leave_texts_and_addresses() {
    let link = Inline::Link {
        href: "https://example.org/\u{b}a".to_owned(),
        text: vec![plain("x\u{0}\u{b}\u{85}\u{fffe}\u{fffd}y")],
    };
    assert_eq!(content(vec![Part::Text(vec![link])]), r#"<p dir="auto"><a href="https://example.org/a">xy</a></p>"#);
}

#[test]
fn a_sticker_keeps_the_outline_that_stands_in_where_webp_cannot_be_shown() {
    let outline = "data:image/svg+xml;base64,PHN2Zy8+".to_owned();
    let sticker = Sticker {
        image: Some("https://cdn1.example.org/s.webp".into()),
        outline: Some(outline.clone()),
        ..Sticker::default()
    };
    let body = content(vec![Part::Sticker(sticker)]);
    assert!(body.contains("<source srcset=\"https://cdn1.example.org/s.webp\" type=\"image/webp\">"), "{body}");
    assert!(body.contains(&format!("srcset=\"{outline}\"")), "{body}");
}
