//! Titles: the first line that says something, or what the post is.

use crate::posts::*;
use feedbridge::{
    feed::{Labels, Settings, Spoilers},
    model::*,
};

fn title(parts: Vec<Part>) -> String {
    item(post(7, parts)).title.unwrap()
}

fn title_of_length(words: &str, title_length: usize) -> String {
    item_with(post(7, vec![text(words)]), &Settings { title_length, ..Settings::default() }).title.unwrap()
}

#[test]
fn the_first_line_is_the_title() {
    assert_eq!(title(vec![photo("a.jpg"), text("Soup\u{200b}  of  the day\nwith salt")]), "Soup of the day");
}

#[test]
fn a_long_line_is_cut_on_a_word_with_an_ellipsis() {
    assert_eq!(title_of_length("Some words that are too many", 16), "Some words that…");
    assert_eq!(title_of_length("Incomprehensibilities", 10), "Incompreh…");
    assert_eq!(title_of_length("Один, два, три, четыре", 12), "Один, два…");
}

#[test]
fn a_whole_sentence_needs_no_ellipsis() {
    assert_eq!(title_of_length("It is done. Now we can go on with the rest.", 25), "It is done.");
}

/// The beginning of each is followed by a sentence that ends too late for a title.
#[test]
fn a_title_never_ends_behind_what_is_short_for_something() {
    for (words, short) in [
        ("Вчера вечером сотрудники полиции задержали в", "г. Тверь жителя"),
        ("Концерт пройдёт в большом зале филармонии", "им. П. И. Чайковского"),
        ("Лекцию прочитает в субботу вечером наш", "проф. Иванов"),
        ("Движение перекрыто со вчерашнего вечера:", "просп. Мира"),
        ("Книга известного писателя, автор", "Дж. Р. Р. Толкин"),
        ("Собственная компания", "гр-на И. Петрова, доход млрд. Рублей"),
        ("Концерт відбудеться у великій залі", "ім. Т. Шевченка"),
        ("The new laboratory was opened this morning by", "Dr. Example Person"),
        ("It was decided after many a long discussion in", "No. 5 Downing Street, Capt. Smith"),
        ("All of us met in front of the old church of", "St. Mary, e.g. Tom"),
        ("We moved the office to the town of", "Washington D.C. Monday and Sept. Friday"),
        ("Gestern Abend sprach in der Aula", "Prof. Dr. Dr. h.c. Müller, Dipl.-Ing. Maier, Abschn. Vier"),
        ("Das Fest wurde eröffnet von Königin", "Margarethe II. Anschließend Ludwig XVIII. Bourbon"),
        ("Gefeiert wird auch in der", "Bahnhofstr. Drei"),
        ("Vítejte na výstavě, kterou dnes otevřel", "prof. Ing. Jan Příklad, MUDr. Novák"),
        ("Spotkanie otworzy jutro w południe", "ks. prof. Jan Kowalski, ppłk. Nowak, inż. Lis"),
        ("El acto será inaugurado mañana por", "Excmo. Sr. D. Juan, Avda. Libertad"),
        ("La séance sera ouverte demain par", "Mme. Dupont, M. Durand"),
        ("La mostra sarà aperta domani dal", "Dott. Rossi, Sig. Bianchi, dott.ssa Verdi, Spett. Ditta"),
        ("A exposição será aberta amanhã por", "Exmo. Sr. Silva, Profa. Costa"),
        ("Sergi yarın öğleden sonra açılacak:", "Doç. Dr. Ayşe, Yrd. Doç. Ali"),
        ("نمایشگاه فردا صبح گشایش می‌یابد به دست", "د. علی"),
        ("See the page for all of the details at", "example.org. Then wait, https://example.org/a?B=C and go"),
        ("The name of the film was (as I", "remember. Or not) another, and"),
        ("Его спросили: «Кто идёт?", "И куда? Зачем"),
    ] {
        let long = format!("{words} {short} {}", "and so on ".repeat(20));
        for length in 30..words.chars().count() + short.chars().count() + 3 {
            let title = title_of_length(&long, length);
            assert!(title.ends_with('…'), "{title}");
        }
    }
}

#[test]
fn a_title_ends_where_a_sentence_does_in_any_script() {
    for (first, second) in [
        ("Сегодня в городе открылась новая школа.", "Жители довольны"),
        ("Зачем он это сделал?", "Никто не знает"),
        ("Он сказал: «Я вернусь».", "Никто не поверил"),
        ("We have won (at last)!", "Everybody is happy"),
        ("He said “we are alone.”", "Everybody is happy"),
        ("Sie sagte: „Wir gehen.“", "Alle gingen"),
        ("It began quietly...", "Then it rained"),
        ("今日は良い天気です。", "明日も晴れるでしょう"),
        ("هل وصل الوفد اليوم؟", "لا أحد يعرف"),
        ("आज मौसम अच्छा है।", "कल भी अच्छा रहेगा"),
    ] {
        let long = format!("{first} {second} {}", "and so on ".repeat(20));
        assert_eq!(title_of_length(&long, first.chars().count() + 4), first);
    }
}

#[test]
fn a_family_of_emoji_is_never_cut_in_two() {
    assert_eq!(title_of_length("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "👨‍👩‍👧‍👦…");
    assert_eq!(title_of_length("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "👨‍👩‍👧‍👦👨‍👩‍👧‍👦");
}

#[test]
fn a_line_of_words_is_preferred_to_emoji_hashtags_and_addresses() {
    let tags = Part::Text(vec![hashtag("#news"), plain(" "), hashtag("#soup")]);
    assert_eq!(title(vec![tags.clone(), text("🔥🔥\nhttps://example.org/x\nReal words")]), "Real words");
    assert_eq!(title(vec![text("🔥🔥\nhttps://example.org/x\nReal words")]), "🔥🔥 Real words");
    assert_eq!(title(vec![text("🔥"), tags]), "#news #soup");
    assert_eq!(title(vec![text("https://example.org/x")]), "https://example.org/x");
    assert_eq!(title(vec![text("🔥\nhttps://example.org/x")]), "🔥");
}

#[test]
fn a_first_line_that_tells_less_yields_to_the_next_with_words() {
    for less in [
        "1.",
        "1️⃣",
        "№ 5",
        "21.11.2026",
        "21 ноября 2026 г.",
        "Nov 21st, 2026, 10:30 pm",
        "Montag, 3. März",
        "12:30 МСК",
        "———",
        "• • •",
        "https://example.org/x",
        "t.me/s/kettle",
        "#news #soup",
        "5 de mayo de 2026",
        "2026年",
        "…",
    ] {
        assert_eq!(title(vec![text(&format!("{less}\nReal words"))]), "Real words", "{less}");
    }
    for more in ["May I ask you", "1. First point", "March of the penguins", "21 друг Оушена", "Le Monde", "🔥 Hot"]
    {
        assert_eq!(title(vec![text(&format!("{more}\nReal words"))]), more);
    }
}

#[test]
fn a_text_that_tells_less_than_what_the_post_holds_yields_to_its_name() {
    let card = || Part::Preview(Preview { title: "Card title".to_owned(), ..Preview::default() });
    let file = || Part::Document(Document { title: "paper.pdf".to_owned(), ..Document::default() });
    let poll = || Part::Poll(Poll { question: vec![plain("Salt?")], ..Poll::default() });
    for less in ["https://example.org/x", "21.11.2026", "1.", "———"] {
        assert_eq!(title(vec![text(less), card()]), "🔗 Card title", "{less}");
        assert_eq!(title(vec![text(less), file()]), "📄 paper.pdf", "{less}");
        assert_eq!(title(vec![text(less), poll()]), "📊 Salt?", "{less}");
    }
    assert_eq!(title(vec![text("🔥"), card()]), "🔥 Card title");
    assert_eq!(title(vec![text("🔥\nhttps://example.org/x"), card()]), "🔥 Card title");
    assert_eq!(title(vec![Part::Text(vec![hashtag("#news")]), card()]), "🔗 Card title");
    assert_eq!(title(vec![text("Words"), card()]), "Words");
    assert_eq!(title(vec![text("🔥"), photo("a.jpg")]), "🔥");
}

#[test]
fn only_what_reads_as_markup_is_replaced() {
    for (words, shown) in [
        ("S&P 500 is up 2%; the Dow is down", "S&P 500 is up 2%; the Dow is down"),
        ("AT&T; Q&A", "AT＆T; Q&A"),
        ("R & D, H&M, rock&roll", "R & D, H&M, rock&roll"),
        ("&copy 2024, &copyright, &notit", "＆copy 2024, ＆copyright, ＆notit"),
        ("&lt;b&gt; &#65; &#x41; &#65 &#x41", "＆lt;b＆gt; ＆#65; ＆#x41; ＆#65 ＆#x41"),
        ("a && b, &; &# &#x &1;", "a && b, &; &# &#x &1;"),
        ("?a=1&section=2&b=3", "?a=1＆section=2&b=3"),
        ("1 < 2 <3 a<b", "1 < 2 <3 a‹b"),
    ] {
        assert_eq!(title(vec![text(words)]), shown);
    }
}

#[test]
fn markup_in_the_text_is_not_markup_in_the_title() {
    assert_eq!(
        title(vec![text("Vec<u8> is &amp; <b>bold</b>, 1 < 2 & 3")]),
        "Vec‹u8› is ＆amp; ‹b›bold‹/b›, 1 < 2 & 3"
    );
}

#[test]
fn a_title_does_not_tell_what_a_spoiler_hides() {
    let parts = || vec![Part::Text(vec![plain("It is "), spoiler("him")])];
    assert_eq!(title(parts()), "It is …");
    assert_eq!(item(post(7, parts())).summary, "It is …");
    let shown = Settings { spoilers: Spoilers::Text, ..Settings::default() };
    assert_eq!(item_with(post(7, parts()), &shown).title.unwrap(), "It is him");
}

#[test]
fn posts_without_text_are_called_by_what_they_are() {
    let round = Video { kind: VideoKind::Round, duration_seconds: Some(5), ..video() };
    let music = Document { title: "Song".to_owned(), extra: "Band".to_owned(), audio: true, ..Document::default() };
    let poll = Poll { question: vec![plain("Salt?")], ..Poll::default() };
    assert_eq!(title(vec![photo("a.jpg")]), "🖼");
    assert_eq!(title(vec![photo("a.jpg"), photo("b.jpg"), Part::Video(video()), photo("c.jpg")]), "🖼 3 ▶ 0:27");
    assert_eq!(title(vec![Part::Video(round)]), "⏺ 0:05");
    assert_eq!(title(vec![Part::Document(music)]), "🎵 Song – Band");
    assert_eq!(title(vec![Part::Poll(poll)]), "📊 Salt?");
    assert_eq!(
        title(vec![Part::Withheld(Withheld { label: "Open in Telegram".to_owned(), excerpt: String::new() })]),
        "🔒"
    );
    assert_eq!(title(vec![]), "💬");
}

#[test]
fn a_forward_without_text_names_its_origin() {
    let mut post = post(7, vec![photo("a.jpg")]);
    post.forward = Some(Forward { name: "Elsewhere".to_owned(), href: None, author: None });
    assert_eq!(item(post).title.unwrap(), "🖼 ↪ Elsewhere");
}

#[test]
fn labels_may_be_words() {
    let named = |labels, parts| item_with(post(7, parts), &Settings { labels, ..Settings::default() }).title.unwrap();
    assert_eq!(named(Labels::English, vec![photo("a.jpg"), photo("b.jpg")]), "Photo: 2");
    assert_eq!(named(Labels::Russian, vec![Part::Video(video())]), "Видео: 0:27");
}

#[test]
fn a_symbol_may_stand_before_every_title() {
    let settings = Settings { title_symbol: true, ..Settings::default() };
    let titled = |parts| item_with(post(7, parts), &settings).title.unwrap();
    assert_eq!(titled(vec![photo("a.jpg"), text("Soup")]), "🖼 Soup");
    assert_eq!(titled(vec![text("Soup")]), "💬 Soup");
    assert_eq!(titled(vec![photo("a.jpg")]), "🖼");
}

#[test]
fn a_length_of_zero_makes_no_titles_from_text() {
    let settings = Settings { title_length: 0, ..Settings::default() };
    let texted = item_with(post(7, vec![text("Soup")]), &settings);
    assert_eq!((texted.title, texted.kind.as_str()), (None, "💬"));
    assert_eq!(item_with(post(7, vec![Part::Video(video())]), &settings).title.unwrap(), "▶ 0:27");
}

#[test]
fn a_service_message_is_titled_by_its_own_words() {
    let mut post = post(7, vec![text("Channel created")]);
    post.service = true;
    assert_eq!(item(post).title.unwrap(), "Channel created");
}
