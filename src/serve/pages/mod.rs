//! Pages for people: the list of feeds, the archive of each, its posts and tags, and how the channels stand; and the
//! lists that programs import. One stylesheet, one small script that may be missing, no foreign fonts. Nothing here asks upstream.

mod archive;
mod assets;
mod chapters;
mod day;
mod frame;
mod highlight;
mod index;
mod links;
mod lists;
mod notice;
mod picture;
mod post;
mod readers;
mod reply;
mod row;
mod status;
mod tags;

use sha2::{Digest, Sha256};

pub use archive::archive;
pub use assets::{Icon, style, style_name};
pub use chapters::chapters;
pub use day::day;
pub use index::index;
pub use lists::{opml, robots, sitemap};
pub use notice::{Notice, notice};
pub use picture::Pictures;
pub use post::post;
pub use status::{document as status_document, page as status_page};
pub use tags::tags;

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
