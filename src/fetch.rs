//! Asking upstream: one GET, bounded in time and size; and for the files of posts. Beside `hub`, which asks and tells
//! subscribers, the only module that knows reqwest.
//! Says what came back, not what it means.

mod address;
mod files;
mod gate;
mod lookup;

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use reqwest::{
    Client, Proxy, Response, StatusCode,
    header::{ACCEPT_LANGUAGE, LOCATION, RETRY_AFTER},
    redirect::Policy,
};
use tokio::{net::TcpStream, time::timeout};
use url::Url;

pub use address::is_public;
pub use files::{FileBody, FileError, FilePart, Files};
pub use gate::{Gate, literal};
pub use lookup::{Resolver, system};

/// Names the program and where to complain.
pub const USER_AGENT: &str =
    concat!("feedbridge/", env!("CARGO_PKG_VERSION"), " (+", env!("CARGO_PKG_REPOSITORY"), "; feed reader bridge)");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole answer, however slowly it trickles.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Real pages have 60 to 250 kB decoded.
const MAX_BODY: usize = 8 << 20;
/// Longer waits are not believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200, decoded; bytes that are not UTF-8 are replaced.
    Body(String),
    /// 3xx with its Location. Never followed here: upstream redirects to say that there is no preview.
    Redirect(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 429 or 503.
    #[error("upstream asks to wait (status {status})")]
    RateLimited { status: u16, retry_after: Option<Duration> },
    #[error("upstream answered with status {0}")]
    Status(u16),
    /// No answer at all: name resolution, connection, TLS or the proxy failed. Another way may work. `host` is for
    /// people, with the proxy, if it was asked through one.
    #[error("cannot reach {host}: {reason}")]
    Unreachable { host: String, reason: String },
    /// The answer began but did not end, or made no sense as HTTP. `host` as above.
    #[error("the answer of {host} broke off: {reason}")]
    Broken { host: String, reason: String },
    #[error("the answer is larger than {} MiB", MAX_BODY >> 20)]
    TooLarge,
}

/// A proxy's address for people: without user and password.
pub fn without_credentials(proxy: &Url) -> String {
    let port = proxy.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", proxy.scheme(), proxy.host_str().unwrap_or_default())
}

/// Whatever answers requests: the network, or a stand-in within a test.
pub trait Upstream: Send + Sync + 'static {
    /// GETs `target` (a path with its query, beginning with `/`) from `host`.
    fn get(&self, host: &Url, target: &str) -> impl Future<Output = Result<Answer, Error>> + Send;
}

/// The network.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    proxy: Option<Url>,
}

impl Http {
    /// Asks through `proxy`, if there is one; one of the environment's is not used.
    pub fn new(proxy: Option<&Url>) -> Result<Self, String> {
        Self::with_timeout(proxy, TIMEOUT)
    }

    /// With another time for a whole answer.
    pub fn with_timeout(proxy: Option<&Url>, longest: Duration) -> Result<Self, String> {
        let unusable = |error: &reqwest::Error| format!("cannot set up the HTTP client: {}", reason(error));
        let mut builder = Client::builder().no_proxy();
        if let Some(proxy) = proxy {
            builder = builder.proxy(Proxy::all(proxy.clone()).map_err(|error| unusable(&error))?);
        }
        let client = builder
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(longest)
            .gzip(true)
            .build()
            .map_err(|error| unusable(&error))?;
        Ok(Self { client, proxy: proxy.cloned() })
    }

    /// Who is asked, for people.
    fn asked(&self, host: &Url) -> String {
        let name = host.host_str().unwrap_or_default();
        match &self.proxy {
            Some(proxy) => format!("{name} through {}", without_credentials(proxy)),
            None => name.to_owned(),
        }
    }

    /// What ended a request before its answer began. Of a SOCKS proxy that cannot be connected to the library tells no
    /// reason, so it is asked for here.
    async fn failure(&self, host: String, error: &reqwest::Error) -> Error {
        let socks = self.proxy.as_ref().filter(|proxy| proxy.scheme().starts_with("socks") && error.is_connect());
        let Some(proxy) = socks else { return failure(host, error) };
        let address = (proxy.host_str().unwrap_or_default(), proxy.port().unwrap_or(1080));
        let reason = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => reason(error),
            Ok(Err(refused)) => refused.to_string(),
            Err(_) => "the proxy does not answer".to_owned(),
        };
        Error::Unreachable { host, reason }
    }

    /// Whether a proxy speaks HTTP with us in upstream's place. Through a tunnel and through SOCKS upstream does.
    fn is_forwarded(&self, host: &Url) -> bool {
        host.scheme() == "http" && self.proxy.as_ref().is_some_and(|proxy| proxy.scheme().starts_with("http"))
    }
}

impl Upstream for Http {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let mut url = host.clone();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        // The interface language of the pages is upstream's guess otherwise.
        let request = self.client.get(url).header(ACCEPT_LANGUAGE, "en");
        let asked = || self.asked(host);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.failure(asked(), &error).await),
        };
        // By RFC 9110, 15.5.8, it is 407; tinyproxy says 401 of a wrong password.
        let refusals = [StatusCode::PROXY_AUTHENTICATION_REQUIRED, StatusCode::UNAUTHORIZED];
        if self.is_forwarded(host) && refusals.contains(&response.status()) {
            let reason = format!("the proxy refuses user or password (status {})", response.status().as_u16());
            return Err(Error::Unreachable { host: asked(), reason });
        }
        read(asked, response).await
    }
}

/// The body that a daemon on this machine answers with, whatever its status; the reason in words if it does not.
pub async fn local(url: &str, password: Option<&str>) -> Result<Vec<u8>, String> {
    let client = Client::builder().no_proxy().user_agent(USER_AGENT).timeout(CONNECT_TIMEOUT).build();
    let client = client.map_err(|error| reason(&error))?;
    let mut request = client.get(url);
    if let Some(password) = password {
        request = request.basic_auth("feedbridge", Some(password));
    }
    let response = request.send().await.map_err(|error| reason(&error))?;
    response.bytes().await.map(Vec::from).map_err(|error| reason(&error))
}

async fn read(asked: impl Fn() -> String, mut response: Response) -> Result<Answer, Error> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            return Err(Error::RateLimited {
                status: response.status().as_u16(),
                retry_after: retry_after.and_then(|value| wait(value, SystemTime::now())),
            });
        }
        status if status.is_redirection() => {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            return location
                .map(|location| Answer::Redirect(location.to_owned()))
                .ok_or_else(|| Error::Status(status.as_u16()));
        }
        status => return Err(Error::Status(status.as_u16())),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(asked(), &error))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer::Body(String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into())))
}

/// Retry-After in either form (RFC 9110, 10.2.3), at most a day.
fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    let wait = match value.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value.trim()).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// What ended a request to `host` before its answer began.
fn failure(host: String, error: &reqwest::Error) -> Error {
    // One that ran out of time may be the host's silence as much as the network's.
    if error.is_connect() || error.is_dns() || error.is_timeout() {
        return Error::Unreachable { host, reason: reason(error) };
    }
    broken(host, error)
}

fn broken(host: String, error: &reqwest::Error) -> Error {
    Error::Broken { host, reason: reason(error) }
}

/// The innermost cause; the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "timed out".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_clamped() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(wait("120", now), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("99999999999", now), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("soon", now), None);
    }
}
