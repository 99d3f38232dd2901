//! What the document of a feed is: where it is, which posts it holds, which version of it there is, in which coding.
//! Reads the store; knows neither HTTP nor what is kept of documents once made.

mod address;
mod answers;
mod archive;
mod coding;
mod company;
mod contents;
mod copies;
mod days;
mod key;
mod press;
mod version;

pub use address::{document_url, file_and_query, page_url, selection_url};
pub use answers::answer_one;
pub use archive::Archive;
pub use coding::Coding;
pub use contents::Contents;
pub use key::{Edition, Error, Key};
pub use press::Press;
pub use version::{BEFORE_ANY_POST, Version, identity, identity_of, identity_of_all, whole_second};
