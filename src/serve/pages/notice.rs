//! What people read who cannot be shown what they asked for.

use askama::Template;
use hyper::{
    StatusCode,
    header::{CONTENT_SECURITY_POLICY, HeaderValue},
};

use super::{assets, frame::Frame};
use crate::serve::{
    Site,
    answer::{self, Answer, problem},
};

/// A title, a sentence about it, and where to go on.
pub struct Notice<'a> {
    /// Leads from the page to the first one.
    pub root: &'static str,
    pub title: String,
    pub words: &'a str,
    pub again: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Page<'a> {
    frame: Frame,
    words: &'a str,
    again: Option<&'a str>,
}

pub fn notice(site: &Site, status: StatusCode, notice: Notice<'_>) -> Answer {
    let Notice { root, title, words, again } = notice;
    let url = format!("{}/", site.config.server.public_url);
    let page = Page { frame: Frame::new(root, title, url, false), words, again };
    let Ok(body) = page.render() else { return problem(status, words) };
    let mut answer = answer::typed(status, "text/html; charset=utf-8", "no-store", body);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(assets::policy()));
    answer.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    answer
}
