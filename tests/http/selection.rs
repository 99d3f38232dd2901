//! Feeds chosen by a query: which posts they hold, under which address, at which price for others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use feedbridge::{
    config::Config,
    model::{Forward, Inline, Part, Photo, Preview, Reaction},
};
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::world::{ALPHA, DOCUMENTS, RSS, World, config, over, stored, world};

/// Post 11 has a photo, 12 is a forward, 13 has a hashtag, 14 a preview.
fn varied() -> World {
    let world = world();
    let mut photo = stored(11, "of the sea");
    photo.post.parts.push(Part::Photo(Photo { url: "https://cdn.example/a.jpg".into(), ..Photo::default() }));
    let mut forward = stored(12, "from afar");
    forward.post.forward = Some(Forward { name: "Afar".to_owned(), href: None, author: None });
    let mut tagged = stored(13, "Tagged");
    let tag = Inline::Hashtag { tag: "#NLP".to_owned(), href: "https://t.me/s/Alpha?q=%23NLP".to_owned() };
    tagged.post.parts = vec![Part::Text(vec![Inline::Text("Tagged ".to_owned()), tag])];
    let mut preview = stored(14, "read this");
    let card = Preview { title: "Große Öfen".to_owned(), ..Preview::default() };
    preview.post.parts.push(Part::Preview(card));
    for post in [photo, forward, tagged, preview] {
        world.keep(ALPHA, post);
    }
    world
}

/// The ids of the feed's posts, newest first.
async fn ids(world: &World, query: &str) -> Vec<u64> {
    let reply = world.get(&format!("/Alpha/feed.json?{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    let items = reply.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["id"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn posts_are_chosen_by_kind_tag_word_and_number() {
    let world = varied();
    for (query, chosen) in [
        ("kind=photo", &[11][..]),
        ("kind=forward,photo", &[12, 11]),
        ("not=forward,link,photo", &[13, 3, 2, 1]),
        ("kind=text&not=forward,link", &[13, 3, 2, 1]),
        ("tag=nlp", &[13]),
        ("tag=cv,nlp", &[13]),
        ("q=%C3%B6fen", &[14]),
        ("q=number%20post", &[3, 2, 1]),
        ("q=nowhere", &[]),
        ("limit=2", &[14, 13]),
        ("limit=2&q=number", &[3, 2]),
        ("limit=100", &[14, 13, 12, 11, 3, 2, 1]),
    ] {
        assert_eq!(ids(&world, query).await, chosen, "{query}");
    }
}

#[tokio::test]
async fn a_selection_looks_back_until_it_is_full() {
    let world = world();
    for id in 4..=1500 {
        world.publish(ALPHA, id, "noise");
    }
    assert_eq!(ids(&world, "q=number").await, [3, 2, 1]);
}

#[tokio::test]
async fn other_spellings_move_to_the_one_address_of_a_selection() {
    let world = world();
    for (asked, canonical) in [
        ("kind=video,photo", "kind=photo,video"),
        ("kind=photo&kind=video", "kind=photo,video"),
        ("kind=PHOTO,photo,", "kind=photo"),
        ("kind=photo%2Cvideo", "kind=photo,video"),
        ("not=reply&kind=photo", "kind=photo&not=reply"),
        ("tag=%23NLP", "tag=nlp"),
        ("q=b+a", "q=a%20b"),
        ("q=%D0%AF", "q=%D1%8F"),
        ("limit=07", "limit=7"),
        ("kind=photo&utm_source=x", "kind=photo"),
        ("before=2&limit=7", "before=2"),
    ] {
        for target in DOCUMENTS {
            let file = target.rsplit('/').next().unwrap();
            let reply = world.get(&format!("{target}?{asked}")).await;
            assert_eq!((reply.status, reply.field("location")), (308, &*format!("./{file}?{canonical}")), "{asked}");
        }
    }
    for nothing in ["kind=", "limit=5", "q=+", "utm_medium=rss&fbclid=1&gclid=2&_=3"] {
        assert_eq!(world.get(&format!("{RSS}?{nothing}")).await.field("location"), "./rss.xml", "{nothing}");
    }
}

#[tokio::test]
async fn what_cannot_be_chosen_is_a_problem_that_names_what_can() {
    let world = world();
    let many = (0..11).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (query, told) in [
        ("kind=foto", "photo, poll"),
        ("not=foto", "photo, poll"),
        ("limit=0", "1 to 1000"),
        ("limit=1001", "1 to 1000"),
        ("limit=all", "1 to 1000"),
        ("before=x", "a number"),
        (&format!("tag={many}"), "at most 10"),
        (&format!("q={}", "a".repeat(65)), "at most 64"),
        ("tag=%23", "letters"),
        ("not=foto", "elsewhere, invite"),
        ("exclude=reply", "exclude: no such key; there are before, kind, limit, not, not_q, not_tag, q, tag, until"),
        ("Kind=photo", "Kind: no such key"),
        ("kind=photo&unot=reply", "unot: no such key"),
    ] {
        let reply = world.get(&format!("{RSS}?{query}")).await;
        reply.assert_problem(400);
        assert!(reply.json()["detail"].as_str().unwrap().contains(told), "{query}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_search_finds_what_people_mean_and_a_page_marks_it() {
    let world = crate::world::empty();
    world.add_channel(ALPHA, "Alpha");
    for (id, text) in [(1, "Ёлка & ёлки"), (2, "İstanbul"), (3, "Ｔｅａ time"), (4, "كِتَابٌ"), (5, "Мой чай")]
    {
        world.publish(ALPHA, id, text);
    }
    for (query, chosen, marked) in [
        ("елк", &[1][..], "<mark>Ёлк</mark>а &amp; <mark>ёлк</mark>и"),
        ("istanbul", &[2], "<mark>İstanbul</mark>"),
        ("tea", &[3], "<mark>Ｔｅａ</mark> time"),
        ("ｔｉｍｅ", &[3], "Ｔｅａ <mark>time</mark>"),
        ("كتاب", &[4], "<mark>كِتَابٌ</mark>"),
        ("мои", &[], ""),
    ] {
        let query = format!("q={}", utf8_percent_encode(query, NON_ALPHANUMERIC));
        assert_eq!(ids(&world, &query).await, chosen, "{query}");
        let page = world.get(&format!("/Alpha/?{query}")).await;
        assert!(page.text().contains(marked), "{query}: {}", page.text());
    }
    let upper = world.get(&format!("{RSS}?q={}", utf8_percent_encode("ЁЛК", NON_ALPHANUMERIC))).await;
    let folded = format!("./rss.xml?q={}", utf8_percent_encode("ёлк", NON_ALPHANUMERIC));
    assert_eq!((upper.status, upper.field("location")), (308, folded.as_str()));
    assert_eq!(world.get("/?q=%EF%BD%81lpha").await.text().matches("class=\"row\"").count(), 1, "a name in full width");
}

#[tokio::test]
async fn pages_know_their_own_keys_and_refuse_others_by_name() {
    let world = world();
    for (target, told) in [
        ("/?kind=photo", "kind: no such key; there are page, q"),
        ("/?page=0", "page=0: must be a number"),
        ("/?page=all", "page=all: must be a number"),
        ("/Alpha/?exclude=reply", "exclude: no such key"),
        ("/Alpha/2024-03-08?before=2", "before: no such key; there are after"),
        ("/Alpha/2024-03-08?after=noon", "after=noon: must be the number"),
    ] {
        let reply = world.get(target).await;
        reply.assert_problem(400);
        assert!(reply.json()["detail"].as_str().unwrap().contains(told), "{target}: {}", reply.text());
    }
    for target in ["/?q=&page=1", "/Alpha/2024-03-08?after=1&utm_source=x", "/status/?utm_source=x"] {
        assert_eq!(world.get(target).await.status, 200, "{target}");
    }
}

/// Post 21 is an advert of another channel, 22 one with an invitation, 23 is tagged as an advert, 24 is ridiculed, 25
/// links to its own channel and to a bot, 26 is what people want.
fn with_adverts() -> World {
    let world = crate::world::empty();
    world.add_channel(ALPHA, "Alpha");
    let link = |href: &str| Inline::Link { href: href.to_owned(), text: vec![Inline::Text("here".to_owned())] };
    let with = |id, inline| {
        let mut post = stored(id, "");
        post.post.parts = vec![Part::Text(vec![Inline::Text(format!("Words of {id}, erid ")), inline])];
        post
    };
    let tag = Inline::Hashtag { tag: "#Реклама".to_owned(), href: "https://t.me/s/Alpha?q=x".to_owned() };
    let mut ridiculed = stored(24, "A joke");
    ridiculed.post.reactions = vec![Reaction { emoji: "🤡".to_owned(), count: "1.2K".to_owned() }];
    let mut own = with(25, link("https://t.me/alpha/3"));
    own.post.parts.push(Part::Text(vec![link("https://t.me/teabot")]));
    let mut wanted = stored(26, "News of tea");
    wanted.post.reactions = vec![Reaction { emoji: "🤡".to_owned(), count: "29".to_owned() }];
    let adverts = [with(21, link("https://t.me/beta")), with(22, link("https://t.me/+AbCdEf")), with(23, tag)];
    for post in adverts.into_iter().chain([ridiculed, own, wanted]) {
        world.keep(ALPHA, post);
    }
    world
}

#[tokio::test]
async fn posts_are_left_out_by_words_by_tags_and_by_where_they_lead() {
    let world = with_adverts();
    for (query, chosen) in [
        ("not_q=erid", &[26, 24][..]),
        ("not_q=joke%20news", &[25, 23, 22, 21]),
        ("not_tag=%D1%80%D0%B5%D0%BA%D0%BB%D0%B0%D0%BC%D0%B0", &[26, 25, 24, 22, 21]),
        ("not=invite", &[26, 25, 24, 23, 21]),
        ("not=elsewhere", &[26, 25, 24, 23, 22]),
        ("not=elsewhere,invite&not_tag=%D1%80%D0%B5%D0%BA%D0%BB%D0%B0%D0%BC%D0%B0", &[26, 25, 24]),
        ("not_q=joke&q=words", &[25, 23, 22, 21]),
    ] {
        assert_eq!(ids(&world, query).await, chosen, "{query}");
        let page = world.get(&format!("/Alpha/?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert_eq!(page.text().matches("<article").count(), chosen.len(), "{query}");
    }
    let text = world.get(&format!("{RSS}?not=invite&not_q=erid&not_tag=x")).await.text().to_owned();
    assert!(text.contains("· not invite, not #x, not erid"), "{text}");
}

#[tokio::test]
async fn a_configuration_leaves_out_what_a_query_does_and_by_expressions_and_reactions() {
    let left_out = async |keys: &str| {
        let text = format!("[[channel]]\nname = \"Alpha\"\n{keys}\n");
        let parsed = Config::parse(&text).unwrap_or_else(|problems| panic!("{keys}: {problems:?}"));
        let config = Config { feeds: parsed.feeds, ..config() };
        let shown = ids(&over(with_adverts().store, config), "").await;
        (21..=26).filter(|id| !shown.contains(id)).collect::<Vec<u64>>()
    };
    for (keys, ids) in [
        ("not_match = \"(?i)ERID|#реклама\"", &[21, 22, 23, 25][..]),
        ("not_tag = [\"#реклама\"]", &[23]),
        ("not = [\"invite\", \"elsewhere\"]", &[21, 22]),
        ("not_reactions = { \"🤡\" = 30 }", &[24]),
        ("not_reactions = { \"🤡\u{fe0f}\" = 29, \"👍\" = 1 }", &[24, 26]),
        ("not_reactions = { \"🤡\" = 1201 }", &[]),
        ("match = \"tea|joke\"\nnot_match = \"joke\"", &[21, 22, 23, 24, 25]),
    ] {
        assert_eq!(left_out(keys).await, ids, "{keys}");
    }
}

#[tokio::test]
async fn a_selection_is_a_feed_of_its_own() {
    let world = varied();
    for target in DOCUMENTS {
        let target = format!("{target}?kind=photo&q=sea");
        let (plain, reply) = (world.get(target.split('?').next().unwrap()).await, world.get(&target).await);
        let address = format!("https://feeds.example{target}");
        assert!(reply.text().contains(&address) || reply.text().contains(&address.replace('&', "&amp;")), "{target}");
        assert!(reply.text().contains("· photo, sea"), "{}", reply.text());
        assert_ne!(reply.field("etag"), plain.field("etag"));
        assert_eq!(world.get_with(&target, &[("If-None-Match", reply.field("etag"))]).await.status, 304);
        assert_eq!(world.get_with(&target, &[("If-None-Match", plain.field("etag"))]).await.status, 200);
        let head = world.ask(Method::HEAD, &target, &[]).await;
        assert_eq!((head.status, head.headers), (200, reply.headers.clone()));
        assert_eq!(over(world.store.clone(), config()).get(&target).await, reply);
    }
}

#[tokio::test]
async fn a_selection_has_deltas_of_its_own_posts() {
    let world = varied();
    let target = "/Alpha/rss.xml?q=number";
    let tag = world.get(target).await.field("etag").to_owned();
    world.publish(ALPHA, 20, "number twenty");
    world.publish(ALPHA, 21, "something else");
    let delta = world.get_with(target, &[("A-IM", "feed"), ("If-None-Match", &tag)]).await;
    assert_eq!(delta.status, 226);
    assert!(delta.text().contains("number twenty") && !delta.text().contains("something else"));
    assert!(!delta.text().contains("post number"));
}

#[tokio::test]
async fn an_edited_old_post_comes_into_a_selection_that_wants_it_only() {
    let world = varied();
    for id in 15..=40 {
        world.publish(ALPHA, id, "number and more");
    }
    world.edit(ALPHA, 2, "corrected number", 90);
    assert!(ids(&world, "q=number").await.contains(&2));
    assert!(!ids(&world, "q=more").await.contains(&2));
}

/// Selections are made one after the other beside the feeds, and held on the shelf as long as there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_queries_neither_fill_memory_nor_hold_up_other_readers() {
    const QUERIES: usize = 10_000;
    let world = Arc::new(world());
    let tag = world.get(RSS).await.field("etag").to_owned();
    let bound = world.site.config.server.shelf_bytes;
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (world, over) = (world.clone(), over.clone());
        async move {
            let mut waits = Vec::new();
            while !over.load(SeqCst) {
                let asked = Instant::now();
                assert_eq!(world.get_with(RSS, &[("If-None-Match", &tag)]).await.status, 304);
                assert_eq!(world.get(RSS).await.status, 200);
                waits.push(asked.elapsed());
                tokio::task::yield_now().await;
            }
            waits
        }
    });
    let mut most = 0;
    for number in 0..QUERIES {
        assert_eq!(world.get(&format!("{RSS}?q={number}")).await.status, 200);
        most = most.max(world.site.shelf.bytes());
    }
    over.store(true, SeqCst);
    let mut waits = reader.await.unwrap();
    waits.sort();
    let p99 = waits[waits.len() * 99 / 100];
    println!(
        "{QUERIES} queries: at most {most} of {bound} bytes; {} pairs of a 304 and a 200, p99 {p99:?}",
        waits.len()
    );
    assert!(most <= bound, "{most} bytes");
    assert!(p99 < Duration::from_millis(250), "{p99:?}");
}
