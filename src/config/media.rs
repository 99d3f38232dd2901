//! `[media]`: whose addresses the files of posts have.

use url::Url;

use super::{Server, read::is_loopback, section::Section};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Telegram's, which die within days.
    Direct,
    /// Our own, which lead to Telegram's present ones.
    Redirect,
}

impl Mode {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Redirect => "redirect",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub mode: Mode,
    /// What decided that, as the end of a sentence.
    pub reason: &'static str,
    /// Files may lie in private networks and on this machine.
    pub allow_private: bool,
}

/// By addresses of our own where others than this machine can follow them, if nothing is said.
pub fn media(section: Section<'_>, server: &Server) -> Media {
    let said = section.choice("mode", &[Mode::Direct, Mode::Redirect].map(|mode| (mode.as_str(), mode)));
    let allow_private = section.boolean("allow_private").unwrap_or(false);
    section.finish();
    let is_local = Url::parse(&server.public_url).is_ok_and(|url| is_loopback(&url));
    match said {
        Some(mode) => Media { mode, reason: "media.mode says so", allow_private },
        None if is_local => Media {
            mode: Mode::Direct,
            reason: "server.public_url is an address of this machine, which readers elsewhere could not follow",
            allow_private,
        },
        None => Media { mode: Mode::Redirect, reason: "readers can follow server.public_url", allow_private },
    }
}
