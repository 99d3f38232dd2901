//! Voices as M4A, at the real program, with a stand-in for ffmpeg.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use crate::{
    cdn::{Cdn, Given},
    program::{Daemon, Program},
    upstream::{StandIn, base},
};

/// Longer than anything takes; reached only when a test fails.
const BOUND: Duration = Duration::from_secs(30);
const OGG: &[u8] = b"OggS, which Apple's players do not play";
const MADE: &str = "M4A of OggS, which Apple's players do not play";
/// Writes down that it ran, and what it would have made.
const FFMPEG: &str = r#"#!/bin/sh
[ "$1" = -version ] && { echo "ffmpeg version 9.9-kettle Copyright (c) nobody"; exit; }
for word; do [ "$before" = -i ] && from=$word; before=$word; done
echo "$from" >>"${0%/*}/ran"
{ printf 'M4A of '; cat "$from"; } >"$before"
"#;

/// A channel with a voice, and a program that makes something of it.
struct World {
    upstream: StandIn,
    cdn: Cdn,
    program: Program,
}

impl World {
    async fn new(settings: &str) -> Self {
        let (upstream, cdn) = (StandIn::with("kettle", 1_000_000_007), Cdn::listen().await);
        upstream.world().cdn = cdn.base();
        upstream.post_voice("kettle", 1, "On kettles", base());
        cdn.give("/kettle/1.ogg", Given::File(OGG.to_vec()));
        let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
        program.configure(&format!("{}[media]\nallow_private = true\n{settings}\n", program.configuration()));
        let world = Self { upstream, cdn, program };
        world.install(FFMPEG);
        world
    }

    fn install(&self, script: &str) {
        fs::create_dir_all(self.program.path("bin")).unwrap();
        fs::write(self.program.path("bin/ffmpeg"), script).unwrap();
        fs::set_permissions(self.program.path("bin/ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The stand-in comes first.
    fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.program.path("bin").display())
    }

    fn start(&self) -> Daemon {
        self.program.start_in(&[("PATH", &self.path())])
    }

    fn check(&self, path: &str) -> String {
        self.program.run_in(&[("PATH", path)], &["check"]).out
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.program.path("bin/ran")).unwrap_or_default().lines().count()
    }
}

const CACHE: &str = "mode = \"cache\"\ntranscode = true";
const M4A: &str = "/media/kettle/1/1.m4a";

fn until(daemon: &Daemon, path: &str, words: &str) -> String {
    let begun = Instant::now();
    loop {
        let (_, body) = daemon.get(path);
        if body.contains(words) {
            return body;
        }
        assert!(begun.elapsed() < BOUND, "{words} is not in {body}");
        std::thread::yield_now();
    }
}

fn led(daemon: &Daemon, path: &str) -> (u16, Option<String>) {
    let (status, head) = daemon.get_with(path, "");
    (status, head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_is_kept_is_made_into_m4a_which_the_podcast_then_offers() {
    let world = World::new(CACHE).await;
    let daemon = world.start();
    let podcast = until(&daemon, "/kettle/podcast.xml", ".m4a");
    let wanted = format!(
        "<enclosure url=\"http://{}{M4A}\" length=\"{}\" type=\"audio/x-m4a\"/>",
        world.program.address,
        MADE.len()
    );
    assert!(podcast.contains(&wanted) && podcast.contains("<itunes:duration>41<"), "{podcast}");
    let (status, head) = daemon.get_with(M4A, "");
    assert!(status == 200 && head.contains("content-type: audio/x-m4a"), "{head}");
    assert_eq!(daemon.get(M4A).1, MADE);
    assert!(daemon.get_with(M4A, "Range: bytes=0-2\r\n").1.contains(&format!("bytes 0-2/{}", MADE.len())));
    assert_eq!(daemon.get("/media/kettle/1/1.ogg").1.as_bytes(), OGG);
    assert_eq!(world.runs(), 1, "however often it was asked for");
    let spool = fs::read_dir(world.program.path("data/spool")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(spool.flat_map(|folder| fs::read_dir(folder).unwrap()).count(), 0, "nothing is left on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_m4a_that_left_is_made_again_from_the_voice() {
    let world = World::new(CACHE).await;
    let daemon = world.start();
    until(&daemon, "/kettle/podcast.xml", ".m4a");
    for folder in fs::read_dir(world.program.path("data/media/objects")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            if fs::read_to_string(&file).is_ok_and(|held| held == MADE) {
                fs::remove_file(file).unwrap();
            }
        }
    }
    assert_eq!(daemon.get(M4A).0, 503, "the first who asks finds out");
    assert_eq!(until(&daemon, M4A, "M4A"), MADE);
    assert_eq!((world.runs(), world.cdn.fetched("/kettle/1.ogg")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_that_were_kept_before_are_made_into_m4a_once_that_is_asked_for() {
    let world = World::new("mode = \"cache\"").await;
    let daemon = world.start();
    until(&daemon, "/kettle/podcast.xml", &format!("length=\"{}\"", OGG.len()));
    assert_eq!(led(&daemon, M4A), (302, Some("./1.ogg".to_owned())), "what is not made is heard as it is");
    world.upstream.post_voice("kettle", 1, "On teapots, edited since the voice came", base());
    until(&daemon, "/kettle/podcast.xml", "On teapots");
    drop(daemon);
    assert_eq!(world.runs(), 0);
    world.program.configure(&format!("{}transcode = true\n", world.program.configuration()));
    until(&world.start(), "/kettle/podcast.xml", ".m4a");
    assert_eq!(world.cdn.fetched("/kettle/1.ogg"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_ffmpeg_fails_at_is_offered_as_it_is() {
    let world = World::new(CACHE).await;
    world.install(
        "#!/bin/sh\n[ \"$1\" = -version ] && { echo 'ffmpeg version 9'; exit; }\necho 'no such codec' >&2; exit 1\n",
    );
    let daemon = world.program.start_in(&[("PATH", &world.path()), ("RUST_LOG", "debug")]);
    daemon.wait_for("no such codec");
    let podcast = until(&daemon, "/kettle/podcast.xml", &format!("length=\"{}\" type=\"audio/ogg\"", OGG.len()));
    assert!(podcast.contains("/media/kettle/1/1.ogg"), "{podcast}");
    assert_eq!(led(&daemon, M4A), (302, Some("./1.ogg".to_owned())));
    assert_eq!(daemon.get("/media/kettle/1/1.ogg").1.as_bytes(), OGG);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_m4a_lead_to_the_voice_when_files_are_not_kept_any_more() {
    let world = World::new(CACHE).await;
    until(&world.start(), "/kettle/podcast.xml", ".m4a");
    world.program.configure(&world.program.configuration().replace(CACHE, "mode = \"redirect\""));
    let daemon = world.start();
    assert_eq!(led(&daemon, M4A), (302, Some("./1.ogg".to_owned())));
    assert_eq!(led(&daemon, "/media/kettle/1/1.ogg").0, 302);
    drop(daemon);
    world.program.configure(&world.program.configuration().replace("mode = \"redirect\"", "mode = \"direct\""));
    let podcast = until(&world.start(), "/kettle/podcast.xml", "<enclosure");
    assert!(podcast.contains(&format!("{}/kettle/1.ogg", world.cdn.base())), "{podcast}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_by_what_m4a_is_made_and_a_missing_ffmpeg_is_said_at_the_start() {
    let world = World::new(CACHE).await;
    assert!(world.check(&world.path()).contains("M4A is made of voices by ffmpeg 9.9-kettle\n"));
    let nowhere = world.program.path("nowhere").display().to_string();
    let said = "media.transcode does nothing: ffmpeg is not found";
    assert!(world.check(&nowhere).contains(said), "{}", world.check(&nowhere));
    let daemon = world.program.start_in(&[("PATH", &nowhere)]);
    assert!(daemon.wait_for("media.transcode does nothing").contains("ffmpeg is not found"));
    world.program.configure(&world.program.configuration().replace("cache", "redirect"));
    assert!(world.check(&world.path()).contains("media.transcode does nothing: files are not kept here"));
    world.program.configure(&world.program.configuration().replace("transcode = true", ""));
    assert!(!world.check(&world.path()).contains("M4A"));
}
