//! Asking and telling callbacks over HTTP. Which addresses may be dialled is decided where names are resolved for
//! dialling, so that no answer of a name server can change in between.

use std::{io, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, LINK},
    redirect::Policy,
};
use sha2::Sha256;
use tokio::{sync::Semaphore, time::timeout};
use url::Url;

use super::{Document, Lease, Mode, Request, link, request::Refusal};
use crate::fetch::{Gate, Resolver, USER_AGENT};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// For looking a name up while the subscriber waits; a slow name is left to the verification.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// Subscribers that wait for a look-up at the same time; the others' names are left to the verification too.
const COURTESIES: usize = 4;
const CHALLENGE_BYTES: usize = 32;
/// A challenge sent back is no longer than this.
const ECHO_BYTES: usize = 256;

/// How a callback took a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Yes,
    Gone,
    No(String),
}

pub struct Callbacks {
    /// For who wants to be subscribed.
    asking: Door,
    /// For who is: he never waits for the other's names.
    telling: Door,
    courtesies: Semaphore,
}

impl Callbacks {
    pub fn new(allow_private: bool, resolver: &Resolver) -> Result<Self, String> {
        let door = || Door::new(Gate::new(allow_private, resolver));
        Ok(Self { asking: door()?, telling: door()?, courtesies: Semaphore::new(COURTESIES) })
    }

    /// Refuses a callback whose name leads to private addresses only. A courtesy: what counts is the check on dialling.
    pub async fn check(&self, callback: &Url) -> Result<(), Refusal> {
        let (Some(name), Ok(_held)) = (callback.domain(), self.courtesies.try_acquire()) else { return Ok(()) };
        match timeout(LOOKUP_TIMEOUT, self.asking.gate.addresses(name)).await {
            Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => Err(Refusal::PrivateCallback),
            _ => Ok(()),
        }
    }

    /// Verification of intent (WebSub, section 5.3): whether the callback's owner means the request.
    pub async fn verify(&self, request: &Request) -> Result<(), String> {
        let challenge = challenge()?;
        let mut url = request.callback.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("hub.mode", request.mode.as_str()).append_pair("hub.topic", &request.topic);
            query.append_pair("hub.challenge", &challenge);
            if request.mode == Mode::Subscribe {
                query.append_pair("hub.lease_seconds", &request.lease.num_seconds().to_string());
            }
        }
        self.asking.gate.pass(&url)?;
        let mut response = self.asking.client.get(url).send().await.map_err(reason)?;
        if !response.status().is_success() {
            return Err(format!("answered with status {}", response.status().as_u16()));
        }
        let mut echo = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            echo.extend_from_slice(&chunk);
            if echo.len() > ECHO_BYTES {
                break;
            }
        }
        if echo == challenge.as_bytes() { Ok(()) } else { Err("did not send the challenge back".to_owned()) }
    }

    /// Content distribution (WebSub, section 7): the whole topic, signed if there is a secret.
    pub async fn deliver(&self, hub: &str, lease: &Lease, document: &Document) -> Taken {
        let Ok(url) = Url::parse(&lease.callback) else { return Taken::No("is no address".to_owned()) };
        if let Err(error) = self.telling.gate.pass(&url) {
            return Taken::No(error);
        }
        let mut request = self
            .telling
            .client
            .post(url)
            .header(CONTENT_TYPE, document.content_type)
            .header(LINK, link(hub, &lease.topic))
            .body(document.bytes.clone());
        if let Some(secret) = &lease.secret {
            request = request.header("X-Hub-Signature", signature(secret, &document.bytes));
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => Taken::Yes,
            Ok(response) if response.status() == StatusCode::GONE => Taken::Gone,
            Ok(response) => Taken::No(format!("answered with status {}", response.status().as_u16())),
            Err(error) => Taken::No(reason(error)),
        }
    }
}

/// So that nobody can answer a challenge that he was not asked.
fn challenge() -> Result<String, String> {
    let mut bytes = [0; CHALLENGE_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| format!("cannot be asked without randomness: {error}"))?;
    Ok(hex(&bytes))
}

/// What clients of the hub have in common: no redirect is followed, and no proxy of the environment is used, which
/// would dial on its own.
pub fn client() -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
}

/// The innermost cause; the outer ones repeat the address.
pub fn reason(error: reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "timed out".to_owned() } else { cause.to_string() }
}

/// The value of X-Hub-Signature (WebSub, section 7.1).
pub fn signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex_of_mac(secret.as_bytes(), body))
}

fn hex_of_mac(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// A client that dials what its gate lets through.
struct Door {
    client: Client,
    gate: Gate,
}

impl Door {
    fn new(gate: Gate) -> Result<Self, String> {
        let client = client().dns_resolver(gate.clone()).build();
        let client = client.map_err(|error| format!("cannot set up the HTTP client for callbacks: {error}"))?;
        Ok(Self { client, gate })
    }
}
