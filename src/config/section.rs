//! Reading one table of the configuration key by key: types, bounds and spelling are checked here, and each problem
//! knows its line and key. Knows TOML, not what the keys mean.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt,
    ops::{Range, RangeInclusive},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Something wrong with the configuration, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// For example `server.listen` or `channel[2].name`; empty when the file is no TOML.
    pub key: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, key, message } = self;
        if key.is_empty() { write!(f, "line {line}: {message}") } else { write!(f, "line {line}: {key}: {message}") }
    }
}

/// The file's text and what was found wrong in it so far.
pub struct Document<'a> {
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Document<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, problems: RefCell::new(Vec::new()) }
    }

    pub fn report(&self, offset: usize, key: String, message: String) {
        let line = self.text[..offset.min(self.text.len())].matches('\n').count() + 1;
        self.problems.borrow_mut().push(Problem { line, key, message });
    }

    /// All problems in the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems
    }
}

/// One table. Every key asked for becomes a known key; [`Section::finish`] reports the others.
pub struct Section<'a> {
    document: &'a Document<'a>,
    table: Option<&'a DeTable<'a>>,
    /// Of the table's header, for problems with what is missing.
    offset: usize,
    path: String,
    known: RefCell<BTreeSet<&'static str>>,
}

/// A string of the file with its place, so that a later check can still name it.
pub struct Word<'a> {
    pub text: &'a str,
    pub offset: usize,
    pub key: String,
}

impl<'a> Section<'a> {
    pub fn root(document: &'a Document<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::new(document, Some(table.get_ref()), table.span().start, String::new())
    }

    fn new(document: &'a Document<'a>, table: Option<&'a DeTable<'a>>, offset: usize, path: String) -> Self {
        Self { document, table, offset, path, known: RefCell::default() }
    }

    /// The table `key`; an empty one when it is missing.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let path = self.key(key);
        match self.value(key) {
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
        let Some((span, value)) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value else {
            self.mistyped(&span, key, "a list of tables, each under [[...]]", value);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, element) in array.iter().enumerate() {
            match element.get_ref() {
                DeValue::Table(table) => {
                    let path = format!("{}[{}]", self.key(key), index + 1);
                    sections.push(Self::new(self.document, Some(table), element.span().start, path));
                }
                other => self.mistyped(&element.span(), key, "a table", other),
            }
        }
        sections
    }

    pub fn text(&self, key: &'static str) -> Option<Word<'a>> {
        let (span, value) = self.value(key)?;
        match value {
            DeValue::String(text) => Some(Word { text, offset: span.start, key: self.key(key) }),
            other => {
                self.mistyped(&span, key, "a string", other);
                None
            }
        }
    }

    /// As [`Section::text`], and reports a missing key.
    pub fn required_text(&self, key: &'static str) -> Option<Word<'a>> {
        if self.value(key).is_none() {
            self.document.report(self.offset, self.key(key), "is missing; it must be a string".to_owned());
        }
        self.text(key)
    }

    /// A list of strings, or one alone.
    pub fn text_or_texts(&self, key: &'static str) -> Option<Vec<Word<'a>>> {
        match self.value(key)? {
            (_, DeValue::String(_)) => self.text(key).map(|word| vec![word]),
            _ => self.texts(key),
        }
    }

    /// Whether the key is given as a string.
    pub fn is_text(&self, key: &'static str) -> bool {
        matches!(self.value(key), Some((_, DeValue::String(_))))
    }

    pub fn texts(&self, key: &'static str) -> Option<Vec<Word<'a>>> {
        let (span, value) = self.value(key)?;
        let DeValue::Array(array) = value else {
            self.mistyped(&span, key, "a list of strings", value);
            return None;
        };
        let mut words = Vec::new();
        for element in array {
            match element.get_ref() {
                DeValue::String(text) => {
                    words.push(Word { text, offset: element.span().start, key: self.key(key) });
                }
                other => self.mistyped(&element.span(), key, "a list of strings", other),
            }
        }
        Some(words)
    }

    pub fn integer(&self, key: &'static str, allowed: RangeInclusive<u64>) -> Option<u64> {
        let (span, value) = self.value(key)?;
        let number = match value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            other => {
                self.mistyped(&span, key, "an integer", other);
                return None;
            }
        };
        if number.is_some_and(|n| allowed.contains(&n)) {
            return number;
        }
        let message = format!("must be from {} to {}", allowed.start(), allowed.end());
        self.document.report(span.start, self.key(key), message);
        None
    }

    /// A table of whole numbers, as in `{ "🤡" = 30 }`.
    pub fn numbers(&self, key: &'static str, allowed: RangeInclusive<u64>) -> Option<Vec<(&'a str, u64)>> {
        let (span, value) = self.value(key)?;
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
        let (span, value) = self.value(key)?;
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

    pub fn refuse(&self, word: &Word<'_>, message: String) {
        self.document.report(word.offset, word.key.clone(), format!("\"{}\": {message}", word.text.escape_debug()));
    }

    /// As [`Section::refuse`], without repeating what was written.
    pub fn refuse_quietly(&self, word: &Word<'_>, message: String) {
        self.document.report(word.offset, word.key.clone(), message);
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

    fn value(&self, key: &'static str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
        self.known.borrow_mut().insert(key);
        self.table?.get(key).map(|value| (value.span(), value.get_ref()))
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn mistyped(&self, span: &Range<usize>, key: &str, wanted: &str, found: &DeValue<'_>) {
        self.document.report(span.start, self.key(key), format!("must be {wanted}, but is a {}", found.type_str()));
    }
}
