//! Every kind of content that a message can hold, and what stands around it.

use crate::blocks;
use crate::blocks::{block, post, read};
use feedbridge::{
    model::{
        Button, ChannelId, Contact, Document, Forward, Inline, Invoice, Location, MediaUrl, Part, Photo, Poll,
        PollOption, Post, PostId, Preview, Reaction, Reply, Sticker, StickerKind, Style, Video, VideoKind, Voice,
        Withheld, plain_text,
    },
    page::{self, Problem, ProblemKind},
};

fn text(characters: &str) -> Inline {
    Inline::Text(characters.to_owned())
}

fn styled(style: Style, characters: &str) -> Inline {
    Inline::Styled(style, vec![text(characters)])
}

fn some<'a, T: From<&'a str>>(value: &'a str) -> Option<T> {
    Some(value.into())
}

fn texts(post: &Post) -> Vec<String> {
    let text = |part: &Part| match part {
        Part::Text(text) | Part::Unknown(text) => Some(plain_text(text)),
        _ => None,
    };
    post.parts.iter().filter_map(text).collect()
}

#[test]
fn formatted_text_keeps_its_styles_links_quotes_and_code() {
    let post = post(include_str!("../fixtures/formatted.html"));
    let [Part::Text(runs)] = post.parts.as_slice() else { panic!("{:?}", post.parts) };
    let link = |href: &str, words: &str| Inline::Link { href: href.to_owned(), text: vec![text(words)] };
    let expected = [
        text("plain "),
        styled(Style::Bold, "bold"),
        text(" "),
        styled(Style::Italic, "italic"),
        text(" "),
        styled(Style::Underline, "under"),
        text(" "),
        styled(Style::Strike, "struck"),
        text(" "),
        styled(Style::Code, "x = 1"),
        text(" "),
        styled(Style::Mark, "marked"),
        text(" "),
        styled(Style::Spoiler, "hidden"),
        Inline::Break,
        link("https://t.me/kettle_fan", "@kettle_fan"),
        text(" "),
        Inline::Hashtag { tag: "#tea".into(), href: "https://t.me/s/kettle?q=%23tea".into() },
        text(" "),
        link("https://example.org/?a=1&b=2", "shop"),
        link("https://example.org/card", "\u{200b}"),
        Inline::Quote { expandable: false, text: vec![text("short quote")] },
        Inline::Quote { expandable: true, text: vec![text("long "), styled(Style::Bold, "quote")] },
        Inline::Pre { language: some("rust"), text: "fn main() {\n    boil();\n}".into() },
    ];
    assert_eq!(runs, &expected);
}

#[test]
fn custom_emoji_are_their_characters_and_the_label_beside_them_is_noise() {
    let post = post(include_str!("../fixtures/emoji.html"));
    assert_eq!(post.parts, [Part::Text(vec![text("🫖 Boiling 🔥")])]);
}

#[test]
fn a_photo_has_its_own_size_and_follows_a_caption_that_stands_above_it() {
    let post = post(include_str!("../fixtures/photo.html"));
    let photo = Photo {
        member: None,
        url: "https://cdn.example/photo.jpg".into(),
        width: Some(450),
        height: Some(800),
        file: some("5100000000000000001"),
    };
    assert_eq!(post.parts, [Part::Text(vec![text("A caption above")]), Part::Photo(photo)]);
    assert_eq!(post.members, []);
}

#[test]
fn an_album_keeps_its_order_its_members_and_one_caption() {
    let post = post(include_str!("../fixtures/album.html"));
    let kinds: Vec<_> = post
        .parts
        .iter()
        .map(|part| match part {
            Part::Photo(photo) => (photo.member, photo.url.as_str(), photo.width.zip(photo.height)),
            Part::Video(video) => (video.member, video.url.as_ref().map_or("", MediaUrl::as_str), None),
            _ => (None, "", None),
        })
        .collect();
    let expected = [
        (Some(PostId(7)), "https://cdn.example/first.mp4", None),
        (Some(PostId(8)), "https://cdn.example/second.jpg", Some((600, 800))),
        (Some(PostId(9)), "https://cdn.example/third.mp4", None),
        (None, "", None),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((post.id, post.members.as_slice()), (PostId(7), [PostId(7), PostId(8), PostId(9)].as_slice()));
    assert_eq!(texts(&post), ["Three of a kind"]);
    let Part::Video(last) = &post.parts[2] else { panic!() };
    assert_eq!(last.duration_seconds, Some(3608));
}

#[test]
fn a_video_that_stands_twice_is_one_video() {
    let video = Video {
        kind: VideoKind::Video,
        member: None,
        url: some("https://cdn.example/film.mp4"),
        poster: some("https://cdn.example/thumb.jpg"),
        width: Some(640),
        height: Some(360),
        duration_seconds: Some(125),
        href: some("https://t.me/kettle/7"),
    };
    assert_eq!(post(include_str!("../fixtures/video.html")).parts, [Part::Video(video)]);
}

#[test]
fn a_video_too_big_for_the_preview_is_a_video_without_a_file() {
    let post = post(include_str!("../fixtures/video_too_big.html"));
    let Part::Video(video) = &post.parts[0] else { panic!("{:?}", post.parts) };
    assert_eq!((video.kind, &video.url, video.duration_seconds), (VideoKind::Video, &None, Some(3120)));
    assert_eq!(video.poster, some("https://cdn.example/thumb.jpg"));
    assert_eq!((video.width, video.height), (Some(704), None), "the tallest frame does not tell the height");
    assert_eq!(video.href, some("https://t.me/kettle/7"));
    assert_eq!(texts(&post), ["The long cut"]);
    assert_eq!(post.parts.len(), 2);
}

#[test]
fn a_gif_is_a_video_that_nothing_plays() {
    let post = post(include_str!("../fixtures/gif.html"));
    let [Part::Video(gif)] = post.parts.as_slice() else { panic!("{:?}", post.parts) };
    assert_eq!((gif.kind, gif.width, gif.height), (VideoKind::Gif, Some(320), Some(240)));
    assert_eq!(gif.url, some("https://cdn.example/loop.mp4"));
}

#[test]
fn a_round_video_and_a_voice_message_have_their_files() {
    let round = post(include_str!("../fixtures/round_video.html"));
    let [Part::Video(video)] = round.parts.as_slice() else { panic!("{:?}", round.parts) };
    assert_eq!((video.kind, video.duration_seconds), (VideoKind::Round, Some(5)));
    assert_eq!(video.url, some("https://cdn.example/round.mp4"));
    let voice = Voice { url: some("https://cdn.example/voice.ogg"), duration_seconds: Some(41) };
    assert_eq!(post(include_str!("../fixtures/voice.html")).parts, [Part::Voice(voice)]);
}

#[test]
fn a_group_of_documents_tells_files_from_music() {
    let post = post(include_str!("../fixtures/documents.html"));
    let document = |member, title: &str, extra: &str, audio| {
        Part::Document(Document {
            member: Some(PostId(member)),
            title: title.into(),
            extra: extra.into(),
            audio,
            href: Some(format!("https://t.me/kettle/{member}?single")),
            thumbnail: None,
        })
    };
    assert_eq!(post.parts[0], document(7, "recipes.pdf", "1.2 MB", false));
    assert_eq!(post.parts[1], document(8, "Steam", "The Whistles", true));
    assert_eq!(texts(&post), ["A song too"]);
    assert_eq!(post.members, [PostId(7), PostId(8)]);
}

#[test]
fn a_quiz_has_its_answers_and_its_voters() {
    let option = |words: &str, percent, correct| PollOption { text: vec![text(words)], percent, correct };
    let poll = Poll {
        question: vec![text("Green or "), styled(Style::Bold, "black"), text("?")],
        kind: "Anonymous Quiz".into(),
        options: vec![option("Green", Some(75), Some(true)), option("Black", Some(25), Some(false))],
        voters: some("12"),
    };
    assert_eq!(post(include_str!("../fixtures/quiz.html")).parts, [Part::Poll(poll)]);
}

#[test]
fn an_outline_is_kept_beside_the_picture_of_a_sticker() {
    let sticker = |kind, image: &str, file: Option<&str>, width, height| {
        let file = file.map(Into::into);
        let outline = (kind == StickerKind::Static).then(|| "data:image/svg+xml;base64,PHN2Zz4=".to_owned());
        Part::Sticker(Sticker { kind, image: some(image), outline, file, width, height })
    };
    let expected = [
        sticker(StickerKind::Static, "https://cdn.example/still.webp", None, Some(256), Some(128)),
        sticker(
            StickerKind::Animated,
            "https://cdn.example/moving.png",
            Some("https://cdn.example/moving.tgs"),
            Some(256),
            Some(256),
        ),
        sticker(
            StickerKind::Video,
            "https://cdn.example/film.png",
            Some("https://cdn.example/film.webm"),
            Some(256),
            None,
        ),
    ];
    assert_eq!(post(include_str!("../fixtures/stickers.html")).parts, expected);
}

#[test]
fn a_venue_has_its_map_and_a_contact_its_number() {
    let location = Location {
        href: some("https://maps.example/?q=1.5,2.5&z=16"),
        map: some("https://maps.example/still?ll=2.5,1.5&z=15"),
        title: "The Tea House".into(),
        address: "1 Kettle Lane".into(),
    };
    assert_eq!(post(include_str!("../fixtures/venue.html")).parts, [Part::Location(location)]);
    let contact = Contact { name: "Ann Pot".into(), phone: "+1 555 0100".into(), href: some("https://t.me/kettle/7") };
    assert_eq!(post(include_str!("../fixtures/contact.html")).parts, [Part::Contact(contact)]);
}

#[test]
fn a_link_preview_is_whole_even_with_a_link_inside_it() {
    let post = post(include_str!("../fixtures/previews.html"));
    let previews: Vec<&Preview> =
        post.parts.iter().filter_map(|part| if let Part::Preview(card) = part { Some(card) } else { None }).collect();
    let [first, film, player] = previews.as_slice() else { panic!("{:?}", post.parts) };
    assert_eq!((first.href.as_deref(), first.site.as_str()), (Some("https://example.org/tea"), "Example"));
    assert_eq!(first.image.as_ref().map(|image| image.url.as_str()), Some("https://cdn.example/wide.jpg"));
    assert_eq!(plain_text(&first.description), "All about it\nand more of it");
    assert!(first.description.contains(&styled(Style::Bold, "about")));
    let more = Inline::Link { href: "https://example.org/more".into(), text: vec![text("more")] };
    assert!(first.description.contains(&more), "{:?}", first.description);
    let video = film.video.as_ref().expect("a film");
    assert_eq!((video.url.clone(), video.duration_seconds), (some("https://cdn.example/film.mp4"), Some(44)));
    assert_eq!(player.image.as_ref().map(|image| image.url.as_str()), Some("https://cdn.example/small.jpg"));
    assert_eq!(player.embed, some("https://player.example/1"));
}

#[test]
fn a_game_and_an_invoice_are_read() {
    let post = post(include_str!("../fixtures/game.html"));
    let [Part::Game(game), Part::Invoice(invoice)] = post.parts.as_slice() else { panic!("{:?}", post.parts) };
    assert_eq!((game.title.as_str(), plain_text(&game.text).as_str()), ("Boil!", "Keep it hot"));
    assert_eq!(game.image, some("https://cdn.example/game.jpg"));
    let expected = Invoice {
        title: "A pot".into(),
        description: vec![text("Blue")],
        image: some("https://cdn.example/pot.jpg"),
        label: "INVOICE".into(),
        total: "$5.00".into(),
    };
    assert_eq!(invoice, &expected);
}

#[test]
fn source_quoted_post_bot_and_reactions_are_apart_from_the_text() {
    let post = post(include_str!("../fixtures/surroundings.html"));
    assert_eq!(texts(&post), ["the post's own words"]);
    assert_eq!(post.via_bot, some("@steambot"));
    let forward = Forward { name: "The Stove".into(), href: some("https://t.me/stove/3"), author: some("Ed") };
    assert_eq!(post.forward, Some(forward));
    let reply = Reply {
        href: some("https://t.me/kettle/5"),
        author: some("Kettle"),
        text: feedbridge::model::unformatted("the quoted words"),
        thumbnail: some("https://cdn.example/quoted.jpg"),
    };
    assert_eq!(post.reply, Some(reply));
    let reactions: Vec<(&str, &str)> =
        post.reactions.iter().map(|Reaction { emoji, count }| (emoji.as_str(), count.as_str())).collect();
    assert_eq!(reactions, [("⭐", "19.3K"), ("🤡", "14"), ("", "3")]);
}

#[test]
fn buttons_stand_outside_the_bubble_and_only_links_have_an_address() {
    let keyboard = r#"</div><div class="tgme_widget_message_inline_keyboard"><div class="tgme_widget_message_inline_row"><a class="tgme_widget_message_inline_button url_button" href="https://example.org/?a=1&amp;amp;b=2" onclick="return confirm('Open?')"><span class="tgme_widget_message_inline_button_text" dir="auto">Brew</span></a><span class="tgme_widget_message_inline_button"><span class="tgme_widget_message_inline_button_text">Stir</span></span></div></div><div>"#;
    let post = post(&(blocks::text("tea") + keyboard));
    let link = Button { text: "Brew".into(), href: some("https://example.org/?a=1&b=2") };
    assert_eq!(post.buttons, [link, Button { text: "Stir".into(), href: None }]);
}

#[test]
fn an_edit_is_told_by_the_mark_and_never_by_the_author() {
    let author = |name| format!(r#"<span class="tgme_widget_message_from_author" dir="auto">{name}</span>,&nbsp;"#);
    let (plain, _) = read(&block(&blocks::text("tea"), &author("The edited Ann")));
    assert_eq!((plain.edited, plain.signature), (false, some("The edited Ann")));
    let (edited, _) = read(&block(&blocks::text("tea"), &(author("Ann") + "edited &nbsp;")));
    assert_eq!((edited.edited, edited.signature), (true, some("Ann")));
}

#[test]
fn a_service_message_shows_the_new_picture_and_may_be_silent() {
    let picture = r#"<a class="tgme_widget_message_service_photo" href="https://t.me/kettle/7"><img src="https://cdn.example/new.jpg"></a>"#;
    let service = |content: &str| read(&block(content, "").replace("js-widget_message\"", "service_message\""));
    let (post, problems) = service(&(picture.to_owned() + &blocks::text("Channel photo updated")));
    assert!(post.service && problems.is_empty());
    assert!(matches!(&post.parts[0], Part::Photo(photo) if photo.url.as_str() == "https://cdn.example/new.jpg"));
    let (silent, problems) = service("");
    assert!(silent.service && silent.parts.is_empty() && problems.is_empty());
}

#[test]
fn content_that_is_not_shown_is_withheld_with_or_without_a_caption() {
    let label = Withheld { label: "This media is not supported in the widget".into(), excerpt: String::new() };
    let bare = post(include_str!("../fixtures/withheld.html"));
    assert_eq!(bare.parts, [Part::Withheld(label.clone())]);
    let captioned = post(&(include_str!("../fixtures/withheld.html").to_owned() + &blocks::text("caption")));
    assert_eq!(captioned.parts, [Part::Withheld(label), Part::Text(vec![text("caption")])]);
}

#[test]
fn what_the_parser_does_not_know_is_kept_and_reported() {
    let (post, problems) = read(&block(include_str!("../fixtures/unknown.html"), ""));
    assert_eq!(texts(&post), ["Known words", "Floating words", "Five stars"]);
    let unknown = |class: &str| Problem { post: Some(PostId(7)), kind: ProblemKind::UnknownClass(class.to_owned()) };
    let expected = ["tgme_widget_message_hologram", "tgme_widget_message_capsule", "link_preview_rating"];
    assert_eq!(problems, expected.map(unknown));
}

#[test]
fn a_page_tells_its_channel_and_the_way_to_older_posts() {
    let page = page::parse(include_str!("../fixtures/page.html")).expect("a page");
    assert_eq!((page.channel, page.slug.as_deref()), (Some(ChannelId(1_234_567)), Some("kettle")));
    assert_eq!(page.older, Some(PostId(6)));
    assert_eq!((page.info.title.as_str(), page.info.verified), ("Kettle 🫖", true));
    assert_eq!(page.info.description, "First line\nSecond & last");
    assert_eq!(page.info.photo, some("https://cdn.example/avatar.jpg"));
    assert_eq!(page.info.labels, ["scam"]);
}

#[test]
fn an_undated_post_takes_its_neighbours_time_and_a_nameless_one_is_left_out() {
    let page = page::parse(include_str!("../fixtures/page.html")).expect("a page");
    let dated: Vec<_> =
        page.posts.iter().map(|post| (post.id.0, post.published.map(|time| time.to_rfc3339()))).collect();
    let time = some("2024-02-03T04:05:06+00:00");
    assert_eq!(dated, [(6, time.clone()), (7, time)]);
    let expected = [
        Problem { post: None, kind: ProblemKind::NoId },
        Problem { post: Some(PostId(7)), kind: ProblemKind::Undated },
    ];
    assert_eq!(page.problems, expected);
}
