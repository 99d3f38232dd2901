//! The map in `src/lib.rs`, held: a module uses its own and lower layers only, and each outside system is known to one.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// From the lowest layer to the highest, as `src/lib.rs` draws them.
const LAYERS: [&[&str]; 5] = [
    &["model"],
    &["page", "diff", "feed", "opml", "schedule"],
    &["clock", "config", "edition", "feeds", "fetch", "media", "metrics", "readers", "shelf", "status", "store"],
    &["demand", "poll", "serve", "hub"],
    &["cli", "daemon"],
];

/// A library, and the modules that may name it.
const DOORS: [(&str, &[&str]); 8] = [
    ("scraper", &["page"]),
    ("reqwest", &["fetch", "hub"]),
    ("sled", &["store"]),
    ("hyper", &["serve"]),
    ("rss", &["feed/rss"]),
    ("atom_syndication", &["feed/atom"]),
    ("clap", &["cli", "daemon"]),
    ("prometheus_client", &["metrics"]),
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let shown = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("").to_string_lossy().into_owned();
    files.iter().map(|path| (shown(path), fs::read_to_string(path).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The lines that say something: neither comments nor tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]").next().unwrap_or_default().lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn layer(module: &str) -> Option<usize> {
    let top = module.split('/').next().unwrap_or_default();
    LAYERS.iter().position(|layer| layer.contains(&top))
}

/// The modules of the crate that `text` names: `crate::name` and `crate::{name, …}`.
fn used(text: &str) -> Vec<String> {
    let text: String = code(text).collect::<Vec<_>>().join("\n");
    let mut used = Vec::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => used.push(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (at, character) in list.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            used.push(word(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    used
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn every_module_has_a_place_on_the_map() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for line in map.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(layer(module).is_some(), "{module} is in no layer");
        assert!(map.contains(&format!("`{module}`")), "{module} is not drawn in src/lib.rs");
    }
}

#[test]
fn a_module_uses_its_own_and_lower_layers_only() {
    for (module, text) in sources() {
        let Some(own) = layer(&module) else { continue };
        for name in used(&text) {
            let Some(other) = layer(&name) else { continue };
            assert!(other <= own, "{module} (layer {own}) uses {name} (layer {other})");
        }
    }
}

/// Whether `text` names the crate `library`, in a `use` or in the middle of an expression.
fn names(text: &str, library: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code(text).any(|line| {
        let path = format!("{library}::");
        let begins = |at: usize| {
            let before = &line[..at];
            // `::name::` begins at the crates; `other::name::` is a module of another.
            let before = before.strip_suffix("::").filter(|rest| !rest.ends_with(is_part)).unwrap_or(before);
            !before.ends_with(|c| is_part(c) || c == ':')
        };
        line.match_indices(&path).any(|(at, _)| begins(at)) || line.contains(&format!("use {library};"))
    })
}

#[test]
fn each_outside_system_is_known_to_one_module() {
    let sources = sources();
    for (module, text) in &sources {
        for (library, doors) in DOORS {
            let folder = module.strip_suffix("/mod").or_else(|| Some(module.rsplit_once('/')?.0)).unwrap_or(module);
            // A module of the library's name that stands beside this one.
            let is_own = sources.iter().any(|(other, _)| *other == format!("{folder}/{library}"));
            let allowed = doors.iter().any(|door| module == door || module.starts_with(&format!("{door}/")));
            assert!(allowed || is_own || !names(text, library), "{module} names {library}");
        }
    }
}

#[test]
fn a_crate_is_found_in_the_middle_of_an_expression_too() {
    for line in ["use sled::Db;", "let db = sled::open(path)?;", "fn f(db: &::sled::Db) {}", "use sled;"] {
        assert!(names(line, "sled"), "{line}");
    }
    for line in ["use crate::sled::Db;", "other_sled::open()", "// sled::open", "store::sled::open()"] {
        assert!(!names(line, "sled"), "{line}");
    }
}

#[test]
fn the_pure_layers_do_no_io_read_no_clock_and_log_nothing() {
    let impure =
        ["std::fs", "std::net", "std::io", "tokio", "tracing", "SystemTime", "Instant::now", "Utc::now", "async fn"];
    for (module, text) in sources().iter().filter(|(module, _)| layer(module).is_some_and(|layer| layer < 2)) {
        for line in code(text) {
            assert!(!impure.iter().any(|word| line.contains(word)), "{module}: {line}");
        }
    }
}

#[test]
fn nobody_but_the_store_knows_which_kinds_of_stores_there_are() {
    for (module, text) in sources() {
        let named = code(&text).any(|line| line.contains("Local::") || line.contains("store::Local"));
        assert!(!named || module.starts_with("store/"), "{module} makes a store of its own; store::open makes all");
    }
}
