//! One item of a feed, of no format yet, made from a stored post.

use std::collections::HashSet;

use super::{Entry, Episode, LinkTarget, Media, Settings, Spoilers, clean, content, cut, episode, media, title};
use crate::model::{Channel, Inline, Part, Post, PostId, Style, Time};

/// Longest plain-text summary, in characters.
const SUMMARY_LENGTH: usize = 200;

/// A post as the formats need it. All text free of characters that XML forbids, all addresses absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `https://t.me/SLUG/ID` with the slug as first seen: never changes.
    pub guid: String,
    /// Where the post can be read now.
    pub link: String,
    /// One line of plain text; `None` only where titles from the text are switched off.
    pub title: Option<String>,
    /// What the post is, for a format that must have a title.
    pub kind: String,
    /// The beginning of the text, or the title of a post without text. Plain text, never empty.
    pub summary: String,
    /// HTML, sanitized, never empty.
    pub content: String,
    pub published: Time,
    /// Never before `published`.
    pub updated: Time,
    pub author: Author,
    /// The hashtags of the text, without `#`, each once; not those that a spoiler hides.
    pub tags: Vec<String>,
    /// The origin of a forwarded post.
    pub via: Option<String>,
    pub reply: Option<InReplyTo>,
    pub media: Vec<Media>,
    /// The picture that stands for the post.
    pub image: Option<String>,
    /// What a podcast makes of it, if there is something to hear.
    pub episode: Option<Episode>,
}

/// Who signed the post, else the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    pub url: String,
}

/// The post that an item answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InReplyTo {
    /// In the form of [`Item::guid`].
    pub guid: String,
    pub href: String,
}

/// The permanent name of a post: `https://t.me/SLUG/ID` with the slug as first seen.
pub fn guid(channel: &Channel, id: PostId) -> String {
    format!("https://t.me/{}/{id}", channel.slug)
}

/// What a feed says of one post.
pub fn item(entry: Entry<'_>, settings: &Settings) -> Item {
    let Entry { channel, stored } = entry;
    let post = &stored.post;
    let slug = &channel.current_slug;
    let address = format!("https://t.me/{slug}/{}", post.id);
    let link = match settings.link {
        LinkTarget::Post => address.clone(),
        LinkTarget::Preview => format!("https://t.me/s/{slug}/{}", post.id),
    };
    let title = title::title(post, settings);
    let kind = title::kind_name(post, settings.labels);
    Item {
        guid: guid(channel, post.id),
        content: content::render(post, &address, settings),
        summary: summary(post, settings, title.as_ref().unwrap_or(&kind)),
        link,
        title,
        kind,
        published: stored.published,
        updated: stored.updated.max(stored.published),
        author: author(channel, post),
        tags: tags(post),
        via: post.forward.as_ref().and_then(|forward| clean::web_address(forward.href.as_ref()?)),
        reply: post.reply.as_ref().and_then(|reply| in_reply_to(channel, reply.href.as_ref()?)),
        media: media::collect(post),
        image: media::image(post),
        episode: episode::episode(post, &address, settings),
    }
}

impl Item {
    /// About as many bytes as the item takes in the longest of the formats, where all markup is escaped.
    pub(super) fn weight(&self) -> usize {
        self.frame() + cut::weight(&self.content)
    }

    /// Without the content.
    fn frame(&self) -> usize {
        /// Elements, dates, addresses and what else an item without content has.
        const FRAME: usize = 900;
        let media: usize = self.media.iter().map(|media| 150 + 2 * media.url.len()).sum();
        FRAME + self.summary.len() + media
    }

    /// The item, its content cut if it is larger than a feed of `most` bytes: to half of that, so that it is not alone
    /// there.
    pub(super) fn within(self, most: usize) -> Self {
        if self.weight() <= most {
            return self;
        }
        let room = (most / 2).saturating_sub(self.frame());
        Self { content: cut::cut(&self.content, room, &self.link), ..self }
    }
}

/// Whether the post says something that a title can be made of.
pub(super) fn has_words(post: &Post) -> bool {
    !clean::one_line(&title::readable_text(post, Spoilers::Details)).is_empty()
}

fn summary(post: &Post, settings: &Settings, otherwise: &str) -> String {
    let text = title::readable_text(post, settings.spoilers);
    let line = clean::one_line(&text);
    if line.is_empty() { otherwise.to_owned() } else { title::cut(&line, SUMMARY_LENGTH) }
}

/// Stands for the name of a channel that shows none; formats ask for one.
const NAMELESS: &str = "📢";

fn author(channel: &Channel, post: &Post) -> Author {
    let own = [&post.signature, &post.author].map(|name| name.as_deref().unwrap_or_default());
    let names = [own[0], own[1], &channel.info.title];
    let name = names.into_iter().map(|name| clean::neutral(&clean::name(name))).find(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| NAMELESS.to_owned());
    let is_writer = !own[1].is_empty() && own[0].is_empty();
    let own_url = post.author_href.as_deref().filter(|_| is_writer).and_then(clean::web_address);
    Author { name, url: own_url.unwrap_or_else(|| format!("https://t.me/{}", channel.current_slug)) }
}

/// The hashtags of the text, without `#`, each once; not those that a spoiler hides.
pub fn tags(post: &Post) -> Vec<String> {
    let mut tags = Vec::new();
    let mut seen = HashSet::new();
    for part in &post.parts {
        if let Part::Text(text) | Part::Unknown(text) = part {
            collect_tags(text, &mut |tag| {
                // `#tag@channel` is the tag as used in one channel.
                let tag = clean::one_line(tag.trim_start_matches('#').split('@').next().unwrap_or_default());
                if !tag.is_empty() && seen.insert(tag.to_lowercase()) {
                    tags.push(tag);
                }
            });
        }
    }
    tags
}

/// Those that nothing hides.
fn collect_tags(text: &[Inline], found: &mut impl FnMut(&str)) {
    for inline in text {
        match inline {
            Inline::Styled(Style::Spoiler, _) => {}
            Inline::Hashtag { tag, .. } => found(tag),
            other => other.runs().into_iter().for_each(|run| collect_tags(run, found)),
        }
    }
}

fn in_reply_to(channel: &Channel, href: &str) -> Option<InReplyTo> {
    let (name, id) = message_at(href)?;
    let guid = if channel.bears(&name) { guid(channel, id) } else { format!("https://t.me/{name}/{id}") };
    Some(InReplyTo { guid, href: clean::web_address(href)? })
}

/// The channel's name and the number of the message that `href` leads to: `https://t.me/NAME/ID`, with `/s/` and a query
/// or without.
pub fn message_at(href: &str) -> Option<(String, PostId)> {
    let href = clean::web_address(href)?;
    let path = href.split(['?', '#']).next()?.strip_prefix("https://t.me/")?;
    let (name, id) = path.strip_prefix("s/").unwrap_or(path).split_once('/')?;
    Some((name.to_owned(), PostId(id.parse().ok()?)))
}
