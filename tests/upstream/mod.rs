//! A stand-in for t.me: channels that can post, edit, delete, move and fail, shown as pages in upstream's markup.
//! Behind `Upstream` in memory for tests on a simulated clock, or behind a real socket on port 0.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chrono::{SecondsFormat, TimeZone};
use feedbridge::{
    fetch::{Answer, Error, Upstream},
    model::Time,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// How many ids one page spans.
pub const PAGE_IDS: u64 = 20;

pub fn base() -> Time {
    chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

#[derive(Debug, Clone)]
pub struct Message {
    pub html: String,
    /// Markup above the text, where `CDN` stands for the present address of files.
    pub media: String,
    pub at: Time,
}

#[derive(Debug, Clone, Default)]
pub struct Channel {
    pub id: u64,
    pub title: String,
    /// The posts' own spelling of the name, if not the one asked for.
    pub slug: Option<String>,
    pub messages: BTreeMap<u64, Message>,
}

impl Channel {
    pub fn post(&mut self, id: u64, html: &str, at: Time) {
        self.messages.insert(id, Message { html: html.to_owned(), media: String::new(), at });
    }
}

/// What to answer instead of a page.
#[derive(Debug, Clone)]
pub enum Trouble {
    RateLimited(Option<u64>),
    Status(u16),
    Unreachable,
    Body(String),
    Redirect(String),
    /// The answer begins and does not end.
    Broken,
    /// 503 that names no time to wait.
    Unavailable,
    /// Never answers.
    Silence,
}

/// How upstream feigns that nothing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Veil {
    /// Every name looks as if nobody had it.
    Nobody,
    /// Every channel looks as if it had no posts.
    NoPosts,
}

#[derive(Debug, Default)]
pub struct World {
    pub channels: HashMap<String, Channel>,
    /// The landing pages of names that are no channels; without one nobody has the name.
    pub landings: HashMap<String, String>,
    /// For the next requests, in order, whatever they ask.
    pub next: VecDeque<Trouble>,
    /// For all requests to a host, by its address without a slash at the end.
    pub down: HashMap<String, Trouble>,
    pub veil: Option<Veil>,
    /// Where files are now, without a slash at the end.
    pub cdn: String,
    /// Every request: host and target.
    pub asked: Vec<(String, String)>,
}

/// The stand-in; clones share one world.
#[derive(Debug, Clone, Default)]
pub struct StandIn(Arc<Mutex<World>>);

impl StandIn {
    pub fn with(name: &str, id: u64) -> Self {
        let stand_in = Self::default();
        stand_in.add(name, id);
        stand_in
    }

    pub fn add(&self, name: &str, id: u64) {
        let channel = Channel { id, title: format!("The {name} channel"), ..Channel::default() };
        self.world().channels.insert(name.to_owned(), channel);
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub fn post(&self, name: &str, id: u64, html: &str, at: Time) {
        self.world().channels.get_mut(name).unwrap().post(id, html, at);
    }

    /// A post with a picture, `CDN/NAME/ID.jpg`.
    pub fn post_picture(&self, name: &str, id: u64, html: &str, at: Time) {
        self.post(name, id, html, at);
        let media = format!(
            r#"<a class="tgme_widget_message_photo_wrap 51{id} 12_34" href="https://t.me/{name}/{id}" style="width:450px;background-image:url('CDN/{name}/{id}.jpg')"><div class="tgme_widget_message_photo" style="width:75%;padding-top:66%"></div></a>"#
        );
        self.world().channels.get_mut(name).unwrap().messages.get_mut(&id).unwrap().media = media;
    }

    /// A post with a voice of 41 seconds, `CDN/NAME/ID.ogg`.
    pub fn post_voice(&self, name: &str, id: u64, html: &str, at: Time) {
        self.post(name, id, html, at);
        let media = format!(
            r#"<a class="tgme_widget_message_voice_player js-message_voice_player" href="https://t.me/{name}/{id}"><audio class="tgme_widget_message_voice js-message_voice" src="CDN/{name}/{id}.ogg" data-waveform="0,1"></audio><div class="tgme_widget_message_voice_wrap"><time class="tgme_widget_message_voice_duration js-message_voice_duration">0:41</time></div></a>"#
        );
        self.world().channels.get_mut(name).unwrap().messages.get_mut(&id).unwrap().media = media;
    }

    /// Takes a message away and hands it out.
    pub fn take(&self, name: &str, id: u64) -> Option<Message> {
        self.world().channels.get_mut(name)?.messages.remove(&id)
    }

    pub fn requests(&self) -> usize {
        self.world().asked.len()
    }

    pub fn targets(&self) -> Vec<String> {
        self.world().asked.iter().map(|(_, target)| target.clone()).collect()
    }

    fn answer(&self, host: &str, target: &str) -> Result<Answer, Trouble> {
        let mut world = self.world();
        world.asked.push((host.to_owned(), target.to_owned()));
        if let Some(trouble) = world.down.get(host).cloned() {
            return Err(trouble);
        }
        if let Some(trouble) = world.next.pop_front() {
            return Err(trouble);
        }
        let cdn = world.cdn.clone();
        Ok(match world.page(target) {
            Answer::Body(body) => Answer::Body(body.replace("CDN/", &format!("{cdn}/"))),
            answer => answer,
        })
    }

    /// Serves the stand-in on a port of its own until the test ends.
    pub async fn listen(&self) -> Url {
        self.listen_at("127.0.0.1:0").await.unwrap()
    }

    /// As [`StandIn::listen`]; None if the machine has no such address.
    pub async fn listen_at(&self, address: &str) -> Option<Url> {
        let listener = TcpListener::bind(address).await.ok()?;
        let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (stand_in, host) = (self.clone(), url.as_str().trim_end_matches('/').to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stand_in.clone(), host.clone(), stream));
            }
        });
        Some(url)
    }
}

impl Upstream for StandIn {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        tokio::time::sleep(Duration::from_millis(80)).await;
        self.reply(host, target).await
    }
}

impl StandIn {
    /// The answer, at once.
    pub async fn reply(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let name = host.as_str().trim_end_matches('/').to_owned();
        match self.answer(&name, target) {
            Ok(answer) => Ok(answer),
            Err(Trouble::Body(body)) => Ok(Answer::Body(body)),
            Err(Trouble::Redirect(location)) => Ok(Answer::Redirect(location)),
            Err(Trouble::RateLimited(seconds)) => {
                Err(Error::RateLimited { status: 429, retry_after: seconds.map(Duration::from_secs) })
            }
            Err(Trouble::Status(status)) => Err(Error::Status(status)),
            Err(Trouble::Unreachable) => {
                Err(Error::Unreachable { host: name, reason: "connection refused".to_owned() })
            }
            Err(Trouble::Broken) => Err(Error::Broken { host: name, reason: "unexpected end".to_owned() }),
            Err(Trouble::Unavailable) => Err(Error::RateLimited { status: 503, retry_after: None }),
            Err(Trouble::Silence) => std::future::pending().await,
        }
    }
}

/// The head of a request; None if the other end leaves before its end.
pub async fn head_of_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    Some(String::from_utf8_lossy(&request).into_owned())
}

async fn serve(stand_in: StandIn, host: String, mut stream: TcpStream) {
    let Some(request) = head_of_request(&mut stream).await else { return };
    let target = request.split(' ').nth(1).unwrap_or_default();
    let answer = match stand_in.answer(&host, target) {
        Ok(Answer::Body(body)) | Err(Trouble::Body(body)) => response("200 OK", "", &body),
        Ok(Answer::Redirect(to)) | Err(Trouble::Redirect(to)) => {
            response("302 Found", &format!("Location: {to}\r\n"), "")
        }
        Err(Trouble::RateLimited(Some(seconds))) => {
            response("429 Too Many Requests", &format!("Retry-After: {seconds}\r\n"), "")
        }
        Err(Trouble::RateLimited(None)) => response("429 Too Many Requests", "", ""),
        Err(Trouble::Status(status)) => response(&format!("{status} Trouble"), "", ""),
        Err(Trouble::Unavailable) => response("503 Service Unavailable", "", ""),
        Err(Trouble::Broken) => "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<html>".to_owned(),
        Err(Trouble::Unreachable) => return,
        Err(Trouble::Silence) => std::future::pending().await,
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

impl World {
    fn page(&self, target: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut parts = path.trim_start_matches('/').split('/');
        let first = parts.next().unwrap_or_default();
        if first == "s" {
            let name = parts.next().unwrap_or_default();
            let before = query.split('&').find_map(|pair| pair.strip_prefix("before=")?.parse().ok());
            return match self.channels.get(name).filter(|_| self.veil != Some(Veil::Nobody)) {
                Some(_) if self.veil == Some(Veil::NoPosts) => Answer::Body(Channel::default().page(name, before)),
                Some(channel) => Answer::Body(channel.page(name, before)),
                None => Answer::Redirect(format!("https://t.me/{name}")),
            };
        }
        let shown = parts.next().and_then(|id| {
            let (id, channel) = (id.parse().ok()?, self.channels.get(first)?);
            Some(block(first, channel.id, id, channel.messages.get(&id)?))
        });
        match shown {
            Some(block) if query.contains("embed") => Answer::Body(format!("<html><body>{block}</body></html>")),
            None if query.contains("embed") => Answer::Body(
                r#"<html><body><div class="tgme_widget_message_error">Post not found</div></body></html>"#.to_owned(),
            ),
            _ => Answer::Body(self.landings.get(first).cloned().unwrap_or_else(|| nobody(first))),
        }
    }
}

impl Channel {
    fn page(&self, name: &str, before: Option<u64>) -> String {
        let slug = self.slug.as_deref().unwrap_or(name);
        let end = before.unwrap_or(u64::MAX);
        let newest = self.messages.range(..end).next_back().map_or(0, |(id, _)| *id);
        let start = newest.saturating_sub(PAGE_IDS - 1);
        let mut blocks = String::new();
        for (id, message) in self.messages.range(start..end) {
            blocks.push_str(&block(slug, self.id, *id, message));
        }
        if blocks.is_empty() {
            blocks = r#"<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div></div>"#.to_owned();
        }
        let older = self.messages.range(..start).next_back().map_or(String::new(), |_| {
            format!(r#"<div><a href="/s/{name}?before={start}" class="tme_messages_more js-messages_more" data-before="{start}"></a></div>"#)
        });
        format!(
            r#"<!DOCTYPE html><html><head><meta property="og:title" content="{title}"></head><body><header class="tgme_header"><div class="tgme_channel_info"><div class="tgme_channel_info_header_title"><span dir="auto">{title}</span></div><div class="tgme_channel_info_description">About {name}</div></div></header><main class="tgme_main" data-url="/{name}"><section class="tgme_channel_history js-message_history">{older}{blocks}</section></main></body></html>"#,
            title = self.title
        )
    }
}

fn block(slug: &str, channel: u64, id: u64, message: &Message) -> String {
    let view = base64url(&format!(r#"{{"c":-{channel},"p":{id},"t":1,"h":"00"}}"#));
    let at = message.at.to_rfc3339_opts(SecondsFormat::Secs, false);
    let Message { html, media, .. } = message;
    format!(
        r#"<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message js-widget_message" data-post="{slug}/{id}" data-view="{view}"><div class="tgme_widget_message_bubble">{media}<div class="tgme_widget_message_text js-message_text" dir="auto">{html}</div><div class="tgme_widget_message_footer"><div class="tgme_widget_message_info"><span class="tgme_widget_message_views">{id}</span><span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/{slug}/{id}"><time datetime="{at}" class="time">12:00</time></a></span></div></div></div></div></div>"#
    )
}

/// The landing page of a name that nobody has.
pub fn nobody(name: &str) -> String {
    format!(
        r#"<html><head></head><body><div class="tgme_page"><div class="tgme_page_icon"><i class="tgme_icon_user"></i></div><div class="tgme_page_description">If you have <strong>Telegram</strong>, you can contact <a class="tgme_username_link" href="tg://resolve?domain={name}">@{name}</a> right away.</div><div class="tgme_page_action"><a class="tgme_action_button_new" href="tg://resolve?domain={name}">Send Message</a></div></div></body></html>"#
    )
}

/// The landing page of a channel that has no preview.
pub fn without_preview(name: &str) -> String {
    format!(
        r#"<html><head></head><body><div class="tgme_page"><div class="tgme_page_title" dir="auto"><span>{name}</span></div><div class="tgme_page_extra">12 345 subscribers</div><div class="tgme_page_action"><a class="tgme_action_button_new" href="tg://resolve?domain={name}">View in Telegram</a></div></div></body></html>"#
    )
}

/// The landing page of a group.
pub fn group(name: &str) -> String {
    format!(
        r#"<html><head></head><body><div class="tgme_page"><div class="tgme_page_title" dir="auto"><span>{name}</span></div><div class="tgme_page_extra">1 234 members, 56 online</div><div class="tgme_page_action"><a class="tgme_action_button_new" href="tg://resolve?domain={name}">View in Telegram</a></div></div></body></html>"#
    )
}

fn base64url(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = bits >> (18 - 6 * place) & 63;
            let _ = write!(out, "{}", char::from(ALPHABET[index as usize]));
        }
    }
    out
}
