//! One upstream answer, parsed. Bytes in, values out; the only module that knows scraper.

mod cards;
mod classes;
mod element;
mod embed;
mod frame;
mod identity;
mod info;
mod landing;
mod links;
mod list;
mod media;
mod message;
mod nesting;
mod part;
mod rich;
mod source;
mod style;
mod text;
mod view;

use scraper::Html;

use crate::model::{ChannelId, ChannelInfo, Post, PostId};

/// What an `/s/NAME` page says. Posts in page order, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Telegram's number of the channel; None if no post on the page tells it.
    pub channel: Option<ChannelId>,
    /// The slug in the posts' own spelling; None on a page without posts.
    pub slug: Option<String>,
    pub info: ChannelInfo,
    pub posts: Vec<Post>,
    /// The `before` cursor of the next older page; None at the beginning of the channel.
    pub older: Option<PostId>,
    pub problems: Vec<Problem>,
}

/// Something on the page that was not understood. The post, if there is one, is in [`Page::posts`] all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub post: Option<PostId>,
    pub kind: ProblemKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// A class in a message that the parser does not know.
    UnknownClass(String),
    /// An element within a text that the parser does not know, with its words kept.
    UnknownElement(String),
    /// A post in which nothing at all was understood.
    NoContent,
    /// A post without a date of its own.
    Undated,
    /// A block without a readable id; it was left out.
    NoId,
    /// A post that the page shows more than once; one of its blocks is kept.
    Repeated,
    /// A history without a post, and without the words that an empty channel shows.
    NoPosts,
}

/// What `t.me/NAME` turned out to be when there is no preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// A channel whose page links to its preview.
    Channel,
    /// A channel without a preview: restricted, or its preview is switched off.
    ChannelWithoutPreview,
    Group,
    /// An invitation to something private.
    Private,
    User,
    /// "You can contact": nobody, or a user without a public profile.
    Unknown,
    Bot,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("there is no preview of this name: {0:?}")]
    NoPreview(Landing),
    /// Neither a preview nor a landing page of Telegram's.
    #[error("the answer is not a page of Telegram's")]
    NotTelegram,
    #[error("the page ends before its posts do")]
    Truncated,
    #[error("the page carries posts of channel {found}, beside those of {expected}")]
    ForeignPosts { expected: ChannelId, found: ChannelId },
}

/// Reads the answer to `GET /s/NAME` (with or without `?before=`), or the bare list of posts that an XHR gets.
pub fn parse(html: &str) -> Result<Page, Error> {
    let source = source::read(html)?;
    let document = document(&source.html);
    let root = document.root_element();
    if let Some(page) = list::read(root, source.is_list)? {
        return Ok(page);
    }
    Err(landing::read(root).map_or(Error::NotTelegram, Error::NoPreview))
}

/// Whether the page of one post is a whole one of Telegram's: of any other page it would seem that it tells nothing.
pub fn whole(html: &str) -> Result<(), Error> {
    source::whole(html)
}

/// What `t.me/NAME/ID?embed=1&mode=tme` says of one post.
#[derive(Debug, Clone, PartialEq)]
pub enum Embed {
    Post(Box<Post>),
    Missing,
    /// The channel is withheld, as for an infringement of copyright; upstream's words.
    Restricted(String),
    /// Neither a post nor the words that it is missing.
    Unclear,
}

pub fn parse_embed(html: &str) -> Embed {
    embed::read(document(html).root_element())
}

/// The text that `og:description` of `t.me/NAME/ID` gives of a withheld post,
/// None when it is only the channel's own description.
pub fn parse_excerpt(html: &str, channel_description: &str) -> Option<String> {
    embed::excerpt(document(html).root_element(), channel_description)
}

fn document(html: &str) -> Html {
    Html::parse_document(&nesting::levelled(html))
}
