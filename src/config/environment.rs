//! Settings by variables of the environment: `FEEDBRIDGE_SERVER__LISTEN` is `server.listen`, `FEEDBRIDGE_CHANNELS` lists
//! channels. Which keys there are, the sections know.

use std::{collections::BTreeMap, env};

const PREFIX: &str = "FEEDBRIDGE_";
/// Channels to follow beside those in the file, separated by commas.
pub const CHANNELS: &str = "FEEDBRIDGE_CHANNELS";

/// The variables that are meant for this program, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }
}

/// The variable of a key such as `server.listen`.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// The one of `known` that is most like `name`.
pub fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known.min_by_key(|known| strsim::damerau_levenshtein(name, known))
}
