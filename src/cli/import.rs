//! `feedbridge import`: channels out of a list of subscriptions, or posts out of an export. The file's first
//! character tells which it is.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use super::{
    progress,
    restore::{Restored, restore},
};
use crate::{
    config::Config,
    daemon::{Failure, store_directory},
    model::ChannelName,
    opml::{self, Subscription},
    store::{Local, Store},
};

pub fn run(config: &Config, path: &Path) -> Result<(), Failure> {
    let unreadable = |error| format!("cannot read {}: {error}", path.display());
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let bar = progress::bar(length);
    let mut reader = BufReader::new(bar.wrap_read(file));
    let first = first_character(&mut reader).map_err(unreadable)?;
    let done = match first {
        Some(b'<') => {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).map_err(unreadable)?;
            bar.finish_and_clear();
            channels(config, &opml::decode(&text))
        }
        Some(b'{') => posts(config, reader).inspect(|_| bar.finish_and_clear()),
        _ => Err("it is neither OPML nor an export".to_owned()),
    };
    done.map_err(|reason| format!("{}: {reason}", path.display()))
}

/// Past spaces, a byte order mark, and the zeros of UTF-16, whose mark is left to be read.
fn first_character(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let begin = reader.fill_buf()?;
        match begin.first() {
            None => return Ok(None),
            Some(byte) if byte.is_ascii_whitespace() => reader.consume(1),
            Some(_) if begin.starts_with(b"\xef\xbb\xbf") => reader.consume(3),
            Some(_) => {
                let is_mark = |byte: &&u8| b"\xff\xfe\0".contains(byte);
                return Ok(begin.iter().find(|byte| !is_mark(byte)).copied());
            }
        }
    }
}

/// The lines to add on standard output, everything else on standard error.
fn channels(config: &Config, text: &str) -> Result<(), Failure> {
    let subscriptions = opml::read(text)?;
    let (mut added, mut known): (Vec<ChannelName>, usize) = (Vec::new(), 0);
    let mut strangers = Vec::new();
    for subscription in &subscriptions {
        match subscription.channel(&config.server.public_url) {
            None => strangers.push(subscription),
            Some(name) if config.channels.iter().any(|channel| channel.name == name) => known += 1,
            Some(name) if added.contains(&name) => {}
            Some(name) => added.push(name),
        }
    }
    for name in &added {
        println!("[[channel]]\nname = \"{name}\"\n");
    }
    for Subscription { title, feed, page } in &strangers {
        let address = if feed.is_empty() { page } else { feed };
        eprintln!("not a Telegram channel: {title} {address}");
    }
    eprintln!("{} channels to add, {known} configured already, {} not recognised", added.len(), strangers.len());
    Ok(())
}

fn posts(config: &Config, lines: impl BufRead) -> Result<(), Failure> {
    let store = Local::open(&store_directory(config)).map_err(|error| error.to_string())?;
    let restored = restore(&store, lines).map_err(|error| error.to_string());
    store.close().map_err(|error| error.to_string())?;
    let Restored { revisions, known, displaced } = restored?;
    for name in &displaced {
        eprintln!("{name} is another channel in this store; nothing was taken of the one in the file");
    }
    eprintln!("{revisions} revisions added, {known} were there already");
    Ok(())
}
