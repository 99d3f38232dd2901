//! The channels of a configuration file, added and taken out in place: whatever else the file says, with its comments
//! and its order, stays as it is, byte by byte. Text in, text out.

use std::ops::Range;

use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table, Value, value};

use crate::model::ChannelName;

/// Why the text cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("it is no TOML: {0}")]
    Syntax(String),
    #[error("`channel` is no list of tables, each under [[channel]]")]
    NotChannels,
}

/// The block that stands for a channel.
pub fn block(name: &ChannelName) -> String {
    format!("[[channel]]\nname = \"{name}\"\n")
}

/// With a block for each of `names`, behind the last one that is there.
pub fn with_channels(text: &str, names: &[ChannelName]) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let list = document.entry("channel").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    for name in names {
        let mut table = Table::new();
        table.insert("name", value(name.as_str()));
        match list {
            Item::ArrayOfTables(tables) => {
                let blank = !(text.is_empty() && tables.is_empty());
                table.decor_mut().set_prefix(if blank { "\n" } else { "" });
                tables.push(table);
            }
            Item::Value(Value::Array(array)) => array.push(table.into_inline_table()),
            _ => return Err(EditError::NotChannels),
        }
    }
    let written = document.to_string();
    Ok(if text.contains("\r\n") { written.replace("\r\n", "\n").replace('\n', "\r\n") } else { written })
}

/// Without the blocks of `names`, the comments that stand right above them with them.
pub fn without_channels(text: &str, names: &[ChannelName]) -> Result<String, EditError> {
    let is_named =
        |name: Option<&str>| name.and_then(|name| name.parse().ok()).is_some_and(|name| names.contains(&name));
    let document = Document::parse(text).map_err(|error| EditError::Syntax(error.message().to_owned()))?;
    match document.get("channel") {
        None => Ok(text.to_owned()),
        Some(Item::ArrayOfTables(tables)) => {
            let named = tables.iter().filter(|table| is_named(table.get("name").and_then(Item::as_str)));
            let blocks: Vec<_> = named.filter_map(|table| lines_of(text, table)).collect();
            let mut kept = text.to_owned();
            blocks.into_iter().rev().for_each(|block| kept.replace_range(block, ""));
            Ok(kept)
        }
        Some(Item::Value(Value::Array(_))) => without_elements(text, is_named),
        Some(_) => Err(EditError::NotChannels),
    }
}

fn without_elements(text: &str, is_named: impl Fn(Option<&str>) -> bool) -> Result<String, EditError> {
    let mut document = parse(text)?;
    if let Some(array) = document.get_mut("channel").and_then(Item::as_array_mut) {
        array.retain(|element| !is_named(element.as_inline_table().and_then(|table| table.get("name")?.as_str())));
    }
    Ok(document.to_string())
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse::<DocumentMut>().map_err(|error| EditError::Syntax(error.message().to_owned()))
}

/// From the comments right above the header to the blank line behind the last key; from the blank line above, if there is
/// none behind.
fn lines_of(text: &str, table: &Table) -> Option<Range<usize>> {
    let header = table.span()?;
    let last = table.iter().filter_map(|(_, item)| item.span()).map(|span| span.end).max().unwrap_or(header.end);
    let mut start = text[..header.start].rfind('\n').map_or(0, |at| at + 1);
    for line in text[..start].split_inclusive('\n').rev().take_while(|line| line.trim_start().starts_with('#')) {
        start -= line.len();
    }
    let rest = &text[last..];
    let mut end = last + rest.find('\n').map_or(rest.len(), |at| at + 1);
    if let Some(blank) = text[end..].split_inclusive('\n').next().filter(|line| line.trim().is_empty()) {
        end += blank.len();
    } else if let Some(blank) = text[..start].split_inclusive('\n').next_back().filter(|line| line.trim().is_empty()) {
        start -= blank.len();
    }
    Some(start..end)
}
