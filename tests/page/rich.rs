//! Texts that are more than words: lists, tables, folds, media; and that of no text anything vanishes.

use chrono::TimeZone;
use feedbridge::{
    diff,
    feed::{self, Entry, Header, Item, Settings},
    model::{Channel, ChannelId, ChannelInfo, Part, Post, plain_text},
    page::{Problem, ProblemKind},
};
use proptest::{collection::vec, prelude::*};
use scraper::{ElementRef, Html, Node};

use crate::blocks::{block, read, text};

fn written(html: &str) -> (Post, Vec<Problem>) {
    read(&block(&text(html), ""))
}

pub fn item(post: Post) -> Item {
    let now = chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let channel = Channel {
        id: ChannelId(1001),
        name: "kettle".parse().unwrap(),
        slug: "kettle".to_owned(),
        current_slug: "kettle".to_owned(),
        info: ChannelInfo { title: "Kettle".to_owned(), ..ChannelInfo::default() },
        first_seen: now,
        info_seen: now,
        names: Vec::new(),
    };
    let changes = diff::diff(channel.id, Vec::new(), vec![post], now);
    let entries: Vec<_> = changes.iter().map(|change| Entry { channel: &channel, stored: &change.stored }).collect();
    feed::compose(Header::default(), &entries, &Settings::default()).items.remove(0)
}

/// The body of what is understood whole.
fn body(html: &str) -> String {
    let (post, problems) = written(html);
    assert_eq!(problems, [], "{html}");
    item(post).content
}

fn plain(html: &str) -> String {
    let (post, _) = written(html);
    let [Part::Text(runs)] = post.parts.as_slice() else { panic!("{:?}", post.parts) };
    plain_text(runs)
}

#[test]
fn lists_are_kept_nested_and_numbered_from_where_they_begin() {
    assert_eq!(
        body("<ul><li>first</li><li>second<ul><li>inner</li></ul></li></ul>"),
        "<ul dir=\"auto\"><li>first</li><li><p dir=\"auto\">second</p><ul dir=\"auto\"><li>inner</li></ul></li></ul>"
    );
    assert_eq!(
        body("Do:<ol start=\"3\"><li>one</li><li value=\"7\">two</li><li>three</li></ol>end"),
        "<p dir=\"auto\">Do:</p><ol dir=\"auto\" start=\"3\"><li>one</li><li value=\"7\">two</li><li>three</li></ol>\
         <p dir=\"auto\">end</p>"
    );
    assert_eq!(
        plain("Do:<ol start=\"3\"><li>one</li><li>two<ul><li>in</li></ul></li></ol>end"),
        "Do:\n3. one\n4. two\n  • in\nend"
    );
}

#[test]
fn a_checklist_keeps_what_is_done() {
    let list = "<ul><li><input type=\"checkbox\" checked>milk</li><li><input type=\"checkbox\">tea</li><li class=\"done\">salt</li></ul>";
    assert_eq!(body(list), "<ul dir=\"auto\"><li>☑ milk</li><li>☐ tea</li><li>☑ salt</li></ul>");
    assert_eq!(plain(list), "☑ milk\n☐ tea\n☑ salt\n");
}

#[test]
fn a_table_is_a_table_and_reads_as_lines_of_cells() {
    let table = "Prices:<table><thead><tr><th>Item</th><th>Price</th></tr></thead><tbody><tr><td>Tea</td><td>10</td></tr>\
                 <tr><td colspan=\"2\">Milk, <b>cold</b></td></tr></tbody></table>end";
    assert_eq!(plain(table), "Prices:\nItem | Price\nTea | 10\nMilk, cold\nend");
    assert_eq!(
        body(table),
        "<p dir=\"auto\">Prices:</p><table dir=\"auto\"><tbody><tr><th>Item</th><th>Price</th></tr><tr><td>Tea</td><td>10</td></tr>\
         <tr><td colspan=\"2\">Milk, <b>cold</b></td></tr></tbody></table><p dir=\"auto\">end</p>"
    );
}

#[test]
fn headings_rules_folds_and_raised_figures_are_kept() {
    assert_eq!(
        body(
            "<h2>Head</h2>x<sup>2</sup> H<sub>2</sub>O<hr><details><summary>More</summary>Folded <i>words</i></details>"
        ),
        "<h4 dir=\"auto\">Head</h4><p dir=\"auto\">x<sup>2</sup> H<sub>2</sub>O</p><hr><details><summary>More</summary>\
         <p dir=\"auto\">Folded <i>words</i></p></details>"
    );
    assert_eq!(plain("x<sup>2</sup>, H<sub>2</sub>O, x<sup>ab1</sup>, 1<sup>st</sup>"), "x², H₂O, x^(ab1), 1st");
    assert_eq!(body("<dl><dt>Tea</dt><dd>a drink</dd></dl>"), "<dl dir=\"auto\"><dt>Tea</dt><dd>a drink</dd></dl>");
}

#[test]
fn media_within_the_words_are_figures_there() {
    let content = body(
        "Words <img src=\"https://cdn.example/a.jpg\" alt=\"a cat\"> more \
         <figure><img src=\"https://cdn.example/b.jpg\"><figcaption>Caption</figcaption></figure> \
         <video src=\"https://cdn.example/v.mp4\"></video><audio><source src=\"https://cdn.example/s.ogg\"></audio>end",
    );
    for kept in [
        "a.jpg\" alt=\"a cat\"",
        "b.jpg",
        "Caption",
        "<video src=\"https://cdn.example/v.mp4\"",
        "<audio src=\"https://cdn.example/s.ogg\"",
    ] {
        assert!(content.contains(kept), "{kept} in {content}");
    }
    let order: Vec<_> = ["Words", "a.jpg", "more", "b.jpg", "Caption", "v.mp4", "s.ogg", "end"]
        .iter()
        .map(|word| content.find(word).unwrap())
        .collect();
    assert!(order.is_sorted(), "{content}");
}

#[test]
fn a_moment_is_shown_as_the_time_it_holds() {
    let soon = "Doors open <tg-time unix=\"1795290000\" format=\"r\">in 5 hours</tg-time> sharp";
    let later = soon.replace("in 5 hours", "3 hours ago");
    assert_eq!(plain(soon), "Doors open 2026-11-21 19:40 UTC sharp");
    assert!(body(soon).contains("<time datetime=\"2026-11-21T19:40:00Z\">2026-11-21 19:40 UTC</time> sharp"));
    assert_eq!(written(soon).0, written(&later).0);
    assert_eq!(plain("at <tg-time>noon</tg-time>"), "at noon");
}

#[test]
fn what_is_not_understood_keeps_its_words_apart_and_is_reported() {
    for html in ["one<tg-new>two</tg-new>three", "one<x-box><p>two</p></x-box>three", "one<canvas>two</canvas>three"] {
        let (post, problems) = written(html);
        let shown = item(post).summary;
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), ["one", "two", "three"], "{html}");
        assert!(matches!(problems.as_slice(), [Problem { kind: ProblemKind::UnknownElement(_), .. }]), "{problems:?}");
    }
    let (_, problems) = written("one <div class=\"tgme_widget_message_new_thing\">two</div>");
    assert!(matches!(problems.as_slice(), [Problem { kind: ProblemKind::UnknownClass(_), .. }]), "{problems:?}");
}

#[test]
fn a_reply_quotes_rich_text_and_hides_what_is_hidden() {
    let reply = "<a class=\"tgme_widget_message_reply\" href=\"https://t.me/kettle/5\"><div class=\"tgme_widget_message_author\">\
                 <span class=\"tgme_widget_message_author_name\">Kettle</span></div></a>\
                 <div class=\"tgme_widget_message_text js-message_reply_text\" dir=\"auto\">It was <tg-spoiler>ZEBRA</tg-spoiler>, \
                 see <a href=\"https://example.org/in-reply\">the site</a></div>";
    let (post, _) = read(&block(&format!("{reply}{}", text("Well")), ""));
    let item = item(post);
    assert!(
        item.content.contains("<details><summary>…</summary><p dir=\"auto\">ZEBRA</p></details>"),
        "{}",
        item.content
    );
    assert!(item.content.contains("<a href=\"https://example.org/in-reply\">the site</a>"), "{}", item.content);
    assert!(!item.summary.contains("ZEBRA") && !item.title.unwrap().contains("ZEBRA"));
}

#[test]
fn what_a_spoiler_hides_is_in_no_summary_and_no_tag() {
    let html = "Won by <tg-spoiler>ZEBRA <a href=\"?q=%23zebra\">#ZEBRA</a><ul><li>ZEBRA</li></ul></tg-spoiler> \
                <a href=\"?q=%23cup\">#cup</a>";
    let item = item(written(html).0);
    assert_eq!(item.tags, ["cup"]);
    assert!(!item.summary.contains("ZEBRA") && !item.title.unwrap().contains("ZEBRA"), "{}", item.summary);
}

/// An element within a text: visible letters are small ones, hidden ones capitals.
fn markup() -> impl Strategy<Value = String> {
    let word = prop_oneof![6 => "[a-z]{1,4}( [a-z]{1,4}){0,2}", 1 => Just("<br>".to_owned()), 1 => Just(" ".to_owned()), 1 => Just("<hr>".to_owned())];
    let leaf =
        prop_oneof![5 => word, 1 => "[A-Z]{1,4}".prop_map(|hidden| format!("<tg-spoiler>{hidden}</tg-spoiler>"))];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let run = vec(inner, 1..4).prop_map(|parts| parts.concat());
        let wrapped = |names: Vec<&'static str>| {
            (prop::sample::select(names), run.clone()).prop_map(|(name, inner)| format!("<{name}>{inner}</{name}>"))
        };
        let cells = vec(vec(run.clone(), 1..3), 1..3).prop_map(|rows| {
            let cells = |row: Vec<String>| row.into_iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>();
            let rows: String = rows.into_iter().map(|row| format!("<tr>{}</tr>", cells(row))).collect();
            format!("<table>{rows}</table>")
        });
        let items = (any::<bool>(), vec(run.clone(), 1..4)).prop_map(|(ordered, items)| {
            let name = if ordered { "ol" } else { "ul" };
            let items: String = items.into_iter().map(|item| format!("<li>{item}</li>")).collect();
            format!("<{name}>{items}</{name}>")
        });
        prop_oneof![
            wrapped(vec!["b", "i", "u", "s", "sub", "sup", "mark", "span", "tg-emoji", "font"]),
            wrapped(vec!["div", "section", "blockquote", "h1", "h3", "tg-new", "x-box", "figure", "ruby"]),
            run.clone().prop_map(|inner| format!("<a href=\"https://example.org/\">{inner}</a>")),
            (run.clone(), run.clone())
                .prop_map(|(head, inner)| format!("<details><summary>{head}</summary>{inner}</details>")),
            cells,
            items,
        ]
    })
}

/// The letters of `node`: those to be seen, and those to be seen that should not be.
fn letters(element: ElementRef, folded: bool, seen: &mut String, bare: &mut String) {
    for child in element.children() {
        match child.value() {
            Node::Text(text) => {
                seen.extend(text.chars().filter(char::is_ascii_lowercase));
                bare.extend(text.chars().filter(|c| !folded && c.is_ascii_uppercase()));
            }
            Node::Element(_) => {
                let Some(inner) = ElementRef::wrap(child) else { continue };
                letters(inner, folded || inner.value().name() == "details", seen, bare);
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_visible_letter_is_in_the_content_in_order_and_no_hidden_one_outside_a_fold(parts in vec(markup(), 1..5)) {
        let source = parts.concat();
        let (mut wanted, mut shown, mut bare) = (String::new(), String::new(), String::new());
        letters(Html::parse_fragment(&source).root_element(), true, &mut wanted, &mut String::new());
        let item = item(written(&format!("x{source}")).0);
        letters(Html::parse_fragment(&item.content).root_element(), false, &mut shown, &mut bare);
        prop_assert_eq!(&shown, &format!("x{wanted}"), "{} of {}", item.content, source);
        prop_assert_eq!(bare, "", "{} of {}", item.content, source);
        for place in [item.title.unwrap_or_default(), item.summary] {
            let hidden: String = place.chars().filter(char::is_ascii_uppercase).collect();
            prop_assert_eq!(hidden, "", "{} of {}", place, source);
        }
    }
}

#[test]
fn a_link_that_is_not_safe_to_follow_shows_its_address() {
    for address in ["javascript:alert(1)", "file:///etc/passwd", "vbscript:x", "data:text/html,x"] {
        let html = format!("see <a href=\"{address}\">the <b>site</b></a> now");
        assert_eq!(plain(&html), format!("see the site ({address}) now"));
        assert!(!body(&html).contains("<a "), "{address}");
        assert_eq!(plain(&format!("<a href=\"{address}\">{address}</a>")), address);
    }
    for address in ["xmpp:me@example.org", "geo:1,2", "tg://resolve?domain=kettle", "magnet:?xt=urn:x", "bitcoin:abc"] {
        assert!(
            body(&format!("<a href=\"{address}\">it</a>")).contains(&format!("<a href=\"{address}\">it</a>")),
            "{address}"
        );
    }
    assert_eq!(plain("<a href=\"\">nothing</a>"), "nothing");
}
