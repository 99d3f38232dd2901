//! `feedbridge fetch`: one poll, the feed on standard output.

use std::io::{self, Write};

use tokio::runtime;

use crate::{
    clock::Clock,
    config::Config,
    daemon::{Failure, exits},
    feed::{self, Entry, Format, Header, Settings},
    model::{Channel, ChannelName, Stored},
    poll::{
        Errand, Outcome, Turn, ask, first_look,
        verdict::{Request, Verdict},
    },
};

pub fn run(config: &Config, name: &ChannelName, format: Format) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (channel, posts) = runtime.block_on(look(config, name)).map_err(|reason| format!("{name}: {reason}"))?;
    let entries: Vec<_> = posts.iter().map(|stored| Entry { channel: &channel, stored }).collect();
    let feed = feed::compose(header(&channel), &entries, &settings(config, name));
    match io::stdout().write_all(&feed::render(&feed, format)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the feed: {error}")),
        _ => Ok(()),
    }
}

/// One poll of the channel by the first way that does what it is for; else the reason of the last one in words.
pub async fn look(config: &Config, name: &ChannelName) -> Result<(Channel, Vec<Stored>), String> {
    let now = Clock::system().wall();
    let mut refusal = String::new();
    let exits = exits(config)?;
    let ways = exits.iter().flat_map(|exit| config.upstream.hosts.iter().map(move |host| (exit, host)));
    for (exit, host) in ways {
        let upstream = exit.upstream.as_ref();
        let mut turn = Turn { channel: name.clone(), errand: Errand::Head };
        let mut answer = ask(upstream, host, &turn).await;
        if matches!(answer, Err(Outcome::Redirected)) {
            turn.errand = Errand::Landing;
            answer = ask(upstream, host, &turn).await;
        }
        match answer.and_then(|body| first_look(name, &body, now)) {
            Ok(seen) => return Ok(seen),
            Err(outcome) => {
                refusal = outcome.reason().unwrap_or_else(|| outcome.as_str().to_owned());
                if Verdict::of(&outcome).request == Request::Answered {
                    break;
                }
            }
        }
    }
    Err(refusal)
}

/// Nobody serves this feed, so it is at home on upstream.
fn header(channel: &Channel) -> Header {
    let url = format!("https://t.me/{}", channel.current_slug);
    Header {
        id: format!("https://t.me/{}", channel.slug),
        title: channel.info.title.clone(),
        description: channel.info.description.clone(),
        self_url: format!("https://t.me/s/{}", channel.current_slug),
        home_url: url,
        image: channel.info.photo.as_ref().map(|photo| photo.address.clone()),
        changed: Some(channel.first_seen),
        ..Header::default()
    }
}

fn settings(config: &Config, name: &ChannelName) -> Settings {
    let own = config.feeds.iter().find(|feed| feed.channels == [name.clone()]);
    own.map_or_else(|| config.defaults.clone(), |feed| feed.settings.clone())
}
