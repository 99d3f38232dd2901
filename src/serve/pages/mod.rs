//! Pages for people: the list of feeds, the archive of each, its posts and tags, and how the channels stand; and the
//! lists that programs import. No scripts, one stylesheet, no foreign fonts. Nothing here asks upstream.

mod archive;
mod frame;
mod index;
mod lists;
mod picture;
mod post;
mod reply;
mod row;
mod status;
mod tags;

use std::sync::LazyLock;

use hyper::StatusCode;
use sha2::{Digest, Sha256};

use super::answer::{self, Answer};

pub use archive::archive;
pub use index::index;
pub use lists::{opml, robots, sitemap};
pub use picture::Pictures;
pub use post::post;
pub use status::{document as status_document, page as status_page};
pub use tags::tags;

const STYLE: &str = include_str!("../../../templates/style.css");

/// Named for what it says, so that it may be kept for ever.
pub fn style_name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| format!("style-{}.css", &digest(STYLE.as_bytes())[..12]));
    &NAME
}

pub fn style() -> Answer {
    answer::typed(StatusCode::OK, "text/css; charset=utf-8", "public, max-age=31536000, immutable", STYLE)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
