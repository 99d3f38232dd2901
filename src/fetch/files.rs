//! Asking for the files of posts, at whatever hosts upstream names.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use reqwest::{
    Client, Proxy, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE},
    redirect::Policy,
};
use url::Url;

use super::{CONNECT_TIMEOUT, Gate, Resolver, USER_AGENT, gate::is_not_public, reason};

/// Between two pieces of a file.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Hosts may pass requests on so often.
const REDIRECTS: usize = 3;

/// Asks through the exits of polling, the first that can be connected to.
pub struct Files {
    clients: Vec<Client>,
    gate: Gate,
}

/// A file as it comes.
pub struct FileBody {
    /// In bytes, where the host says so.
    pub length: Option<u64>,
    pub pieces: BoxStream<'static, Result<Bytes, String>>,
}

/// A part of a file as it comes: the fields that say which.
pub struct FilePart {
    pub content_range: String,
    pub body: FileBody,
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The address does not lead to it any more, or never did.
    #[error("the address is dead (status {0})")]
    Dead(u16),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Unreachable(String),
}

impl Files {
    /// Through `proxies`, or directly if there are none. Names are looked up by `resolver`; `allow_private` lets requests go
    /// into private networks and to this machine.
    pub fn new(proxies: &[Url], allow_private: bool, resolver: &Resolver) -> Result<Self, String> {
        let gate = Gate::new(allow_private, resolver);
        let client = |proxy: Option<&Url>| {
            let builder = Client::builder().no_proxy().user_agent(USER_AGENT).redirect(Policy::none());
            let builder = builder.connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).no_gzip();
            let builder = match proxy {
                // The proxy looks names up, and dials.
                Some(proxy) => builder.proxy(Proxy::all(proxy.clone()).map_err(|error| reason(&error))?),
                None => builder.dns_resolver(gate.clone()),
            };
            builder.build().map_err(|error| format!("cannot set up the HTTP client for files: {}", reason(&error)))
        };
        let clients: Result<Vec<_>, String> = match proxies {
            [] => Ok(vec![client(None)?]),
            proxies => proxies.iter().map(|proxy| client(Some(proxy))).collect(),
        };
        Ok(Self { clients: clients?, gate })
    }

    /// Whether the file is still at `url`.
    pub async fn look(&self, url: &str) -> Result<(), FileError> {
        self.ask(url, Some("bytes=0-0")).await.map(drop)
    }

    /// The whole file.
    pub async fn open(&self, url: &str) -> Result<FileBody, FileError> {
        self.ask(url, None).await.map(body)
    }

    /// The `range` of the file, as a request for it says it; None if the host gives the whole instead.
    pub async fn part(&self, url: &str, range: &str) -> Result<Option<FilePart>, FileError> {
        let response = self.ask(url, Some(range)).await?;
        let content_range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let is_part = response.status() == StatusCode::PARTIAL_CONTENT;
        let content_range = content_range.filter(|_| is_part).map(str::to_owned);
        Ok(content_range.map(|content_range| FilePart { content_range, body: body(response) }))
    }

    /// The answer to a request for the file, or for a `range` of it; 200 or 206.
    async fn ask(&self, url: &str, range: Option<&str>) -> Result<Response, FileError> {
        let mut url = Url::parse(url).map_err(|error| FileError::Refused(error.to_string()))?;
        for _ in 0..=REDIRECTS {
            if !matches!(url.scheme(), "https" | "http") {
                return Err(FileError::Refused(format!("{} is no scheme of the web", url.scheme())));
            }
            self.gate.pass(&url).map_err(FileError::Refused)?;
            let response = self.send(&url, range).await?;
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT if is_packed(&response) => {
                    return Err(FileError::Refused("is packed, which nobody asked for".to_owned()));
                }
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(response),
                status if status.is_redirection() => {
                    let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    let next = location.and_then(|to| url.join(to).ok());
                    url = next.ok_or_else(|| FileError::Refused("redirects to nowhere".to_owned()))?;
                }
                StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
                    return Err(FileError::Dead(response.status().as_u16()));
                }
                status => return Err(FileError::Unreachable(format!("answers with status {}", status.as_u16()))),
            }
        }
        Err(FileError::Refused("redirects too often".to_owned()))
    }

    /// By the first exit that can be connected to.
    async fn send(&self, url: &Url, range: Option<&str>) -> Result<Response, FileError> {
        let mut failure = FileError::Unreachable("there is no way out".to_owned());
        for client in &self.clients {
            let mut request = client.get(url.clone());
            if let Some(range) = range {
                request = request.header(RANGE, range);
            }
            match request.send().await {
                Ok(response) => return Ok(response),
                Err(error) if is_not_public(&error) => return Err(FileError::Refused(reason(&error))),
                Err(error) => failure = FileError::Unreachable(reason(&error)),
            }
        }
        Err(failure)
    }
}

/// Whether what comes is not the file itself but a coding of it.
fn is_packed(response: &Response) -> bool {
    response.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity")
}

/// Nothing is unpacked on the way, so its length is that of the file.
fn body(response: Response) -> FileBody {
    let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let pieces = futures_util::stream::unfold(response, |mut response| async move {
        match response.chunk().await {
            Ok(Some(piece)) => Some((Ok(piece), response)),
            Ok(None) => None,
            Err(error) => Some((Err(reason(&error)), response)),
        }
    });
    // An error is the last word.
    let mut failed = false;
    let pieces = pieces.take_while(move |piece| {
        let over = std::mem::replace(&mut failed, piece.is_err());
        std::future::ready(!over)
    });
    FileBody { length, pieces: pieces.boxed() }
}
