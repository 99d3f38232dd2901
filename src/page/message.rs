//! One message block read into a post: a walk over its elements, each taken by what its class says it is.
//! Knows nothing of the page around the block.

use scraper::{ElementRef, Node};

use super::{
    ProblemKind, cards,
    classes::{self, Kind},
    element, frame, identity,
    identity::Identity,
    part, text,
};
use crate::model::{Inline, Part, Post, PostId, Withheld};

/// Elements nested deeper than this below a message are kept as text alone, which also bounds the recursion.
const DEEPEST: usize = 48;

/// A block, read.
pub(super) struct Message {
    pub post: Post,
    pub identity: Identity,
    /// What was not understood in it. An undated post is the page's concern.
    pub problems: Vec<ProblemKind>,
}

/// None for a block without a readable id.
pub(super) fn read(block: ElementRef) -> Option<Message> {
    let identity = identity::of(block)?;
    let mut draft = Draft::new(&identity);
    draft.post.service = element::has(block, "service_message");
    draft.children(block, Kind::Frame, 0);
    let (mut post, problems) = draft.finish(block);
    let owner = || element::first(block, "tgme_widget_message_owner_name").and_then(some_line);
    post.author = post.author.or_else(owner);
    Some(Message { post, identity, problems })
}

struct Label {
    /// Where among the parts it stands.
    at: usize,
    words: String,
    /// It stands for the whole message, for programs that cannot show what is shown beside it.
    substitute: bool,
}

struct Draft<'a> {
    slug: &'a str,
    post: Post,
    label: Option<Label>,
    /// There is custom emoji, for which upstream offers a label in place of the text.
    has_substitute: bool,
    voters: Option<String>,
    problems: Vec<ProblemKind>,
}

impl<'a> Draft<'a> {
    fn new(identity: &'a Identity) -> Self {
        let post = Post::new(identity.id);
        Self { slug: &identity.slug, post, label: None, has_substitute: false, voters: None, problems: Vec::new() }
    }

    fn children(&mut self, element: ElementRef, kind: Kind, depth: usize) {
        for child in element.children() {
            match (child.value(), ElementRef::wrap(child)) {
                (_, Some(inner)) => self.element(inner, kind, depth + 1),
                (Node::Text(characters), None) if kind == Kind::Content => self.keep(text::loose(characters)),
                _ => {}
            }
        }
    }

    /// `around` is what the element stands in: an element without a class of its own is no more than that.
    fn element(&mut self, element: ElementRef, around: Kind, depth: usize) {
        if depth > DEEPEST {
            return self.keep(text::formatted(element, self.slug));
        }
        if let Some(kind) = element::classes(element).find_map(classes::kind) {
            return self.known(element, kind, depth);
        }
        if let Some(class) = element::classes(element).find(|class| !classes::is_modifier(class)) {
            return self.unknown(element, class, around, depth);
        }
        match element::tag(element) {
            "script" | "style" | "svg" | "template" | "noscript" => {}
            "img" | "b" | "i" | "a" if around == Kind::Content => {
                self.keep(text::with_own_markup(element, self.slug));
            }
            _ => self.children(element, around, depth),
        }
    }

    fn known(&mut self, element: ElementRef, kind: Kind, depth: usize) {
        match kind {
            Kind::Content | Kind::Frame => self.children(element, kind, depth),
            Kind::Decoration => {}
            Kind::Meta => {
                self.post.edited |= frame::is_marked_edited(element);
                self.children(element, Kind::Frame, depth);
            }
            Kind::Date => self.post.published = self.post.published.or_else(|| frame::time(element)),
            Kind::Withheld => self.withheld(element),
            Kind::PreviewPiece => self.preview_piece(element),
            Kind::Text
            | Kind::Forward
            | Kind::Reply
            | Kind::ViaBot
            | Kind::Author
            | Kind::Signature
            | Kind::Voters
            | Kind::Reaction
            | Kind::Button
            | Kind::ReplyText => self.words(element, kind),
            _ => {
                self.post.parts.extend(part::read(element, kind, self.slug));
                self.foreign_inside(element, depth);
            }
        }
    }

    fn words(&mut self, element: ElementRef, kind: Kind) {
        let slug = self.slug;
        match kind {
            Kind::Forward => {
                self.post.forward = Some(frame::forward(element, slug));
                self.bot_inside(element);
            }
            Kind::Reply => {
                self.post.reply = Some(frame::reply(element, slug));
                self.bot_inside(element);
            }
            Kind::ViaBot => self.post.via_bot = some_line(element),
            Kind::Author => {
                self.post.author = some_line(element);
                self.post.author_href = element::link(element, slug);
            }
            Kind::Signature => self.post.signature = some_line(element),
            Kind::Voters => self.voters = some_line(element),
            Kind::Reaction => self.post.reactions.push(frame::reaction(element)),
            Kind::Button => self.post.buttons.push(frame::button(element, slug)),
            Kind::ReplyText => self.reply_text(element),
            _ if element::has(element, "js-message_reply_text") => self.reply_text(element),
            _ => {
                let (text, problems) = text::read(element, slug);
                self.problems.extend(problems);
                self.has_substitute |= element::first_tag(element, "tg-emoji").is_some();
                if !text.is_empty() {
                    self.post.parts.push(Part::Text(text));
                }
            }
        }
    }

    /// The bot stands beside the name of whom the post or the quoted one is from.
    fn bot_inside(&mut self, element: ElementRef) {
        let bot = element::first(element, "tgme_widget_message_via_bot").and_then(some_line);
        self.post.via_bot = self.post.via_bot.take().or(bot);
    }

    /// A link in the quoted text makes the HTML parser move that out of its frame.
    fn reply_text(&mut self, element: ElementRef) {
        let reply = self.post.reply.get_or_insert_default();
        if reply.text.is_empty() {
            reply.text = text::formatted(element, self.slug);
        }
    }

    fn preview_piece(&mut self, element: ElementRef) {
        if !matches!(self.post.parts.last(), Some(Part::Preview(_))) {
            self.post.parts.push(Part::Preview(Default::default()));
        }
        if let Some(Part::Preview(preview)) = self.post.parts.last_mut() {
            for class in element::classes(element) {
                cards::fill_preview(preview, element, class, self.slug);
            }
        }
    }

    fn withheld(&mut self, element: ElementRef) {
        let label = element::own_or_first(element, "message_media_not_supported_label");
        let words = label.map(text::line).unwrap_or_default();
        let substitute = element::has(element, "media_not_supported_cont");
        self.label.get_or_insert(Label { at: self.post.parts.len(), words, substitute });
    }

    fn keep(&mut self, text: Vec<Inline>) {
        if !text.is_empty() {
            self.post.parts.push(Part::Unknown(text));
        }
    }

    /// What is known inside an unknown element is read as usual; one in which nothing is known is kept as text, but only
    /// where a message's content stands: what stands around it, with counters and the like, is none.
    fn unknown(&mut self, element: ElementRef, class: &str, around: Kind, depth: usize) {
        if element::says_something(element) {
            self.problems.push(ProblemKind::UnknownClass(class.to_owned()));
        }
        if element::below(element).any(|inner| element::classes(inner).any(|class| classes::kind(class).is_some())) {
            self.children(element, around, depth);
        } else if around == Kind::Content {
            self.keep(text::with_own_markup(element, self.slug));
        }
    }

    /// Reports, and keeps the text of, what the reader of a part passed over.
    fn foreign_inside(&mut self, element: ElementRef, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for inner in element.child_elements() {
            let foreign = element::classes(inner).find(|class| classes::is_foreign_inside(class));
            let Some(class) = foreign else {
                self.link_button(inner);
                self.foreign_inside(inner, depth + 1);
                continue;
            };
            if element::says_something(inner) {
                self.problems.push(ProblemKind::UnknownClass(class.to_owned()));
            }
            if element::below(inner).any(is_of_widget) {
                self.foreign_inside(inner, depth + 1);
            } else {
                self.keep(text::with_own_markup(inner, self.slug));
            }
        }
    }

    /// The button below a link preview is inside its card.
    fn link_button(&mut self, element: ElementRef) {
        if element::has(element, "tgme_widget_message_link_button") {
            self.post.buttons.push(frame::button(element, self.slug));
        }
    }

    fn finish(mut self, block: ElementRef) -> (Post, Vec<ProblemKind>) {
        self.post.published = self.post.published.or_else(|| frame::time(block));
        self.post.members = members(&self.post);
        if let Some(Part::Poll(poll)) = self.post.parts.iter_mut().find(|part| matches!(part, Part::Poll(_))) {
            poll.voters = self.voters.take();
        }
        let has_substitute = self.has_substitute;
        let label = self.label.take().map(|label| Label { substitute: label.substitute || has_substitute, ..label });
        if let Some(label) = label.filter(|label| is_all_there_is(label, &self.post.parts)) {
            let withheld = Withheld { label: label.words, excerpt: String::new() };
            self.post.parts.insert(label.at, Part::Withheld(withheld));
        }
        // What nobody understands stands behind what is understood.
        self.post.parts.sort_by_key(|part| matches!(part, Part::Unknown(_)));
        if self.post.parts.is_empty() && !self.post.service {
            self.problems.push(ProblemKind::NoContent);
        }
        (self.post, self.problems)
    }
}

fn some_line(element: ElementRef) -> Option<String> {
    Some(text::line(element)).filter(|line| !line.is_empty())
}

fn is_of_widget(element: ElementRef) -> bool {
    element::classes(element)
        .any(|class| class.starts_with("tgme_widget_message_") || class.starts_with("link_preview_"))
}

/// A label is noise beside the media that it apologizes for, and a caption does not make up for media withheld.
fn is_all_there_is(label: &Label, parts: &[Part]) -> bool {
    let is_caption = |part: &Part| matches!(part, Part::Text(_) | Part::Unknown(_) | Part::Preview(_));
    if label.substitute { parts.is_empty() } else { parts.iter().all(is_caption) }
}

/// The ids of an album, ascending; none for a single message.
fn members(post: &Post) -> Vec<PostId> {
    let mut members: Vec<PostId> = post.parts.iter().filter_map(member).collect();
    if members.is_empty() {
        return members;
    }
    members.push(post.id);
    members.sort_unstable();
    members.dedup();
    if members.len() == 1 { Vec::new() } else { members }
}

fn member(part: &Part) -> Option<PostId> {
    match part {
        Part::Photo(photo) => photo.member,
        Part::Video(video) => video.member,
        Part::Document(document) => document.member,
        _ => None,
    }
}
