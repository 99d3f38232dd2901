//! Where the links of a post lead, as far as a choice of posts goes by it: adverts send their readers away.

use url::Url;

use crate::model::{Channel, ChannelName, Inline, Part, Post};

/// What a link of a post may lead to. Links are those of its text, its buttons and its cards; the name of whom it was
/// forwarded from or whom it answers is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Another channel on Telegram, by its name or by the folder that it is in. Who has a name there may be a person, which
    /// nothing tells; names of bots end in `bot` and do not count.
    Elsewhere,
    /// An invitation to something private.
    Invite,
}

impl Destination {
    pub const ALL: [Self; 2] = [Self::Elsewhere, Self::Invite];

    /// The word for it in queries and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::Invite => "invite",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|destination| destination.as_str() == word)
    }

    /// Whether a link of the `channel`'s `post` leads there.
    pub fn is_linked(self, channel: &Channel, post: &Post) -> bool {
        links(post).into_iter().any(|href| match place(href) {
            Some(Place::Invitation) => self == Self::Invite,
            Some(Place::Folder) => self == Self::Elsewhere,
            Some(Place::Name(name)) => {
                let is_own = channel.goes_by(&name) || channel.bears(name.as_str());
                self == Self::Elsewhere && !is_own && !is_bot(&name)
            }
            None => false,
        })
    }
}

/// A place on Telegram.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Invitation,
    Folder,
    Name(ChannelName),
}

fn is_bot(name: &ChannelName) -> bool {
    name.key().ends_with("bot")
}

/// The addresses that a reader of the post may follow.
fn links(post: &Post) -> Vec<&str> {
    let mut found: Vec<&str> = post.buttons.iter().filter_map(|button| button.href.as_deref()).collect();
    for part in &post.parts {
        match part {
            Part::Text(text) | Part::Unknown(text) => collect(text, &mut found),
            Part::Preview(preview) => {
                found.extend(preview.href.as_deref());
                collect(&preview.description, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// The addresses that words of the post's own text lead to.
pub(super) fn in_text(post: &Post) -> Vec<&str> {
    let mut found = Vec::new();
    for part in &post.parts {
        if let Part::Text(text) | Part::Unknown(text) = part {
            collect(text, &mut found);
        }
    }
    found
}

fn collect<'p>(text: &'p [Inline], found: &mut Vec<&'p str>) {
    for inline in text {
        if let Inline::Link { href, .. } = inline {
            found.push(href);
        }
        inline.runs().into_iter().for_each(|run| collect(run, found));
    }
}

/// Which place `href` is of, if it is one on Telegram (<https://core.telegram.org/api/links>).
fn place(href: &str) -> Option<Place> {
    let url = Url::parse(href).ok()?;
    let value = |key: &str| url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
    if url.scheme() == "tg" {
        return match url.host_str()? {
            "join" => value("invite").map(|_| Place::Invitation),
            "addlist" => Some(Place::Folder),
            "resolve" => value("domain")?.parse().ok().map(Place::Name),
            _ => None,
        };
    }
    let host = url.host_str()?.trim_start_matches("www.").to_ascii_lowercase();
    let domain = ["t.me", "telegram.me", "telegram.dog"].into_iter().find(|domain| host.ends_with(domain))?;
    if let Some(name) = host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')) {
        return name.parse().ok().map(Place::Name);
    }
    let mut path = url.path_segments()?.filter(|segment| !segment.is_empty());
    let first = path.next().filter(|_| host == domain)?;
    match first.to_ascii_lowercase().as_str() {
        "joinchat" => path.next().map(|_| Place::Invitation),
        "addlist" => path.next().map(|_| Place::Folder),
        "s" => path.next()?.parse().ok().map(Place::Name),
        _ => match first.strip_prefix('+').or(first.strip_prefix("%20")) {
            // A telephone number leads to a person.
            Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => None,
            Some(_) => Some(Place::Invitation),
            None => first.parse().ok().map(Place::Name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_place_on_telegram_is_known_and_no_other() {
        let name = |name: &str| Some(Place::Name(name.parse().unwrap()));
        for (href, found) in [
            ("https://t.me/+AbCdEf123456", Some(Place::Invitation)),
            ("https://t.me/joinchat/AAAAAE", Some(Place::Invitation)),
            ("http://www.telegram.me/joinchat/AAAAAE", Some(Place::Invitation)),
            ("tg://join?invite=AbCdEf", Some(Place::Invitation)),
            ("https://t.me/addlist/x1y2", Some(Place::Folder)),
            ("https://t.me/kettle", name("kettle")),
            ("https://t.me/s/kettle?q=%23tea", name("kettle")),
            ("https://telegram.dog/kettle/17?single", name("kettle")),
            ("https://kettle.t.me/17", name("kettle")),
            ("tg://resolve?domain=kettle&post=17", name("kettle")),
            ("https://t.me/+79001234567", None),
            ("https://t.me/share/url?url=https://example.org", None),
            ("https://t.me/c/1234/5", None),
            ("https://t.me/", None),
            ("https://example.org/t.me/kettle", None),
            ("https://not.me/kettle", None),
            ("https://nott.me/kettle", None),
            ("mailto:kettle@t.me", None),
        ] {
            assert_eq!(place(href), found, "{href}");
        }
    }
}
