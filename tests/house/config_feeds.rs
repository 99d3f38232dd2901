//! Named feeds and choices of posts in the configuration.

use feedbridge::{
    config::{Config, Problem},
    feed::Kind,
};

const CHANNEL: &str = "[[channel]]\nname = \"alpha\"\n";

fn parse(rest: &str) -> Result<Config, Vec<Problem>> {
    Config::parse(&format!("{CHANNEL}{rest}"))
}

/// The one problem of the configuration, as people read it.
fn problem(rest: &str) -> String {
    let problems = parse(rest).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string()
}

#[test]
fn a_named_feed_merges_channels_and_has_settings_of_its_own() {
    let config = parse(
        "[defaults]\nposts = 20\nreactions = true\n\
         [[feed]]\nname = \"nlp-news\"\ntitle = \"News\"\nchannels = [\"@Alpha\", \"beta\"]\nposts = 7\n\
         kind = [\"photo\", \"video\"]\nnot = [\"forward\"]\ntag = [\"#NLP\"]\nmatch = \"(?i)llm\"\n",
    )
    .unwrap();
    let feed = &config.feeds[1];
    assert_eq!((feed.name.as_str(), feed.title.as_deref()), ("nlp-news", Some("News")));
    assert_eq!(feed.channels.iter().map(|name| name.key()).collect::<Vec<_>>(), ["alpha", "beta"]);
    assert_eq!((feed.settings.posts, feed.settings.reactions), (7, true));
    assert_eq!(feed.filter.kinds, [Kind::Photo, Kind::Video].into());
    assert_eq!(feed.filter.not, [Kind::Forward].into());
    assert_eq!(feed.filter.tags, ["nlp".to_owned()].into());
    assert!(feed.filter.pattern.is_some());
}

#[test]
fn a_channel_named_only_in_a_feed_is_polled_once_and_has_no_feed_of_its_own() {
    let feed = |name| format!("[[feed]]\nname = \"{name}\"\nchannels = [\"ALPHA\", \"beta\"]\n");
    let config = parse(&(feed("one") + &feed("two"))).unwrap();
    let polled: Vec<_> = config.channels.iter().map(|channel| channel.name.to_string()).collect();
    assert_eq!(polled, ["alpha", "beta"]);
    let feeds: Vec<_> = config.feeds.iter().map(|feed| feed.name.as_str()).collect();
    assert_eq!(feeds, ["alpha", "one", "two"]);
}

#[test]
fn named_feeds_suffice_without_a_channel() {
    let config = Config::parse("[[feed]]\nname = \"both\"\nchannels = [\"alpha\", \"beta\"]\n").unwrap();
    assert_eq!((config.channels.len(), config.feeds.len()), (2, 1));
}

#[test]
fn what_is_to_be_left_out_is_checked_as_what_is_wanted() {
    assert!(problem("not = [\"advert\"]\n").contains("elsewhere, invite"));
    assert!(problem("kind = [\"invite\"]\n").contains("must be one of"));
    assert!(problem("not_tag = [\"#\"]\n").contains("must be a hashtag"));
    assert!(problem("not_match = \"(\"\n").contains("is no expression"));
    assert!(problem("not_reactions = { \"🤡\" = 0 }\n").contains("whole numbers from 1"));
    assert!(problem("not_reactions = [\"🤡\"]\n").contains("a table of numbers"));
}

#[test]
fn a_channel_may_choose_among_its_posts() {
    let config = parse("not = [\"service\"]\n").unwrap();
    assert_eq!(config.feeds[0].filter.not, [Kind::Service].into());
}

#[test]
fn a_bad_expression_is_refused_with_its_line_and_reason() {
    let said = problem("[[feed]]\nname = \"x\"\nchannels = [\"beta\"]\nmatch = \"(unclosed\"\n");
    assert_eq!(said, "line 6: feed[1].match: \"(unclosed\": is no expression of the regex crate: unclosed group");
    let said = problem("match = \"(a{1000}){1000}\"\n");
    assert!(said.starts_with("line 3: channel[1].match: ") && said.contains("size limit"), "{said}");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let named = |name: &str| problem(&format!("[[feed]]\nname = \"{name}\"\nchannels = [\"beta\"]\n"));
    for reserved in ["health", "healthz", "readyz", "metrics", "hub", "Status", "tags"] {
        assert!(named(reserved).contains("the server's own"), "{reserved}");
    }
    for odd in ["feeds.opml", "a b", "a/b", "", "Всё"] {
        assert!(named(odd).contains("letters, digits, - and _"), "{odd}");
    }
    assert!(named("ALPHA").contains("is the name of a channel"), "{}", named("ALPHA"));
}

#[test]
fn each_mistake_in_a_feed_is_named() {
    for (rest, told) in [
        ("[[feed]]\nchannels = [\"beta\"]\n", "feed[1].name: is missing"),
        ("[[feed]]\nname = \"x\"\n", "channels is missing"),
        ("[[feed]]\nname = \"x\"\nchannels = []\n", "at least one channel"),
        ("[[feed]]\nname = \"x\"\nchannels = [\"beta\", \"BETA\"]\n", "each channel once"),
        ("[[feed]]\nname = \"x\"\nchannels = [\"b-ta\"]\n", "feed[1].channels"),
        ("[[feed]]\nname = \"x\"\nchannels = [\"beta\"]\nkind = [\"foto\"]\n", "must be one of album, audio"),
        ("[[feed]]\nname = \"x\"\nchannels = [\"beta\"]\ntag = [\"#\"]\n", "must be a hashtag"),
        ("[[feed]]\nname = \"x\"\nchannels = [\"beta\"]\nkinds = [\"photo\"]\n", "unknown key"),
    ] {
        let said = problem(rest);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn what_is_refused_says_its_own_reason_alone_and_nothing_of_what_is_missing_for_it() {
    let problems = |text: &str| Config::parse(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    for (text, told) in [
        ("[[channel]]\nname = \"t.me/joinchat/AAAA\"\n", "an invitation, no channel"),
        ("[[channel]]\nname = 5\n", "must be a string"),
        ("[[feed]]\nname = \"x\"\nchannels = [\"t.me/+AAAA\"]\n", "an invitation, no channel"),
        ("[channel]\nname = \"alpha\"\n", "must be a list of tables"),
        ("channel = [\"alpha\"]\n", "must be a table"),
        ("[[chanel]]\nname = \"alpha\"\n", "unknown key"),
    ] {
        let said = problems(text);
        assert!(said.len() == 1 && said[0].contains(told), "{text}: {said:?}");
    }
    for (rest, told) in [
        ("[[feed]]\nname = \"x\"\nchannels = 5\n", "must be a list of strings"),
        ("[[feed]]\nname = \"x\"\nchannels = [5]\n", "must be a list of strings"),
        ("[upstream]\nhosts = [5]\n", "must be a list of strings"),
        ("[poll]\nfloor_seconds = 5\nceiling_seconds = 100\n", "must be from 60"),
    ] {
        let said = problem(rest);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_configuration_may_name_no_channel() {
    for text in ["", "channel = []\n", "[on_demand]\nenabled = false\n"] {
        assert!(Config::parse(text).unwrap().channels.is_empty(), "{text}");
    }
}

#[test]
fn names_are_followed_on_demand_where_only_this_machine_or_a_token_can_ask() {
    for (text, enabled, reason) in [
        ("", true, "an address of this machine"),
        ("[server]\npublic_url = \"http://localhost:8080/tg\"\n", true, "an address of this machine"),
        ("[server]\npublic_url = \"https://feeds.example\"\n", false, "anybody may read"),
        ("[server]\nlisten = \"0.0.0.0:80\"\n", false, "anybody may read"),
        ("[server]\npublic_url = \"https://feeds.example\"\n[access]\ntokens_file = \"t\"\n", true, "need a token"),
        ("[server]\npublic_url = \"https://feeds.example\"\n[on_demand]\nenabled = true\n", true, "says so"),
        ("[on_demand]\nenabled = false\n", false, "says so"),
    ] {
        let on_demand = Config::parse(text).unwrap().on_demand;
        assert!(on_demand.enabled == enabled && on_demand.reason.contains(reason), "{text}: {on_demand:?}");
    }
}
