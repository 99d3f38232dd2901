//! What pages are dressed with: the stylesheet, the icons, and the one script, which shows times in the reader's zone.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::StatusCode;
use sha2::{Digest, Sha256};

use super::digest;
use crate::serve::answer::{self, Answer};

const STYLE: &str = include_str!("../../../templates/style.css");
/// Stands in every page. Without it times are in UTC.
pub const SCRIPT: &str = include_str!("../../../templates/times.js");

const FOR_A_DAY: &str = "public, max-age=86400";

/// Small pictures that stand for the site, by the names that browsers and readers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Vector,
    Classic,
    Touch,
}

impl Icon {
    pub fn of(file: &str) -> Option<Self> {
        match file {
            "favicon.svg" => Some(Self::Vector),
            "favicon.ico" => Some(Self::Classic),
            "apple-touch-icon.png" => Some(Self::Touch),
            _ => None,
        }
    }

    pub fn answer(self) -> Answer {
        let (content_type, bytes): (_, &'static [u8]) = match self {
            Self::Vector => ("image/svg+xml", include_bytes!("../../../templates/favicon.svg")),
            Self::Classic => ("image/vnd.microsoft.icon", include_bytes!("../../../templates/favicon.ico")),
            Self::Touch => ("image/png", include_bytes!("../../../templates/touch-icon.png")),
        };
        answer::typed(StatusCode::OK, content_type, FOR_A_DAY, bytes)
    }
}

/// Named for what it says, so that it may be kept for ever.
pub fn style_name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| format!("style-{}.css", &digest(STYLE.as_bytes())[..12]));
    &NAME
}

pub fn style() -> Answer {
    answer::typed(StatusCode::OK, "text/css; charset=utf-8", "public, max-age=31536000, immutable", STYLE)
}

/// The Content-Security-Policy of every page: pictures and films come from Telegram's hosts, whose names change; of
/// scripts only the one that is known by its hash runs.
pub fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let script = STANDARD.encode(Sha256::digest(SCRIPT));
        format!(
            "default-src 'none'; style-src 'self'; script-src 'sha256-{script}'; img-src 'self' https: data:; \
             media-src 'self' https:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    });
    &POLICY
}
