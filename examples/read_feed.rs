//! Reads a feed from standard input with feed-rs and prints its entries, texts by id, as one JSON object.
//! For the comparison of feed readers: it must know nothing of feedbridge.

use std::{collections::BTreeMap, error::Error, io};

fn main() -> Result<(), Box<dyn Error>> {
    let feed = feed_rs::parser::parse(io::stdin().lock())?;
    let entries = feed.entries.into_iter().map(|entry| {
        let content = entry.content.and_then(|content| content.body);
        (entry.id, content.or(entry.summary.map(|summary| summary.content)).unwrap_or_default())
    });
    println!("{}", serde_json::to_string(&entries.collect::<BTreeMap<_, _>>())?);
    Ok(())
}
