//! The commands of the real program: what they print, and their exit codes.

use crate::stored;
use std::fs;

use crate::program::{Program, Ran};
use crate::stored::{at, channel, edited, new_posts, post};
use crate::upstream::{StandIn, Trouble, base};
use feedbridge::{
    model::{ChangeKind, Channel, ChannelId, Inline, Part, PostId, Stored},
    store::{Batch, Store},
};

const KETTLE: ChannelId = ChannelId(1_000_000_007);
const TEAPOT: ChannelId = ChannelId(1_000_000_008);

/// Nobody answers there; commands that ask nobody do not mind.
fn program() -> Program {
    Program::new("http://127.0.0.1:9", &["kettle"])
}

fn with_text(id: u64, text: &str) -> Stored {
    post(id, text)
}

/// Two channels, three posts, an edit, a deletion.
fn fill(program: &Program) {
    let store = program.store();
    store.commit(at(10), Batch { channel: Some(channel(KETTLE, "kettle")), ..new_posts(KETTLE, 1..=2) }).unwrap();
    store.commit(at(20), Batch { channel: Some(channel(TEAPOT, "teapot")), ..new_posts(TEAPOT, 5..=5) }).unwrap();
    let revised = Stored { updated: at(30), renewed: at(30), revisions: 2, ..with_text(2, "better") };
    store.commit(at(30), edited(KETTLE, revised)).unwrap();
    let gone = Stored { deleted: Some(at(40)), ..post(1, "post 1") };
    let changes = vec![stored::change(ChangeKind::Deleted, KETTLE, gone)];
    store.commit(at(40), Batch { changes, ..Batch::default() }).unwrap();
    store.close().unwrap();
}

fn succeed(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran
}

/// One clear line on standard error, nothing on standard output.
fn failure(ran: Ran) -> String {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (1, "", 1), "{ran:?}");
    ran.err
}

fn text(stored: &Stored) -> String {
    match stored.post.parts.as_slice() {
        [Part::Text(text)] => match text.as_slice() {
            [Inline::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_configuration_is_refused_with_file_line_and_key() {
    let program = program();
    program.configure("[server]\nlisten = \"nowhere\"\n\n[poll]\nintervall_seconds = 5\n");
    for command in ["check", "serve", "export"] {
        let ran = program.run(&[command]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("config.toml: line 2: server.listen: \"nowhere\": must be"), "{}", ran.err);
        assert!(ran.err.contains("config.toml: line 5: poll.intervall_seconds: unknown key"), "{}", ran.err);
    }
}

#[test]
fn a_missing_configuration_is_refused_with_its_name() {
    let line = failure(program().run(&["--config", "elsewhere.toml", "check"]));
    assert!(line.contains("cannot read elsewhere.toml"), "{line}");
}

#[test]
fn check_says_that_two_names_are_one_channel() {
    let program = Program::new("http://127.0.0.1:9", &["kettle", "pot"]);
    let store = program.store();
    let before = channel(KETTLE, "kettle");
    store.commit(at(10), Batch { channel: Some(before.clone()), ..new_posts(KETTLE, 1..=2) }).unwrap();
    let called = before.called(&"pot".parse().unwrap());
    store.commit(at(20), Batch { channel: Some(called), ..Batch::default() }).unwrap();
    store.close().unwrap();
    let said = succeed(program.run(&["check"])).out;
    assert!(said.contains("kettle and pot are one channel"), "{said}");
}

#[test]
fn check_says_it_beside_a_running_daemon_and_of_a_store_that_kept_no_names() {
    let program = Program::new("http://127.0.0.1:9", &["kettle", "pot"]);
    let store = program.store();
    for (minute, name) in [(10, "kettle"), (20, "pot"), (30, "kettle")] {
        let record = Channel { name: name.parse().unwrap(), ..channel(KETTLE, "kettle") };
        store.commit(at(minute), Batch { channel: Some(record), ..Batch::default() }).unwrap();
    }
    let said = succeed(program.run(&["check"])).out;
    assert!(said.contains("kettle and pot are one channel") && said.contains("in use by a running daemon"), "{said}");
    let exported = succeed(program.run(&["export", "pot"])).out;
    assert!(exported.contains(r#""name":"kettle","names":["pot"]"#), "{exported}");
}

#[test]
fn what_is_no_channel_is_refused_with_what_it_is_and_with_nothing_else() {
    for (name, reason) in [
        ("https://t.me/joinchat/AAAAA", "an invitation, no channel"),
        ("https://t.me/+AbCdEf", "an invitation, no channel"),
        ("@joinchat", "an invitation, no channel"),
        ("HTTPS://WWW.T.ME/JoinChat/AAAAA", "an invitation, no channel"),
        ("t.me/s/joinchat", "an invitation, no channel"),
        ("https://t.me/iv?url=x", "an instant view of another page, no channel"),
        ("telegram.me/share/url?url=x", "an address for sharing, no channel"),
        ("t.me/addstickers/Kettles", "a set of stickers, no channel"),
        ("https://t.me/proxy?server=x", "a proxy, no channel"),
        ("https://t.me/c/1234567/5", "a message of a private chat, no channel"),
        ("https://t.me/s", "an address of previews, no channel"),
        ("https://t.me/boost/kettle", "an address for boosts, no channel"),
        ("kettle!", "must be a channel's name"),
    ] {
        let program = Program::new("http://127.0.0.1:9", &[name]);
        let line = failure(program.run(&["check"]));
        let (_, said) = line.split_once("channel[1].name: ").unwrap_or_else(|| panic!("{line}"));
        assert!(said.contains(reason) && said.lines().count() == 1, "{line}");
    }
    let program = Program::new("http://127.0.0.1:9", &["https://WWW.t.me/s/kettle"]);
    assert!(succeed(program.run(&["check"])).out.contains("1 channels"));
}

#[test]
fn check_says_what_the_store_holds() {
    let program = program();
    assert!(succeed(program.run(&["check"])).out.contains("does not exist yet"));
    fill(&program);
    assert!(succeed(program.run(&["check"])).out.contains("holds 3 posts of 2 channels in 7 records"));
}

#[test]
fn check_fails_on_a_damaged_journal_and_names_the_record() {
    let program = program();
    fill(&program);
    let journal = program.path("data/journal/000000.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replacen("post 2", "p0st 2", 1)).unwrap();
    let ran = program.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("1 of the journal's records are damaged: 3"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_prints_one_poll_and_leaves_no_store() {
    let upstream = StandIn::with("kettle", KETTLE.0);
    upstream.post("kettle", 1, "Water <b>boils</b>", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    for (format, begins) in [("rss", "<?xml"), ("atom", "<?xml"), ("json", "{")] {
        let ran = succeed(program.run(&["fetch", "@kettle", "--format", format]));
        assert!(ran.out.starts_with(begins), "{}", ran.out);
        assert!(ran.out.contains("https://t.me/kettle/1") && ran.out.contains("boils"), "{}", ran.out);
    }
    assert_eq!(upstream.targets(), ["/s/kettle"; 3]);
    assert!(!program.path("data").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_asks_the_next_host_whatever_the_first_ones_trouble() {
    let upstream = StandIn::with("kettle", KETTLE.0);
    upstream.post("kettle", 1, "Water boils", base());
    let (first, second) = (upstream.listen().await, upstream.listen().await);
    let program = Program::new(first.as_str(), &["kettle"]);
    let [one, both] = [format!("\"{}\"]", first.as_str().trim_end_matches('/')), format!("\"{first}\", \"{second}\"]")];
    program.configure(&program.configuration().replace(&one, &both));
    let page = Trouble::Body("<html><body>Just a moment...</body></html>".to_owned());
    for trouble in [Trouble::Status(502), Trouble::RateLimited(Some(9)), Trouble::Broken, Trouble::Unreachable, page] {
        upstream.world().down.insert(first.as_str().trim_end_matches('/').to_owned(), trouble.clone());
        let ran = succeed(program.run(&["fetch", "kettle"]));
        assert!(ran.out.contains("Water boils"), "{trouble:?}: {}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_of_a_name_without_a_preview_fails_with_one_line() {
    let upstream = StandIn::with("kettle", KETTLE.0);
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    let line = failure(program.run(&["fetch", "nobody_here"]));
    assert!(line.starts_with("feedbridge: nobody_here: "), "{line}");
    let line = failure(self::program().run(&["fetch", "kettle"]));
    assert!(line.contains("kettle: cannot reach 127.0.0.1"), "{line}");
}

#[test]
fn show_prints_every_revision_beside_a_running_daemon() {
    let program = program();
    fill(&program);
    let _daemon = program.store();
    let shown = succeed(program.run(&["show", "kettle", "2"])).out;
    let (first, second) = (shown.find("New").unwrap(), shown.find("Edited").unwrap());
    assert!(first < shown.find("post 2").unwrap() && second < shown.find("better").unwrap(), "{shown}");
    assert!(succeed(program.run(&["show", "kettle", "1"])).out.contains("Deleted"));
    let line = failure(program.run(&["show", "teapot", "2"]));
    assert!(line.contains("teapot: post 2 is not stored"), "{line}");
}

#[test]
fn an_export_taken_back_is_the_same_store() {
    let (one, other) = (program(), program());
    fill(&one);
    let exported = succeed(one.run(&["export"])).out;
    assert_eq!(exported.lines().count(), 7, "{exported}");
    fs::write(other.path("posts.jsonl"), &exported).unwrap();
    let first = succeed(other.run(&["import", "posts.jsonl"]));
    assert!(first.err.contains("5 revisions added, 0 were there already"), "{}", first.err);
    assert_eq!(succeed(other.run(&["export"])).out, exported);

    let again = succeed(other.run(&["import", "posts.jsonl"]));
    assert!(again.err.contains("0 revisions added, 5 were there already"), "{}", again.err);
    assert_eq!(succeed(other.run(&["export"])).out, exported);

    let (one, other) = (one.store(), other.store());
    assert_eq!(other.channels().unwrap(), one.channels().unwrap());
    assert_eq!(other.head(KETTLE).changed, one.head(KETTLE).changed);
    for id in [1, 2].map(PostId) {
        let ignoring_sequence = |stored: Stored| Stored { sequence: 0, ..stored };
        let post = |store: &dyn Store| store.post(KETTLE, id).unwrap().map(ignoring_sequence);
        assert_eq!(post(&other), post(&one));
        assert_eq!(other.revisions(KETTLE, id).unwrap().len(), 2);
    }
}

#[test]
fn an_import_begins_new_files_where_the_configuration_says() {
    let (one, other) = (program(), program());
    let batch = Batch { channel: Some(channel(KETTLE, "kettle")), ..new_posts(KETTLE, 1..=1500) };
    one.store().commit(at(100), batch).unwrap();
    fs::write(other.path("posts.jsonl"), succeed(one.run(&["export"])).out).unwrap();
    other.configure(&other.configuration().replace("path = \"data\"", "path = \"data\"\nsegment_bytes = 4096"));
    succeed(other.run(&["import", "posts.jsonl"]));
    assert!(fs::read_dir(other.path("data/journal")).unwrap().count() > 1);
}

#[test]
fn an_interrupted_import_is_taken_up_again() {
    let (one, other) = (program(), program());
    fill(&one);
    let exported = succeed(one.run(&["export"])).out;
    for lines in 1..=7 {
        let part: String = exported.split_inclusive('\n').take(lines).collect();
        fs::write(other.path("posts.jsonl"), part).unwrap();
        succeed(other.run(&["import", "posts.jsonl"]));
    }
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let taken = succeed(other.run(&["export"])).out;
    // The times at which the store took a record may differ; the revisions may not.
    let without_time = |text: &str| {
        sorted(&text.lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect::<String>())
    };
    assert_eq!(without_time(&taken), without_time(&exported));
}

#[test]
fn an_import_adds_what_is_missing_and_changes_nothing_that_was_seen_later() {
    let (one, other) = (program(), program());
    fill(&one);
    fs::write(other.path("posts.jsonl"), succeed(one.run(&["export", "kettle"])).out).unwrap();
    let store = other.store();
    let seen = Stored { first_seen: at(90), renewed: at(90), ..with_text(2, "the newest wording") };
    let changes = vec![stored::change(ChangeKind::New, KETTLE, seen)];
    store.commit(at(90), Batch { channel: Some(channel(KETTLE, "kettle")), changes, ..Batch::default() }).unwrap();
    drop(store);

    let ran = succeed(other.run(&["import", "posts.jsonl"]));
    assert!(ran.err.contains("2 revisions added, 2 were there already"), "{}", ran.err);
    let store = other.store();
    assert_eq!(text(&store.post(KETTLE, PostId(2)).unwrap().unwrap()), "the newest wording");
    assert_eq!(store.post(KETTLE, PostId(1)).unwrap().unwrap().deleted, Some(at(40)));
    assert_eq!(store.channels().unwrap().len(), 1);
}

#[test]
fn export_works_beside_a_running_daemon_and_import_refuses() {
    let program = program();
    fill(&program);
    let _daemon = program.store();
    let exported = succeed(program.run(&["export", "teapot"])).out;
    assert_eq!(exported.lines().count(), 2, "{exported}");
    fs::write(program.path("posts.jsonl"), exported).unwrap();
    let line = failure(program.run(&["import", "posts.jsonl"]));
    assert!(line.contains("another feedbridge already uses the store"), "{line}");
    assert!(failure(program.run(&["export", "saucer"])).contains("saucer is not stored"));
}

#[test]
fn channels_of_an_opml_file_are_printed_as_lines_to_add() {
    let program = program();
    let opml = r#"<?xml version="1.0" encoding="UTF-8"?><opml version="2.0"><head><title>All</title></head><body>
        <outline text="Tea"><outline type="rss" text="Kettle" xmlUrl="https://rsshub.app/telegram/channel/Kettle"/>
        <outline type="rss" text="Teapot" xmlUrl="https://rss-bridge.example/?action=display&amp;bridge=TelegramBridge&amp;username=teapot&amp;format=Atom"/></outline>
        <outline type="rss" text="Teapot again" xmlUrl="https://t.me/s/TEAPOT"/>
        <outline type="rss" text="A blog" xmlUrl="https://blog.example.org/atom.xml"/></body></opml>"#;
    fs::write(program.path("feeds.opml"), opml).unwrap();
    let ran = succeed(program.run(&["import", "feeds.opml"]));
    assert_eq!(ran.out, "[[channel]]\nname = \"teapot\"\n\n");
    assert!(ran.err.contains("not a Telegram channel: A blog https://blog.example.org/atom.xml"), "{}", ran.err);
    assert!(ran.err.contains("1 channels to add, 1 configured already, 1 not recognised"), "{}", ran.err);

    let config = fs::read_to_string(program.path("config.toml")).unwrap();
    program.configure(&(config + &ran.out));
    assert!(succeed(program.run(&["check"])).out.contains("2 channels"));
}

fn imported(outlines: &str) -> Ran {
    let program = program();
    fs::write(program.path("feeds.opml"), format!("<opml version=\"2.0\"><head/><body>{outlines}</body></opml>"))
        .unwrap();
    succeed(program.run(&["import", "feeds.opml"]))
}

#[test]
fn no_outline_of_a_list_is_passed_over_without_a_word() {
    for (outline, word) in [
        (r#"<outline text="Lonely"/>"#, "not a Telegram channel: Lonely"),
        (r#"<outline text="Empty folder"></outline>"#, "not a Telegram channel: Empty folder"),
        (r#"<outline text="A" type="rss"/>"#, "not a Telegram channel: A"),
        (r#"<outline/>"#, "not a Telegram channel"),
        (
            r#"<outline text="A" xmlUrl="" XMLURL="https://example.org/x"/>"#,
            "not a Telegram channel: A https://example.org/x",
        ),
        (
            r#"<outline text="A" xmlUrl="https://example.org/?a=1&b=2"/>"#,
            "not a Telegram channel: A https://example.org/?a=1&b=2",
        ),
        (
            r#"<outline text="A&nbsp;B" xmlUrl="https://example.org/?a=&foo;"/>"#,
            "not a Telegram channel: A&nbsp;B https://example.org/?a=&foo;",
        ),
        (
            r#"<outline text="A" type="link" url="https://example.org/x"/>"#,
            "not a Telegram channel: A https://example.org/x",
        ),
        (r#"<outline text="A" htmlUrl="https://example.org/x"/>"#, "not a Telegram channel: A https://example.org/x"),
        (
            r#"<outline text="A" xmlUrl="https://t.me/joinchat/AAAA"/>"#,
            "not a Telegram channel: A https://t.me/joinchat/AAAA",
        ),
    ] {
        let ran = imported(outline);
        assert!(
            ran.err.contains(word) && ran.err.contains("0 channels to add") && ran.err.contains("1 not recognised"),
            "{outline}: {ran:?}"
        );
    }
    let folder =
        imported(r#"<outline text="Tea"><!-- all --> <outline text="A" xmlUrl="https://t.me/s/teapot"/></outline>"#);
    assert!(folder.err.contains("1 channels to add") && folder.err.contains("0 not recognised"), "{folder:?}");
    let again = imported(
        r#"<outline text="A" xmlUrl="https://t.me/s/teapot"/><outline text="B" xmlUrl="https://t.me/TEAPOT"/>"#,
    );
    assert!(again.err.contains("named before: B https://t.me/TEAPOT"), "{again:?}");
    let chosen =
        imported(r#"<outline text="A" xmlUrl="https://rsshub.app/telegram/channel/teapot/searchQuery=%23tea"/>"#);
    assert!(
        chosen.err.contains(
            "its choice of posts is not taken over: A https://rsshub.app/telegram/channel/teapot/searchQuery=%23tea"
        ),
        "{chosen:?}"
    );
}

#[test]
fn an_address_that_only_looks_like_a_bridges_is_taken_with_a_mark() {
    let ran = imported(r#"<outline text="A" xmlUrl="https://feeds.example.org/rss/teapot"/>"#);
    assert_eq!(ran.out, "# A guess: A https://feeds.example.org/rss/teapot\n[[channel]]\nname = \"teapot\"\n\n");
}

#[test]
fn a_list_in_utf_16_is_read_as_any_other() {
    let program = program();
    for (mark, order) in [
        ("\u{feff}\n", u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ("\u{feff}", u16::to_be_bytes),
        ("", u16::to_le_bytes),
        ("", u16::to_be_bytes),
    ] {
        let opml =
            format!(r#"{mark}<opml><body><outline text="Чайник" xmlUrl="https://t.me/s/teapot"/></body></opml>"#);
        fs::write(program.path("feeds.opml"), opml.encode_utf16().flat_map(order).collect::<Vec<u8>>()).unwrap();
        assert_eq!(succeed(program.run(&["import", "feeds.opml"])).out, "[[channel]]\nname = \"teapot\"\n\n");
    }
}

#[test]
fn a_list_that_was_cut_off_is_refused() {
    let program = program();
    let whole = r#"<opml version="2.0"><head/><body><outline text="A" xmlUrl="https://t.me/s/teapot"/></body></opml>"#;
    for end in [whole.find("</opml>"), whole.find("</body>"), whole.find("/></body>")] {
        fs::write(program.path("feeds.opml"), &whole[..end.unwrap()]).unwrap();
        assert!(failure(program.run(&["import", "feeds.opml"])).contains("feeds.opml: it is no XML"));
    }
}

#[test]
fn a_file_that_is_neither_is_refused_with_its_name() {
    let program = program();
    for (text, reason) in [
        ("", "neither OPML nor an export"),
        ("channels: kettle", "neither OPML nor an export"),
        ("<rss/>", "not OPML"),
        ("{\"version\": 1}\n", "line 1 is no exported post"),
    ] {
        fs::write(program.path("file"), text).unwrap();
        let line = failure(program.run(&["import", "file"]));
        assert!(line.contains("file: ") && line.contains(reason), "{line}");
    }
    assert!(failure(program.run(&["import", "nothing"])).contains("cannot read nothing"));
}

#[test]
fn settings_in_force_are_shown_with_where_they_come_from_and_without_passwords() {
    let program = Program::new("http://127.0.0.1:9", &["kettle"]);
    let environment = [
        ("FEEDBRIDGE_DEFAULTS__POSTS", "9"),
        ("FEEDBRIDGE_CHANNELS", "spout"),
        ("FEEDBRIDGE_UPSTREAM__PROXY", "socks5h://user:secret@127.0.0.1:9050"),
    ];
    let ran = program.run_in(&environment, &["check", "--show"]);
    let line = |start: &str| {
        ran.out.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {ran:?}"))
    };
    assert!(line("defaults.posts = 9 ").ends_with("# FEEDBRIDGE_DEFAULTS__POSTS"));
    assert!(line("poll.interval_seconds = 1 ").ends_with("# config.toml, line 9"), "{ran:?}");
    assert!(line("poll.floor_seconds = 120 ").ends_with("# default"));
    assert!(line("access.tokens_file = not set ").ends_with("# default"));
    assert!(
        line("on_demand.enabled = true ").contains("# default, for server.public_url is an address of this machine")
    );
    assert!(line("upstream.proxy = [\"socks5h://127.0.0.1:9050\"]").ends_with("# FEEDBRIDGE_UPSTREAM__PROXY"));
    assert!(line("channel \"kettle\"").ends_with("# config.toml, line 11"), "{ran:?}");
    assert!(line("channel \"spout\"").ends_with("# FEEDBRIDGE_CHANNELS"));
    assert!(!ran.out.contains("secret"));
}

#[test]
fn a_variable_that_is_no_setting_stops_every_command() {
    let program = Program::new("http://127.0.0.1:9", &["kettle"]);
    let ran = program.run_in(&[("FEEDBRIDGE_SERVER__LISTN", "x")], &["check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("FEEDBRIDGE_SERVER__LISTN: unknown setting; did you mean FEEDBRIDGE_SERVER__LISTEN?"));
}
