//! `SECURITY.md` names tests that exist.

use std::{fs, path::Path};

#[test]
fn every_defence_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let test = row.rsplit('|').nth(1).unwrap().trim().trim_matches('`');
        let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{row}"));
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("fn {name}(")), "{test}");
    }
}
