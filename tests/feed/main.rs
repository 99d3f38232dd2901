//! Posts as feeds: bodies, titles, documents, choices, identity.

mod caps;
mod chapters;
mod content;
mod damping;
mod dates;
mod figures;
mod formats;
mod identity;
mod known;
mod podcast;
mod properties;
mod selection;
mod title;

#[path = "../common/posts.rs"]
mod posts;
