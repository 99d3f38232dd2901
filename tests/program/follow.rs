//! Channels added and taken out by hand, and the daemon's health as an exit code.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use crate::{
    program::Program,
    upstream::{StandIn, base},
};

const COMMENTED: &str = "# Ours.\n[server]\nlisten = \"ADDRESS\" # here\npublic_url = \"https://feeds.example\"\n\n[upstream]\n\
                         hosts = [\"UPSTREAM\"]\n\n# The first.\n[[channel]]\nname = \"kettle\"   # boils\nposts = 7\n\n\
                         # Of all: a comment that stays.\n\n# Feeds of several.\n[[feed]]\nname = \"both\"\nchannels = [\"kettle\", \"teapot\"]\n";

fn commented(upstream: &str) -> (Program, String) {
    let program = Program::new(upstream, &[]);
    let text =
        COMMENTED.replace("ADDRESS", &program.address.to_string()).replace("UPSTREAM", upstream.trim_end_matches('/'));
    program.configure(&text);
    (program, text)
}

#[test]
fn add_puts_one_block_behind_the_last_and_changes_nothing_else() {
    let (program, before) = commented("http://127.0.0.1:9");
    let ran = program.run(&[
        "add",
        "--offline",
        "@spout",
        "https://t.me/s/lid",
        "https://rsshub.app/telegram/channel/handle",
        "kettle",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "kettle is there already\n"));
    assert_eq!(ran.out.lines().next(), Some("https://feeds.example/spout/atom.xml"));
    let blocks = "\n[[channel]]\nname = \"spout\"\n\n[[channel]]\nname = \"lid\"\n\n[[channel]]\nname = \"handle\"\n";
    let after = program.configuration();
    let (head, tail) = before.split_once("posts = 7\n").unwrap();
    assert_eq!(after, format!("{head}posts = 7\n{blocks}{tail}"));
    assert_eq!(program.run(&["check"]).code, 0);
}

#[test]
fn remove_takes_the_block_out_that_add_put_in() {
    let (program, before) = commented("http://127.0.0.1:9");
    for name in ["spout", "lid"] {
        assert_eq!(program.run(&["add", "--offline", name]).code, 0);
    }
    assert_eq!(program.run(&["remove", "spout", "t.me/lid"]).code, 0);
    assert_eq!(program.configuration(), before);
    assert_eq!(program.run(&["remove", "kettle"]).code, 0);
    let (head, tail) = before.split_once("# The first.\n").unwrap();
    let (_, tail) = tail.split_once("posts = 7\n\n").unwrap();
    assert_eq!(program.configuration(), format!("{head}{tail}"));
    let ran = program.run(&["remove", "nobody"]);
    assert!(ran.code == 1 && ran.err.contains("nobody is no channel of"), "{ran:?}");
}

#[test]
fn what_add_put_before_a_comment_remove_takes_out_whole() {
    let (program, _) = commented("http://127.0.0.1:9");
    let before = program.configuration().replace("posts = 7\n\n", "posts = 7\n");
    program.configure(&before);
    assert_eq!(program.run(&["add", "--offline", "spout"]).code, 0);
    assert_eq!(program.run(&["remove", "spout"]).code, 0);
    assert_eq!(program.configuration(), before);
}

async fn upstream(name: &str) -> (StandIn, String) {
    let upstream = StandIn::with(name, 1_000_000_007);
    upstream.post(name, 1, "Cold", base());
    upstream.post(name, 2, "Lukewarm", base());
    let address = upstream.listen().await.to_string();
    (upstream, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn add_looks_at_the_channel_first_and_adds_none_that_is_not_there() {
    let (_upstream, address) = upstream("spout").await;
    let (program, before) = commented(&address);
    let ran = program.run(&["add", "nobody", "spout"]);
    assert!(ran.code == 1 && ran.err.contains("nobody: ") && ran.err.contains("nothing was added"), "{ran:?}");
    assert_eq!(program.configuration(), before);
    let ran = program.run(&["add", "spout"]);
    assert!(ran.code == 0 && ran.err.contains("2 posts on its page"), "{ran:?}");
    assert!(program.configuration().contains("name = \"spout\""));
}

#[test]
fn what_is_no_channel_is_refused_with_its_reason() {
    let (program, before) = commented("http://127.0.0.1:9");
    for word in ["https://t.me/+AbCdEfGh", "https://example.org/", "a b"] {
        let ran = program.run(&["add", "--offline", word]);
        assert!(ran.code == 1 && ran.err.contains(word), "{ran:?}");
    }
    assert_eq!(program.configuration(), before);
}

#[test]
fn a_file_keeps_its_mode_and_line_endings_and_a_link_its_target() {
    let (program, before) = commented("http://127.0.0.1:9");
    let real = program.path("real.toml");
    fs::write(&real, before.replace('\n', "\r\n")).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(program.path("config.toml")).unwrap();
    std::os::unix::fs::symlink("real.toml", program.path("config.toml")).unwrap();
    assert_eq!(program.run(&["add", "--offline", "spout"]).code, 0);
    let text = fs::read_to_string(&real).unwrap();
    assert!(
        text.contains("[[channel]]\r\nname = \"spout\"\r\n")
            && text.matches('\n').count() == text.matches("\r\n").count()
    );
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(program.path("config.toml")).unwrap().is_symlink());
}

#[test]
fn list_names_the_channels_with_their_feeds() {
    let (program, _) = commented("http://127.0.0.1:9");
    assert_eq!(program.run(&["list"]).out, "kettle\thttps://feeds.example/kettle/atom.xml\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_0_for_ok_and_2_for_nobody_there() {
    let (_upstream, address) = upstream("kettle").await;
    let program = Program::new(&address, &["kettle"]);
    let ran = program.run(&["health"]);
    assert!(ran.code == 2 && ran.out.starts_with("down\n"), "{ran:?}");
    let daemon = program.start();
    daemon.wait_for("posts stored");
    daemon.wait_for("state=\"quiet\"");
    let ran = program.run(&["health"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok\n"));
}

#[test]
fn health_of_a_daemon_behind_a_token_brings_the_token() {
    let program = Program::new("http://127.0.0.1:9", &["kettle"]);
    fs::write(program.path("tokens"), "# ours\ncorrect-horse-battery\n").unwrap();
    program.configure(&format!("{}\n[access]\ntokens_file = \"tokens\"\n", program.configuration()));
    let _daemon = program.start();
    let ran = program.run(&["health"]);
    assert!(!ran.out.contains("no report") && !ran.out.contains("http://"), "{ran:?}");
}

#[test]
fn something_else_that_answers_is_no_healthy_daemon() {
    let program = Program::new("http://127.0.0.1:9", &["kettle"]);
    let listener = TcpListener::bind(program.address).unwrap();
    let stranger = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").unwrap();
    });
    let ran = program.run(&["health"]);
    stranger.join().unwrap();
    assert!(ran.code == 2 && ran.out.contains("no report"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_takes_up_what_add_and_remove_changed_within_two_seconds() {
    let (_upstream, address) = upstream("spout").await;
    let (program, _) = commented(&address);
    let text = program.configuration();
    program.configure(&format!("{text}\n[on_demand]\nenabled = false\n[poll]\ninterval_seconds = 1\n"));
    let daemon = program.start();
    assert_eq!(daemon.get("/spout/atom.xml").0, 404);
    let added = Instant::now();
    assert_eq!(program.run(&["add", "--offline", "spout"]).code, 0);
    daemon.wait_for("configuration reloaded");
    assert!(added.elapsed() < Duration::from_secs(2), "{:?}", added.elapsed());
    daemon.wait_for("posts stored channel=spout");
    let (status, body) = daemon.get("/spout/atom.xml");
    assert!(status == 200 && body.contains("Lukewarm"), "{status} {body}");
    assert_eq!(program.run(&["remove", "spout"]).code, 0);
    daemon.wait_for("configuration reloaded");
    assert_eq!(daemon.get("/spout/atom.xml").0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_wrong_is_refused_once_and_the_daemon_goes_on() {
    let (_upstream, address) = upstream("kettle").await;
    let program = Program::new(&address, &["kettle"]);
    let text = program.configuration();
    let daemon = program.start();
    daemon.wait_for("posts stored");
    program.configure(&format!("{text}[server]\n"));
    daemon.wait_for("the new configuration is refused");
    assert_eq!(daemon.get("/kettle/atom.xml").0, 200);
    assert!(daemon.get("/health").1.contains("configuration_error"));
    program.configure(&text);
    daemon.wait_for("configuration reloaded");
    assert!(!daemon.get("/health").1.contains("configuration_error"));
}
