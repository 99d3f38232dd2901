//! `feedbridge check`: what is wrong with the store, once the configuration has been read.

use super::{Failure, store_directory};
use crate::{config::Config, store};

pub fn run(config: &Config) -> Result<(), Failure> {
    let feeds = config.feeds.len();
    println!(
        "configuration: {} channels, {feeds} feeds, served at {}",
        config.channels.len(),
        config.server.public_url
    );
    let directory = store_directory(config);
    if !directory.exists() {
        println!("store: {} does not exist yet; the daemon makes it", directory.display());
        return Ok(());
    }
    let report = store::check(&directory).map_err(|error| error.to_string())?;
    println!("store: {report}");
    Ok(())
}
