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
    daemon::{Failure, store_config},
    model::ChannelName,
    opml, store,
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

/// Past spaces, a byte order mark and the zeros of UTF-16; of UTF-16 all is left to be read.
fn first_character(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let begin = reader.fill_buf()?;
        match begin.first() {
            None => return Ok(None),
            Some(byte) if byte.is_ascii_whitespace() => reader.consume(1),
            Some(_) if begin.starts_with(b"\xef\xbb\xbf") => reader.consume(3),
            Some(_) => {
                let is_before = |byte: &&u8| b"\xff\xfe\0".contains(byte) || byte.is_ascii_whitespace();
                return Ok(begin.iter().find(|byte| !is_before(byte)).copied());
            }
        }
    }
}

/// The lines to add on standard output, everything else on standard error.
fn channels(config: &Config, text: &str) -> Result<(), Failure> {
    let (mut added, mut known, mut strangers): (Vec<ChannelName>, usize, usize) = (Vec::new(), 0, 0);
    for subscription in &opml::read(text)? {
        let told = subscription.channel(&config.server.public_url);
        let is_guess = told.is_none();
        let Some(name) = told.or_else(|| subscription.guess()) else {
            strangers += 1;
            eprintln!("not a Telegram channel: {subscription}");
            continue;
        };
        if subscription.chooses() {
            eprintln!("its choice of posts is not taken over: {subscription}");
        }
        if config.channels.iter().any(|channel| channel.name == name) {
            known += 1;
        } else if added.contains(&name) {
            eprintln!("named before: {subscription}");
        } else {
            let guessed = if is_guess { format!("# A guess: {subscription}\n") } else { String::new() };
            println!("{guessed}[[channel]]\nname = \"{name}\"\n");
            added.push(name);
        }
    }
    eprintln!("{} channels to add, {known} configured already, {strangers} not recognised", added.len());
    Ok(())
}

fn posts(config: &Config, lines: impl BufRead) -> Result<(), Failure> {
    let (store, _) = store::open(&store_config(config)).map_err(|error| error.to_string())?;
    let restored = restore(store.as_ref(), lines).map_err(|error| error.to_string());
    store.close().map_err(|error| error.to_string())?;
    let Restored { revisions, known, displaced } = restored?;
    for name in &displaced {
        eprintln!("{name} is another channel in this store; nothing was taken of the one in the file");
    }
    eprintln!("{revisions} revisions added, {known} were there already");
    Ok(())
}
