//! The list of posts on a page, and what holds for all of them: one channel, a time for each, a way to older ones.
//! Knows nothing of what a post holds.

use std::collections::HashMap;

use scraper::ElementRef;

use super::{
    Error, Page, Problem, ProblemKind, element, info, links,
    message::{self, Message},
};
use crate::model::{ChannelId, ChannelInfo, Post, PostId, Time};

/// The blocks of posts below `root`, without a block that reports an error in place of one.
pub(super) fn messages<'a>(root: ElementRef<'a>) -> impl Iterator<Item = ElementRef<'a>> {
    element::all(root, "tgme_widget_message").filter(|block| !element::has(*block, "err_message"))
}

/// None when there is no history here. `is_list` says that there is one, even if nothing shows it.
pub(super) fn read(root: ElementRef, is_list: bool) -> Result<Option<Page>, Error> {
    let blocks: Vec<ElementRef> = messages(root).collect();
    let is_history = ["tgme_channel_history", "js-message_history", "tme_no_messages_found"];
    if blocks.is_empty() && !is_list && !is_history.iter().any(|class| element::first(root, class).is_some()) {
        return Ok(None);
    }
    let mut page = Page {
        channel: None,
        slug: None,
        info: if is_list { ChannelInfo::default() } else { info::read(root) },
        posts: Vec::with_capacity(blocks.len()),
        older: older(root),
        problems: Vec::new(),
    };
    if blocks.is_empty() && element::first(root, "tme_no_messages_found").is_none() {
        page.problems.push(Problem { post: None, kind: ProblemKind::NoPosts });
    }
    for block in blocks {
        take(&mut page, message::read(block))?;
    }
    join_repeated(&mut page);
    date_the_undated(&mut page);
    tell_authors_from_channel(&mut page);
    Ok(Some(page))
}

/// Nearly every post shows the channel as its author.
fn tell_authors_from_channel(page: &mut Page) {
    if page.info.title.is_empty() {
        page.info.title = page.posts.iter().find_map(|post| post.author.clone()).unwrap_or_default();
    }
    let title = &page.info.title;
    for post in &mut page.posts {
        post.author = post.author.take().filter(|author| author != title);
    }
}

fn take(page: &mut Page, message: Option<Message>) -> Result<(), Error> {
    let Some(message) = message else {
        page.problems.push(Problem { post: None, kind: ProblemKind::NoId });
        return Ok(());
    };
    belongs(&mut page.channel, message.identity.channel)?;
    if page.slug.is_none() && !message.identity.slug.is_empty() {
        page.slug = Some(message.identity.slug);
    }
    let post = Some(message.post.id);
    page.problems.extend(message.problems.into_iter().map(|kind| Problem { post, kind }));
    page.posts.push(message.post);
    Ok(())
}

/// The number survives a rename, so it alone tells whether a post is of the page's channel.
fn belongs(channel: &mut Option<ChannelId>, found: Option<ChannelId>) -> Result<(), Error> {
    match (*channel, found) {
        (Some(expected), Some(found)) if expected != found => Err(Error::ForeignPosts { expected, found }),
        _ => {
            *channel = channel.or(found);
            Ok(())
        }
    }
}

/// A post that stands on the page twice, as a whole or as a part of its album, is one post: the block that shows more
/// of the album, else the later one.
fn join_repeated(page: &mut Page) {
    let mut places: HashMap<PostId, usize> = HashMap::new();
    let mut posts: Vec<Post> = Vec::with_capacity(page.posts.len());
    for post in page.posts.drain(..) {
        let place = post.ids().find_map(|id| places.get(&id).copied()).unwrap_or(posts.len());
        places.extend(post.ids().map(|id| (id, place)));
        if place == posts.len() {
            posts.push(post);
            continue;
        }
        page.problems.push(Problem { post: Some(post.id), kind: ProblemKind::Repeated });
        if post.members.len() >= posts[place].members.len() {
            posts[place] = post;
        }
    }
    page.posts = posts;
}

fn date_the_undated(page: &mut Page) {
    let undated = page.posts.iter().filter(|post| post.published.is_none());
    page.problems.extend(undated.map(|post| Problem { post: Some(post.id), kind: ProblemKind::Undated }));
    fill(page.posts.iter_mut());
    fill(page.posts.iter_mut().rev());
}

/// Gives each undated post the time of the one before it in this order.
fn fill<'a>(posts: impl Iterator<Item = &'a mut Post>) {
    let mut last: Option<Time> = None;
    for post in posts {
        post.published = post.published.or(last);
        last = post.published;
    }
}

fn older(root: ElementRef) -> Option<PostId> {
    let more = element::all(root, "tme_messages_more").find_map(|more| more.attr("data-before"));
    let stated = more.and_then(|before| before.trim().parse().ok());
    let linked = || {
        let mut hints = element::below(root).filter(|inner| element::tag(*inner) == "link");
        links::before(hints.find(|hint| hint.attr("rel") == Some("prev"))?.attr("href")?)
    };
    stated.or_else(linked).filter(|before| *before > 1).map(PostId)
}
