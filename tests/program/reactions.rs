//! The real program and a feed that leaves posts out by what readers think of them.

use std::time::{Duration, Instant};

use crate::program::Program;
use crate::upstream::{StandIn, base};

/// Longer than anything takes; reached only when a test fails.
const BOUND: Duration = Duration::from_secs(30);

/// Words with so many clowns below them, behind the end of the text.
fn ridiculed(count: u32) -> String {
    format!(
        "A kettle of gold</div><div class=\"tgme_widget_message_reactions\"><span class=\"tgme_reaction\">\
         <i class=\"emoji\"><b>🤡</b></i>{count}</span>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_leaves_the_feed_at_the_poll_that_shows_it_ridiculed() {
    let upstream = StandIn::with("kettle", 1_000_000_007);
    upstream.post("kettle", 1, "Tea", base());
    upstream.post("kettle", 2, &ridiculed(3), base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    let serious = "[[feed]]\nname = \"serious\"\nchannels = [\"kettle\"]\nnot_reactions = { \"🤡\" = 30 }\n";
    program.configure(&format!("{}{serious}", program.configuration()));
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let shown = |feed: &str| daemon.get(&format!("/{feed}/rss.xml")).1.contains("A kettle of gold");
    assert!(shown("serious") && shown("kettle"));
    upstream.post("kettle", 2, &ridiculed(30), base());
    let begun = Instant::now();
    while shown("serious") {
        assert!(begun.elapsed() < BOUND, "the post is in the feed still");
    }
    assert!(shown("kettle"));
}
