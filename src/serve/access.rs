//! Who may read where access is limited: a token as the password of HTTP Basic (RFC 7617), with any user name,
//! or in front of the path, as `/t/TOKEN/NAME/rss.xml`, for readers that know no passwords.
//!
//! Feeds say the same to everybody, so no token stands in one: neither its self link nor what is shared of it
//! opens the server.

use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::{
    StatusCode, Uri,
    header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
    http::request::Parts,
};

use super::answer::{Answer, moved, problem};
use crate::config::Tokens;

/// What monitors ask; they say nothing of what is served.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// What who brings no token gets; None for who may read. Takes the token off the path. Without tokens everybody may read.
pub fn refuse(tokens: Option<&Tokens>, parts: &mut Parts) -> Option<Answer> {
    let tokens = tokens?;
    if let Some(PathToken { token, rest }) = in_path(&parts.uri) {
        // Also when it is wrong: it may be right elsewhere, or but for a letter.
        parts.uri = rest.clone().unwrap_or_default();
        return match rest {
            _ if !tokens.admit(token.as_bytes()) => Some(unauthorized()),
            None => Some(moved(&format!("./{token}/"))),
            Some(_) => None,
        };
    }
    let open = OPEN.contains(&parts.uri.path());
    let known = open || password(&parts.headers).is_some_and(|password| tokens.admit(&password));
    (!known).then(unauthorized)
}

struct PathToken {
    token: String,
    /// The address without the token; None when it lacks the slash after it, without which no relative link is right.
    rest: Option<Uri>,
}

fn in_path(uri: &Uri) -> Option<PathToken> {
    let path = uri.path().strip_prefix("/t/")?;
    let Some((token, rest)) = path.split_once('/') else {
        return Some(PathToken { token: path.to_owned(), rest: None });
    };
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    let rest = format!("/{rest}{query}").parse().unwrap_or_default();
    Some(PathToken { token: token.to_owned(), rest: Some(rest) })
}

fn password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = BASE64_STANDARD.decode(credentials.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

fn unauthorized() -> Answer {
    let mut response =
        problem(StatusCode::UNAUTHORIZED, "A token is needed: as the password, or as /t/TOKEN/ in front.");
    let challenge = HeaderValue::from_static("Basic realm=\"feedbridge\", charset=\"UTF-8\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// What needs a token is for who brought it alone (RFC 9111 5.2.2.7).
pub fn keep_from_shared_caches(response: &mut Answer) {
    let Some(value) = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()) else { return };
    let Some(rest) = value.strip_prefix("public") else { return };
    if let Ok(private) = HeaderValue::from_str(&format!("private{rest}")) {
        response.headers_mut().insert(CACHE_CONTROL, private);
    }
}
