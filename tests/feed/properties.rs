//! What holds of a feed whatever the posts say: it parses everywhere, stays within bounds and lets nothing through.

use crate::posts::*;
use feedbridge::{
    feed::{Feed, Format, Settings, Spoilers},
    model::*,
};
use proptest::{collection::vec, option, prelude::*};
use unicode_segmentation::UnicodeSegmentation;

/// Any characters, with those that hurt more often than chance would have them.
fn any_text() -> impl Strategy<Value = String> {
    let hurtful = prop::sample::select(vec![
        "\0",
        "\u{b}",
        "\r",
        "\u{85}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{200b}",
        "\u{202e}",
        "]]>",
        "<script>",
        "&amp;",
        "<b>",
        "\"",
        "'",
        "&#0;",
        "<!--",
        "👨‍👩‍👧‍👦",
        "e\u{301}",
        " ",
        "\n",
        "https://example.org/?a=1&b=2",
        "слово",
        "שלום",
    ]);
    vec(prop_oneof![3 => any::<String>(), 2 => "[a-z ]{0,12}", 3 => hurtful.prop_map(str::to_owned)], 0..6)
        .prop_map(|pieces| pieces.concat())
}

fn any_url() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec![
        "https://example.org/",
        "http://пример.рф/",
        "tg://resolve?domain=",
        "javascript:",
        "//x",
        "",
        "mailto:",
    ]);
    (start, any_text()).prop_map(|(start, rest)| format!("{start}{rest}"))
}

fn any_inlines() -> impl Strategy<Value = Vec<Inline>> {
    let styles =
        vec![Style::Bold, Style::Italic, Style::Underline, Style::Strike, Style::Code, Style::Mark, Style::Spoiler];
    let leaf = prop_oneof![
        4 => any_text().prop_map(Inline::Text),
        3 => Just(Inline::Break),
        1 => (any_text(), any_url()).prop_map(|(tag, href)| Inline::Hashtag { tag: format!("#{tag}"), href }),
        1 => any_text().prop_map(|text| Inline::Pre { language: None, text }),
    ];
    let tree = leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            (prop::sample::select(styles.clone()), vec(inner.clone(), 0..4))
                .prop_map(|(style, text)| Inline::Styled(style, text)),
            (any_url(), vec(inner.clone(), 0..4)).prop_map(|(href, text)| Inline::Link { href, text }),
            (any::<bool>(), vec(inner, 0..4)).prop_map(|(expandable, text)| Inline::Quote { expandable, text }),
        ]
    });
    vec(tree, 0..6)
}

const MISSING: [Missing; 2] = [Missing::Gone, Missing::TooLarge];

fn any_file() -> impl Strategy<Value = Option<MediaUrl>> {
    let known = (option::of(any::<u64>()), option::of(any_text()), option::of(prop::sample::select(MISSING.to_vec())));
    let file = (any_url(), known).prop_map(|(address, (length, mime, missing))| MediaUrl {
        address,
        known: Known { length, mime, missing, ..Known::default() },
    });
    option::of(file)
}

fn any_video() -> impl Strategy<Value = Video> {
    let kinds = prop::sample::select(vec![VideoKind::Video, VideoKind::Gif, VideoKind::Round]);
    (kinds, any_file(), any_file(), option::of(0u32..4000), option::of(any_url()), option::of(0u32..3)).prop_map(
        |(kind, url, poster, duration_seconds, href, width)| Video {
            kind,
            url,
            poster,
            width,
            height: width,
            duration_seconds,
            href,
            ..Video::default()
        },
    )
}

fn any_media() -> impl Strategy<Value = Part> {
    let stickers = prop::sample::select(vec![StickerKind::Static, StickerKind::Animated, StickerKind::Video]);
    prop_oneof![
        any_file().prop_map(|url| Part::Photo(Photo { url: url.unwrap_or_default(), ..Photo::default() })),
        any_video().prop_map(Part::Video),
        (any_file(), option::of(any::<u32>()))
            .prop_map(|(url, duration_seconds)| Part::Voice(Voice { url, duration_seconds })),
        (any_text(), any_text(), any::<bool>(), option::of(any_url())).prop_map(|(title, extra, audio, href)| {
            Part::Document(Document { title, extra, audio, href, ..Document::default() })
        }),
        (stickers, any_file(), any_file()).prop_map(|(kind, image, file)| Part::Sticker(Sticker {
            kind,
            image,
            file,
            ..Sticker::default()
        })),
    ]
}

fn any_card() -> impl Strategy<Value = Part> {
    prop_oneof![
        (option::of(any_url()), any_file(), any_text(), any_text())
            .prop_map(|(href, map, title, address)| Part::Location(Location { href, map, title, address })),
        (any_text(), any_text(), option::of(any_url())).prop_map(|(name, phone, href)| Part::Contact(Contact {
            name,
            phone,
            href
        })),
        (any_inlines(), any_text(), any_inlines(), option::of(any::<u8>())).prop_map(
            |(question, kind, text, percent)| {
                let options = vec![PollOption { text, percent, correct: Some(true) }];
                Part::Poll(Poll { question, kind, options, voters: None })
            }
        ),
        (option::of(any_url()), any_text(), any_text(), any_inlines(), option::of(any_video()), option::of(any_url()))
            .prop_map(|(href, site, title, description, video, embed)| {
                Part::Preview(Preview {
                    href,
                    site,
                    title,
                    description,
                    image: None,
                    video: video.map(Box::new),
                    embed,
                })
            }),
        (any_text(), any_inlines(), any_file(), any_file()).prop_map(|(title, text, image, video)| Part::Game(Game {
            title,
            text,
            image,
            video,
            href: None
        })),
        (any_text(), any_inlines(), any_text()).prop_map(|(title, description, total)| Part::Invoice(Invoice {
            title,
            description,
            total,
            ..Invoice::default()
        })),
        (any_text(), any_text()).prop_map(|(label, excerpt)| Part::Withheld(Withheld { label, excerpt })),
    ]
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => any_inlines().prop_map(Part::Text),
        1 => any_inlines().prop_map(Part::Unknown),
        3 => any_media(),
        3 => any_card(),
    ]
}

fn any_post() -> impl Strategy<Value = Post> {
    let head = (option::of((any_text(), option::of(any_url()))), option::of((any_text(), option::of(any_url()))));
    (vec(any_part(), 0..3), head, option::of(any_text()), any::<bool>(), vec((any_text(), option::of(any_url())), 0..3))
        .prop_map(|(parts, (forward, reply), signature, service, buttons)| Post {
            service,
            forward: forward.map(|(name, href)| Forward { author: Some(name.clone()), name, href }),
            reply: reply.map(|(text, href)| Reply {
                author: None,
                text: unformatted(&text),
                thumbnail: href.clone().map(MediaUrl::from),
                href,
            }),
            via_bot: signature.clone(),
            reactions: vec![Reaction { emoji: signature.clone().unwrap_or_default(), count: "1".to_owned() }],
            signature,
            buttons: buttons.into_iter().map(|(text, href)| Button { text, href }).collect(),
            ..post(1, parts)
        })
}

fn any_settings() -> impl Strategy<Value = Settings> {
    (0usize..40, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(title_length, title_symbol, folded, reactions)| Settings {
            title_length,
            title_symbol,
            reactions,
            spoilers: if folded { Spoilers::Details } else { Spoilers::Text },
            ..Settings::default()
        },
    )
}

fn any_feed() -> impl Strategy<Value = (Feed, Settings)> {
    (vec(any_post(), 1..4), any_settings()).prop_map(|(posts, settings)| {
        let numbered = posts.into_iter().zip(1..).map(|(post, id)| stored(Post { id: PostId(id), ..post }));
        (compose(&numbered.collect::<Vec<_>>(), &settings), settings)
    })
}

fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || ('\u{fffd}'..='\u{ffff}').contains(&c)
}

/// Attribute values of the written HTML, by name.
fn attributes(html: &str) -> Vec<(String, String)> {
    let pattern = regex::Regex::new(r#" ([a-z]+)="([^"]*)""#).unwrap();
    let tags = regex::Regex::new("<[^<>]*>").unwrap();
    let inside = tags.find_iter(html).flat_map(|tag| pattern.captures_iter(tag.as_str()).collect::<Vec<_>>());
    inside.map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn xml_feeds_are_read_back_with_every_item((feed, _) in any_feed()) {
        for format in [Format::Rss, Format::Atom] {
            let bytes = written(&feed, format);
            let parsed = feed_rs::parser::parse(bytes.as_bytes());
            prop_assert!(parsed.is_ok(), "{format:?}: {parsed:?} of {bytes}");
            let parsed = parsed.unwrap();
            prop_assert_eq!(parsed.entries.len(), feed.items.len());
            for (entry, item) in parsed.entries.iter().zip(&feed.items) {
                prop_assert_eq!(&entry.id, &item.guid);
                let body = entry.content.as_ref().and_then(|content| content.body.as_deref()).unwrap_or_default();
                prop_assert_eq!(body.trim(), item.content.trim());
            }
        }
    }

    #[test]
    fn json_feeds_are_read_back_with_the_same_content((feed, _) in any_feed()) {
        let json: serde_json::Value = serde_json::from_str(&written(&feed, Format::Json)).unwrap();
        for (entry, item) in json["items"].as_array().unwrap().iter().zip(&feed.items) {
            prop_assert_eq!(entry["content_html"].as_str(), Some(item.content.as_str()));
        }
    }

    #[test]
    fn no_document_holds_a_character_that_xml_forbids((feed, _) in any_feed()) {
        for format in [Format::Rss, Format::Atom, Format::Json] {
            let text = written(&feed, format);
            prop_assert!(!text.contains(is_forbidden), "{format:?}: {text:?}");
            prop_assert!(!text.contains("&#0") || format == Format::Json);
        }
    }

    #[test]
    fn bodies_hold_allowed_elements_attributes_and_addresses_only((feed, _) in any_feed()) {
        for item in &feed.items {
            let body = &item.content;
            let strict = ammonia::Builder::default()
                .tags(["a", "audio", "b", "blockquote", "br", "code", "details", "figcaption", "figure", "i", "img", "li",
                    "mark", "p", "pre", "s", "summary", "u", "ul", "video", "bdi"].into())
                .add_tag_attributes("video", ["src", "poster", "width", "height", "autoplay", "loop", "muted", "preload"])
                .add_tag_attributes("audio", ["src", "preload"])
                .add_generic_attributes(["dir"])
                .add_url_schemes(["tg", "ftp", "magnet", "tel", "mailto"])
                .link_rel(None)
                .clean(body).to_string().replace("&nbsp;", "\u{a0}");
            prop_assert_eq!(&strict, body);
            for (name, value) in attributes(body) {
                let known = ["href", "src", "poster", "alt", "width", "height", "autoplay", "loop", "muted", "preload", "dir"];
                prop_assert!(known.contains(&name.as_str()), "{name}");
                if matches!(name.as_str(), "href" | "src" | "poster") {
                    let absolute = ["http:", "https:", "tg:", "mailto:", "tel:", "ftp:", "magnet:"];
                    prop_assert!(absolute.iter().any(|scheme| value.to_lowercase().starts_with(scheme)), "{name}={value}");
                }
            }
        }
    }

    #[test]
    fn titles_are_one_line_within_bounds((feed, settings) in any_feed()) {
        let limit = if settings.title_length == 0 { 100 } else { settings.title_length };
        for item in &feed.items {
            prop_assert!(!item.summary.is_empty() && !item.kind.is_empty());
            prop_assert!(item.title.is_some() || settings.title_length == 0);
            let Some(title) = &item.title else { continue };
            prop_assert!(!title.trim().is_empty());
            prop_assert!(title.graphemes(true).count() <= limit, "{title:?} is longer than {limit}");
            prop_assert!(!title.contains(['\n', '\t', '\u{200b}', '\u{feff}', '\u{202e}']), "{title:?}");
            prop_assert_eq!(title.trim(), title);
        }
    }

    #[test]
    fn every_word_of_a_text_is_in_the_body_once(words in vec("[a-zа-я]{1,9}", 1..30), breaks in vec(0usize..3, 30)) {
        let text: Vec<Inline> = words.iter().zip(breaks).flat_map(|(word, breaks)| {
            let inline = Inline::Styled(Style::Italic, vec![Inline::Text(format!("{word} "))]);
            std::iter::once(inline).chain(std::iter::repeat_n(Inline::Break, breaks))
        }).collect();
        let body = content(vec![Part::Text(text)]);
        let visible = regex::Regex::new("<[^>]*>").unwrap().replace_all(&body, " ").into_owned();
        prop_assert_eq!(visible.split_whitespace().collect::<Vec<_>>(), words);
    }

    #[test]
    fn the_same_posts_make_the_same_bytes(posts in vec(any_post(), 1..3), settings in any_settings()) {
        let posts: Vec<Stored> = posts.into_iter().zip(1..).map(|(post, id)| stored(Post { id: PostId(id), ..post })).collect();
        let reversed: Vec<Stored> = posts.iter().rev().cloned().collect();
        for format in [Format::Rss, Format::Atom, Format::Json] {
            prop_assert_eq!(written(&compose(&posts, &settings), format), written(&compose(&reversed, &settings), format));
        }
    }
}
