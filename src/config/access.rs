//! Who may read: everybody, or who knows one of the tokens in a file of its own, so that the configuration holds
//! no secret.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::section::Section;

/// Shorter tokens could be guessed.
const LEAST_LENGTH: usize = 16;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// As written; None: everybody may read. See [`Access::load`].
    pub tokens_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("cannot read access.tokens_file {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// The token itself is never said.
    #[error(
        "{path}: line {line}: a token has at least {LEAST_LENGTH} characters, letters, digits and -._~ only; \
         `openssl rand -hex 16` makes one"
    )]
    Malformed { path: PathBuf, line: usize },
    #[error("{path} holds no token, so nobody could read; add one a line, or remove access.tokens_file")]
    Empty { path: PathBuf },
}

impl Access {
    /// The tokens; None when everybody may read. A relative path is taken from `credentials` (systemd's
    /// CREDENTIALS_DIRECTORY) when that is set, else from the working directory.
    pub fn load(&self, credentials: Option<&Path>) -> Result<Option<Tokens>, TokenError> {
        let Some((text, path)) = self.read(credentials)? else { return Ok(None) };
        Tokens::parse(&text, &path).map(Some)
    }

    /// The first of the tokens, for a command that asks the daemon; otherwise as [`Access::load`].
    pub fn password(&self, credentials: Option<&Path>) -> Result<Option<String>, TokenError> {
        let Some((text, path)) = self.read(credentials)? else { return Ok(None) };
        Tokens::parse(&text, &path)?;
        Ok(tokens(&text).next().map(|(_, token)| token.to_owned()))
    }

    fn read(&self, credentials: Option<&Path>) -> Result<Option<(String, PathBuf)>, TokenError> {
        let Some(file) = &self.tokens_file else { return Ok(None) };
        let path = credentials.map_or_else(|| file.clone(), |directory| directory.join(file));
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some((text, path))),
            Err(source) => Err(TokenError::Io { path, source }),
        }
    }
}

pub fn access(section: Section<'_>) -> Access {
    let tokens_file = section.text("tokens_file").and_then(|word| {
        if word.text.is_empty() {
            section.refuse(&word, "must name a file with one token a line".into());
            return None;
        }
        Some(PathBuf::from(word.text))
    });
    section.finish();
    Access { tokens_file }
}

/// The tokens that open the server. Kept as digests: all of one length, and of no use to who reads the memory.
#[derive(Clone)]
pub struct Tokens(Vec<[u8; 32]>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// One token a line; empty lines, and those that begin with `#`, are passed over. `path` is for the errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TokenError> {
        let mut digests = Vec::new();
        for (line, token) in tokens(text) {
            // These need no escape in an address (RFC 3986 2.3), so a token has one spelling only.
            let plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            if token.len() < LEAST_LENGTH || !plain {
                return Err(TokenError::Malformed { path: path.to_owned(), line });
            }
            digests.push(digest(token.as_bytes()));
        }
        if digests.is_empty() { Err(TokenError::Empty { path: path.to_owned() }) } else { Ok(Self(digests)) }
    }

    /// Whether `token` is one of them, in a time that does not tell how nearly.
    pub fn admit(&self, token: &[u8]) -> bool {
        let given = digest(token);
        self.0.iter().fold(Choice::from(0), |found, known| found | known.ct_eq(&given)).into()
    }
}

/// Each with its line, counted from 1.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}
