//! How fields of a request are read (RFC 9110 section 5). Pure.

use hyper::{HeaderMap, header::HeaderName};

/// The members of a list-based field, its field lines joined (RFC 9110 5.3), by `,` outside of quotes.
/// Lines that are no text are left out.
pub fn list<'a>(headers: &'a HeaderMap, name: HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    lines.into_iter().flat_map(members)
}

fn members(line: &str) -> Vec<&str> {
    let mut quoted = false;
    line.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(str::trim)
    .filter(|member| !member.is_empty())
    .collect()
}
