//! Reading one table of the configuration key by key, from the file or from a variable of the environment, which comes
//! first: types, bounds and spelling are checked here, and each problem knows its place and key. Knows TOML, not what the
//! keys mean.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::{Range, RangeInclusive},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::environment::{Environment, nearest, variable};

/// Something wrong with the configuration, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub place: Place,
    /// For example `server.listen` or `channel[2].name`; empty when the file is no TOML.
    pub key: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Of the file, counted from 1.
    Line(usize),
    /// Of the environment, by name.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, key, message } = self;
        // The name of a variable says the key.
        let key = if matches!(place, Place::Variable(_)) { "" } else { key };
        if key.is_empty() { write!(f, "{place}: {message}") } else { write!(f, "{place}: {key}: {message}") }
    }
}

/// What was said, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub value: String,
    pub place: Place,
}

/// What was said of every key that there is, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// None for one that is as by default.
    pub keys: BTreeMap<String, Option<Said>>,
    /// The channels and feeds, in their order.
    pub entries: Vec<Said>,
}

/// The file's text, the environment, and what was found in them so far.
pub struct Document<'a> {
    text: &'a str,
    environment: &'a Environment,
    problems: RefCell<Vec<Problem>>,
    sources: RefCell<Sources>,
}

impl<'a> Document<'a> {
    pub fn new(text: &'a str, environment: &'a Environment) -> Self {
        Self { text, environment, problems: RefCell::default(), sources: RefCell::default() }
    }

    pub fn report(&self, offset: usize, key: String, message: String) {
        self.report_at(self.line(offset), key, message);
    }

    fn report_at(&self, place: Place, key: String, message: String) {
        self.problems.borrow_mut().push(Problem { place, key, message });
    }

    fn line(&self, offset: usize) -> Place {
        Place::Line(self.text[..offset.min(self.text.len())].matches('\n').count() + 1)
    }

    fn said(&self, span: &Range<usize>) -> Said {
        Said { value: self.text.get(span.clone()).unwrap_or_default().to_owned(), place: self.line(span.start) }
    }

    /// The words of a variable that is no key's, separated by commas.
    pub fn listed(&self, name: &str) -> Vec<Word<'a>> {
        let place = Place::Variable(name.to_owned());
        let words = self.environment.get(name).into_iter().flat_map(words);
        words.map(|text| Word { text, place: place.clone(), key: String::new() }).collect()
    }

    /// Reports the variables that are no key's and none of `others`.
    pub fn finish(&self, others: &[&str]) {
        let known: Vec<String> = self.sources.borrow().keys.keys().map(|key| variable(key)).collect();
        let known = || known.iter().map(String::as_str).chain(others.iter().copied());
        for name in self.environment.names().filter(|name| !known().any(|known| known == *name)) {
            let nearest = nearest(name, known()).unwrap_or_default();
            let message = format!("unknown setting; did you mean {nearest}?");
            self.report_at(Place::Variable(name.to_owned()), String::new(), message);
        }
    }

    /// All problems in the order of the file, then those of the environment.
    pub fn into_problems(self) -> Result<Sources, Vec<Problem>> {
        let mut problems = self.problems.into_inner();
        problems.sort();
        if problems.is_empty() { Ok(self.sources.into_inner()) } else { Err(problems) }
    }
}

/// Of a list in a variable.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// One table. Every key asked for becomes a known key; [`Section::finish`] reports the others.
pub struct Section<'a> {
    document: &'a Document<'a>,
    table: Option<&'a DeTable<'a>>,
    /// Of the table's header, for problems with what is missing.
    offset: usize,
    path: String,
    /// It is one of several, which no variable can tell apart.
    is_listed: bool,
    known: RefCell<BTreeSet<&'static str>>,
}

/// A string with its place, so that a later check can still name it.
pub struct Word<'a> {
    pub text: &'a str,
    place: Place,
    key: String,
}

impl<'a> Section<'a> {
    pub fn root(document: &'a Document<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::new(document, Some(table.get_ref()), table.span().start, String::new())
    }

    fn new(document: &'a Document<'a>, table: Option<&'a DeTable<'a>>, offset: usize, path: String) -> Self {
        Self { document, table, offset, path, is_listed: false, known: RefCell::default() }
    }

    /// The table `key`; an empty one when it is missing.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let path = self.key(key);
        match self.in_file(key) {
            None => Self::new(self.document, None, self.offset, path),
            Some((span, DeValue::Table(table))) => Self::new(self.document, Some(table), span.start, path),
            Some((span, other)) => {
                self.mistyped(&span, key, "a table", other);
                Self::new(self.document, None, span.start, path)
            }
        }
    }

    /// The tables of `[[key]]`, in order.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some((span, value)) = self.in_file(key) else { return Vec::new() };
        let DeValue::Array(array) = value else {
            self.mistyped(&span, key, "a list of tables, each under [[...]]", value);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, element) in array.iter().enumerate() {
            match element.get_ref() {
                DeValue::Table(table) => {
                    let path = format!("{}[{}]", self.key(key), index + 1);
                    let section = Self::new(self.document, Some(table), element.span().start, path);
                    sections.push(Self { is_listed: true, ..section });
                }
                other => self.mistyped(&element.span(), key, "a table", other),
            }
        }
        sections
    }

    pub fn text(&self, key: &'static str) -> Option<Word<'a>> {
        if let Some((text, place)) = self.variable(key) {
            return Some(Word { text, place, key: self.key(key) });
        }
        let (span, value) = self.in_file(key)?;
        match value {
            DeValue::String(text) => Some(self.word(text, &span, key)),
            other => {
                self.mistyped(&span, key, "a string", other);
                None
            }
        }
    }

    /// As [`Section::text`], and reports a missing key.
    pub fn required_text(&self, key: &'static str) -> Option<Word<'a>> {
        if self.in_file(key).is_none() {
            self.document.report(self.offset, self.key(key), "is missing; it must be a string".to_owned());
        }
        self.text(key)
    }

    /// A list of strings, or one alone.
    pub fn text_or_texts(&self, key: &'static str) -> Option<Vec<Word<'a>>> {
        match self.in_file(key) {
            Some((_, DeValue::String(_))) if self.variable(key).is_none() => self.text(key).map(|word| vec![word]),
            _ => self.texts(key),
        }
    }

    /// Whether the key is given as a string.
    pub fn is_text(&self, key: &'static str) -> bool {
        match self.variable(key) {
            Some((text, _)) => text.parse::<u64>().is_err(),
            None => matches!(self.in_file(key), Some((_, DeValue::String(_)))),
        }
    }

    pub fn texts(&self, key: &'static str) -> Option<Vec<Word<'a>>> {
        if let Some((value, place)) = self.variable(key) {
            let word = |text| Word { text, place: place.clone(), key: self.key(key) };
            return Some(words(value).map(word).collect());
        }
        let (span, value) = self.in_file(key)?;
        let DeValue::Array(array) = value else {
            self.mistyped(&span, key, "a list of strings", value);
            return None;
        };
        let mut words = Vec::new();
        for element in array {
            match element.get_ref() {
                DeValue::String(text) => {
                    words.push(self.word(text, &element.span(), key));
                }
                other => self.mistyped(&element.span(), key, "a list of strings", other),
            }
        }
        Some(words)
    }

    pub fn integer(&self, key: &'static str, allowed: RangeInclusive<u64>) -> Option<u64> {
        let (number, place) = match (self.variable(key), self.in_file(key)) {
            (Some((text, place)), _) => (text.trim().parse().ok(), place),
            (None, Some((span, DeValue::Integer(digits)))) => {
                (u64::from_str_radix(digits.as_str(), digits.radix()).ok(), self.document.line(span.start))
            }
            (None, Some((span, other))) => {
                self.mistyped(&span, key, "an integer", other);
                return None;
            }
            (None, None) => return None,
        };
        if number.is_some_and(|n| allowed.contains(&n)) {
            return number;
        }
        let message = format!("must be from {} to {}", allowed.start(), allowed.end());
        self.document.report_at(place, self.key(key), message);
        None
    }

    /// A table of whole numbers, as in `{ "🤡" = 30 }`.
    pub fn numbers(&self, key: &'static str, allowed: RangeInclusive<u64>) -> Option<Vec<(&'a str, u64)>> {
        let (span, value) = self.in_file(key)?;
        let DeValue::Table(table) = value else {
            self.mistyped(&span, key, "a table of numbers", value);
            return None;
        };
        let mut numbers = Vec::new();
        for (name, value) in table {
            let number = match value.get_ref() {
                DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
                _ => None,
            };
            match number.filter(|number| allowed.contains(number)) {
                Some(number) => numbers.push((name.get_ref().as_ref(), number)),
                None => {
                    let message = format!("must be whole numbers from {} to {}", allowed.start(), allowed.end());
                    self.document.report(value.span().start, self.key(key), message);
                }
            }
        }
        Some(numbers)
    }

    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        if let Some((text, place)) = self.variable(key) {
            let value = text.trim().parse().ok();
            if value.is_none() {
                self.document.report_at(place, self.key(key), "must be true or false".to_owned());
            }
            return value;
        }
        let (span, value) = self.in_file(key)?;
        match value {
            DeValue::Boolean(value) => Some(*value),
            other => {
                self.mistyped(&span, key, "true or false", other);
                None
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, allowed: &[(&str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = allowed.iter().find(|(name, _)| *name == word.text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = allowed.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.refuse(&word, format!("must be one of {}", names.join(", ")));
        }
        found
    }

    /// Notes a channel or a feed.
    pub fn enter(&self, word: &Word<'_>) {
        let entry = Said { value: word.text.to_owned(), place: word.place.clone() };
        self.document.sources.borrow_mut().entries.push(entry);
    }

    pub fn refuse(&self, word: &Word<'_>, message: String) {
        let message = format!("\"{}\": {message}", word.text.escape_debug());
        self.document.report_at(word.place.clone(), word.key.clone(), message);
    }

    /// As [`Section::refuse`], without repeating what was written.
    pub fn refuse_quietly(&self, word: &Word<'_>, message: String) {
        self.document.report_at(word.place.clone(), word.key.clone(), message);
    }

    /// Reports a problem with the section as a whole.
    pub fn refuse_section(&self, message: String) {
        // What it lacks may be what was refused in it, with a reason of its own.
        let below = format!("{}.", self.path);
        if !self.document.problems.borrow().iter().any(|problem| problem.key.starts_with(&below)) {
            self.document.report(self.offset, self.path.clone(), message);
        }
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self) {
        let known = self.known.borrow();
        for key in self.table.into_iter().flat_map(DeTable::keys) {
            let name: &str = key.get_ref();
            if !known.contains(name) {
                let names: Vec<_> = known.iter().copied().collect();
                let message = format!("unknown key; known here: {}", names.join(", "));
                let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
                self.document.report(key.span().start, path, message);
            }
        }
    }

    /// What the environment says of the key. Notes that there is such a key, and where it is said.
    fn variable(&self, key: &'static str) -> Option<(&'a str, Place)> {
        self.known.borrow_mut().insert(key);
        if self.is_listed {
            return None;
        }
        let path = self.key(key);
        let name = variable(&path);
        let variable = self.document.environment.get(&name).map(|value| (value, Place::Variable(name)));
        let in_file = || self.in_file(key).map(|(span, _)| self.document.said(&span));
        let said = variable.clone().map(|(value, place)| Said { value: value.to_owned(), place }).or_else(in_file);
        self.document.sources.borrow_mut().keys.insert(path, said);
        variable
    }

    /// What the file says of the key.
    fn in_file(&self, key: &'static str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
        self.known.borrow_mut().insert(key);
        self.table?.get(key).map(|value| (value.span(), value.get_ref()))
    }

    fn word(&self, text: &'a str, span: &Range<usize>, key: &str) -> Word<'a> {
        Word { text, place: self.document.line(span.start), key: self.key(key) }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn mistyped(&self, span: &Range<usize>, key: &str, wanted: &str, found: &DeValue<'_>) {
        self.document.report(span.start, self.key(key), format!("must be {wanted}, but is a {}", found.type_str()));
    }
}
