//! Settings by variables of the environment, and where each setting comes from.

use std::collections::BTreeSet;

use feedbridge::config::{Config, Environment, Place};

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str, variables: &[(&str, &str)]) -> Config {
    Config::read(text, &environment(variables)).unwrap().0
}

fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    Config::read(text, &environment(variables)).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_variable_comes_before_the_file_and_the_file_before_the_default() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nrobots = true\n[defaults]\nposts = 7\n";
    let config = read(
        text,
        &[
            ("FEEDBRIDGE_SERVER__LISTEN", "127.0.0.1:2"),
            ("FEEDBRIDGE_SERVER__ROBOTS", "false"),
            ("FEEDBRIDGE_UPSTREAM__HOSTS", "https://telegram.me, https://t.me"),
            ("FEEDBRIDGE_UPSTREAM__PROXY", "http://127.0.0.1:3128,socks5h://127.0.0.1:9050"),
            ("FEEDBRIDGE_DEFAULTS__HISTORY", "90d"),
            ("FEEDBRIDGE_DEFAULTS__LABELS", "russian"),
            ("FEEDBRIDGE_POLL__REQUESTS_PER_MINUTE", "11"),
            ("PATH", "/bin"),
        ],
    );
    assert_eq!(config.server.listen.port(), 2);
    assert!(!config.server.robots);
    let hosts: Vec<_> = config.upstream.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["https://telegram.me/", "https://t.me/"]);
    assert_eq!(config.upstream.proxies.len(), 2);
    assert_eq!((config.defaults.posts, config.poll.policy.requests_per_minute), (7, 11));
    let history = |value| read("", &[("FEEDBRIDGE_DEFAULTS__HISTORY", value)]).history;
    assert_eq!(history("500"), Config::parse("[defaults]\nhistory = 500\n").unwrap().history);
    assert_eq!(history("all"), Config::parse("[defaults]\nhistory = \"all\"\n").unwrap().history);
}

#[test]
fn channels_of_the_environment_stand_beside_those_of_the_file_which_win() {
    let text = "[[channel]]\nname = \"kettle\"\nposts = 7\n[[feed]]\nname = \"all\"\nchannels = [\"spout\"]\n";
    let config = read(text, &[("FEEDBRIDGE_CHANNELS", "@KETTLE, spout,https://t.me/s/lid,lid")]);
    let feeds: Vec<_> = config.feeds.iter().map(|feed| (feed.name.as_str(), feed.settings.posts)).collect();
    assert_eq!(feeds, [("kettle", 7), ("spout", 50), ("lid", 50), ("all", 50)]);
    assert_eq!(config.channels.len(), 3);
    let told = problems("", &[("FEEDBRIDGE_CHANNELS", "kettle,t.me/+AAAA,status")]);
    assert_eq!(told.len(), 2);
    assert!(told[1].starts_with("FEEDBRIDGE_CHANNELS: \"t.me/+AAAA\": is an invitation"), "{told:?}");
}

#[test]
fn what_a_variable_may_not_be_is_said_by_its_name_with_all_the_rest() {
    let text = "[poll]\nfloor_seconds = 1\n";
    let told = problems(
        text,
        &[
            ("FEEDBRIDGE_POLL__REQUESTS_PER_MINUTE", "many"),
            ("FEEDBRIDGE_SERVER__ROBOTS", "yes"),
            ("FEEDBRIDGE_SERVER__LISTEN", ""),
            ("FEEDBRIDGE_UPSTREAM__PROXY", "socks5h://user:secret@"),
        ],
    );
    assert_eq!(told[0], "line 2: poll.floor_seconds: must be from 60 to 604800");
    assert_eq!(told[1], "FEEDBRIDGE_POLL__REQUESTS_PER_MINUTE: must be from 1 to 6000");
    assert!(told[2].starts_with("FEEDBRIDGE_SERVER__LISTEN: \"\": must be an address and a port"), "{told:?}");
    assert_eq!(told[3], "FEEDBRIDGE_SERVER__ROBOTS: must be true or false");
    assert!(told[4].starts_with("FEEDBRIDGE_UPSTREAM__PROXY: must be SCHEME") && told.len() == 5, "{told:?}");
    assert!(!told.concat().contains("secret"));
}

#[test]
fn an_unknown_variable_is_an_error_with_the_nearest_known_one() {
    for (name, nearest) in [
        ("FEEDBRIDGE_SERVER__LISTN", "FEEDBRIDGE_SERVER__LISTEN"),
        ("FEEDBRIDGE_SERVER_LISTEN", "FEEDBRIDGE_SERVER__LISTEN"),
        ("FEEDBRIDGE_CHANNEL", "FEEDBRIDGE_CHANNELS"),
        ("FEEDBRIDGE_ON_DEMAND__ENABLE", "FEEDBRIDGE_ON_DEMAND__ENABLED"),
        ("FEEDBRIDGE_SERVER", "FEEDBRIDGE_SERVER__LISTEN"),
    ] {
        let told = problems("", &[(name, "1")]);
        assert!(told.len() == 1 && told[0].starts_with(&format!("{name}: unknown setting; did you mean")), "{told:?}");
        if name != "FEEDBRIDGE_SERVER" {
            assert!(told[0].ends_with(&format!(" {nearest}?")), "{told:?}");
        }
    }
}

#[test]
fn every_key_of_the_reference_may_be_a_variable_and_has_its_source() {
    let reference = include_str!("../../config.toml");
    let (_, sources) = Config::read(reference, &Environment::default()).unwrap();
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in reference.lines() {
        let bare = line.trim_start_matches("# ");
        if let Some(name) = bare.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
        }
        let key = bare
            .split_once(" = ")
            .map(|(key, _)| key)
            .filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        let Some(key) = key.filter(|_| !["channel", "feed"].contains(&section.as_str())) else { continue };
        assert!(sources.keys.contains_key(&format!("{section}.{key}")), "{section}.{key}");
        keys.insert(format!("{section}.{key}"));
    }
    assert!(keys.len() > 40 && keys.iter().eq(sources.keys.keys()), "{keys:?}");
    let listen = sources.keys["server.listen"].as_ref().unwrap();
    assert!(listen.value == "\"127.0.0.1:8080\"" && matches!(listen.place, Place::Line(_)), "{listen:?}");
}
