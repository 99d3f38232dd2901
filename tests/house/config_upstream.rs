//! What the configuration says of proxies and of histories.

use chrono::TimeDelta;
use feedbridge::{config::Config, fetch::without_credentials, model::History};

fn with(upstream: &str, defaults: &str, channel: &str) -> Result<Config, String> {
    let text = format!("[upstream]\n{upstream}\n[defaults]\n{defaults}\n[[channel]]\nname = \"kitchen\"\n{channel}\n");
    Config::parse(&text).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn history(defaults: &str, channel: &str) -> History {
    with("", defaults, channel).unwrap().channels[0].history
}

#[test]
fn a_history_is_all_none_an_age_or_a_number_and_a_channels_own_counts() {
    assert_eq!(history("", ""), History::None);
    assert_eq!(history("", "history = \"all\""), History::All);
    assert_eq!(history("history = \"1y\"", ""), History::Age(TimeDelta::days(365)));
    assert_eq!(history("history = \"6m\"", "history = 500"), History::Posts(500));
    assert_eq!(history("history = 500", "history = \"none\""), History::None);
    for wrong in ["\"1\"", "\"y\"", "\"0d\"", "\"-1y\"", "\"99999999999999y\"", "\"all of it\"", "0", "true", "\"🌿\""]
    {
        let problem = with("", "", &format!("history = {wrong}")).unwrap_err();
        assert!(problem.contains("channel[1].history"), "{wrong}: {problem}");
    }
}

#[test]
fn proxies_are_one_or_several_and_their_credentials_are_never_shown() {
    let proxies = |text: &str| with(text, "", "").unwrap().upstream.proxies;
    assert!(proxies("").is_empty());
    let two = proxies("proxy = [\"socks5h://me:secret@proxy.example.org:1080\", \"http://[::1]:3128\"]");
    let shown: Vec<_> = two.iter().map(without_credentials).collect();
    assert_eq!(shown, ["socks5h://proxy.example.org:1080", "http://[::1]:3128"]);
    assert_eq!(two[0].password(), Some("secret"));
    assert_eq!(proxies("proxy = \"http://127.0.0.1:3128\"").len(), 1);
    for wrong in ["ftp://me:secret@proxy", "me:secret@proxy", "http://me:secret@proxy/path", "socks5h://"] {
        let problem = with(&format!("proxy = \"{wrong}\""), "", "").unwrap_err();
        assert!(problem.contains("upstream.proxy") && !problem.contains("secret"), "{problem}");
    }
}
