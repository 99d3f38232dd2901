//! `feedbridge add`, `remove` and `list`: the channels that the configuration names, changed in its file. A daemon that
//! runs with the file takes the change up by itself.

use std::{fs, io::Write, path::Path};

use tokio::runtime;

use super::fetch::look;
use crate::{
    config::{Config, edit},
    daemon::Failure,
    model::ChannelName,
    opml::meant,
};

/// Adds the channels that `words` name, each looked at on Telegram first unless `offline`; all of them or none.
pub fn add(path: &Path, config: &Config, words: &[String], offline: bool) -> Result<(), Failure> {
    let mut names: Vec<ChannelName> = Vec::new();
    for word in words {
        let name = meant(word, &config.server.public_url).map_err(|error| error.to_string())?;
        if config.feeds.iter().any(|feed| feed.is_of_channel() && feed.channels.contains(&name)) {
            eprintln!("{name} is there already");
        } else if !names.contains(&name) {
            names.push(name);
        }
    }
    if !offline {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        for name in &names {
            let seen = runtime.block_on(look(config, name));
            let (channel, posts) = seen
                .map_err(|reason| format!("{name}: {reason}; nothing was added, and with --offline nobody is asked"))?;
            eprintln!("{name}: {}, {} posts on its page", channel.info.title, posts.len());
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let text = read(path)?;
    let changed = edit::with_channels(&text, &names).map_err(|error| format!("{}: {error}", path.display()))?;
    let blocks: Vec<_> = names.iter().map(edit::block).collect();
    replace(path, &changed).map_err(|reason| format!("{reason}; add these lines to it:\n\n{}", blocks.join("\n")))?;
    for name in &names {
        println!("{}/{name}/atom.xml", config.server.public_url);
    }
    Ok(())
}

/// Takes the channels out again; what is stored of them stays.
pub fn remove(path: &Path, config: &Config, words: &[String]) -> Result<(), Failure> {
    let mut names = Vec::new();
    for word in words {
        let name = meant(word, &config.server.public_url).map_err(|error| error.to_string())?;
        if !config.feeds.iter().any(|feed| feed.is_of_channel() && feed.channels.contains(&name)) {
            return Err(format!("{name} is no channel of {}; nothing was removed", path.display()));
        }
        names.push(name);
    }
    let text = read(path)?;
    let changed = edit::without_channels(&text, &names).map_err(|error| format!("{}: {error}", path.display()))?;
    Config::parse(&changed).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        format!("{} would not be valid without it: {}; nothing was removed", path.display(), problems.join("; "))
    })?;
    replace(path, &changed)
}

/// Prints the name of every channel with the address of its feed.
pub fn list(config: &Config) -> Result<(), Failure> {
    for feed in config.feeds.iter().filter(|feed| feed.is_of_channel()) {
        println!("{}\t{}/{}/atom.xml", feed.name, config.server.public_url, feed.name);
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Whole or not at all, where the directory allows another file beside it; in place where only the file may be written,
/// as when it alone is mounted. The file keeps its mode and, behind a link, its place.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let refused = |error| format!("cannot write {}: {error}", path.display());
    let path = path.canonicalize().map_err(refused)?;
    // Opened before anything is done, for a file that may not be written is not to be replaced either.
    let mut file = fs::OpenOptions::new().write(true).open(&path).map_err(refused)?;
    let mode = file.metadata().map_err(refused)?.permissions();
    let beside = path.with_extension("toml.new");
    let written = write_new(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, mode))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_ok() {
        return Ok(());
    }
    // It may be there in part.
    let _ = fs::remove_file(&beside);
    file.write_all(text.as_bytes())
        .and_then(|()| file.set_len(text.len() as u64))
        .and_then(|()| file.sync_all())
        .map_err(refused)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
