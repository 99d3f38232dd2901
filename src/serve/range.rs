//! Which part of a file a request is for (RFC 9110, section 14). Pure.

use std::ops::Range;

use hyper::header::{HeaderMap, IF_RANGE, RANGE};

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Whole,
    Of(Range<u64>),
    /// Begins behind the end.
    Unsatisfiable,
}

/// Of a file of `length` bytes whose entity tag is `tag`. Several parts at once are answered by the whole, as is what is
/// no range of bytes, or of another version.
pub fn part(headers: &HeaderMap, length: u64, tag: &str) -> Part {
    let text = |name| headers.get(name).and_then(|value: &hyper::header::HeaderValue| value.to_str().ok());
    let is_current = headers.get(IF_RANGE).is_none() || text(IF_RANGE) == Some(tag);
    let range = text(RANGE).filter(|_| is_current && headers.get_all(RANGE).iter().count() == 1);
    let Some(range) = range.and_then(|range| range.trim().strip_prefix("bytes=")) else { return Part::Whole };
    let Some((first, last)) = range.split_once('-').map(|(first, last)| (first.trim(), last.trim())) else {
        return Part::Whole;
    };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let found = match (first, last) {
        ("", last) => number(last).map(|count| length.saturating_sub(count)..if count == 0 { 0 } else { length }),
        (first, "") => number(first).map(|first| first..length),
        (first, last) => number(first)
            .zip(number(last))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| first..last.saturating_add(1).min(length)),
    };
    match found {
        None => Part::Whole,
        Some(range) if range.start >= range.end => Part::Unsatisfiable,
        Some(range) => Part::Of(range),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn asked(fields: &[(&'static str, &str)]) -> Part {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        part(&headers, 1000, "\"a\"")
    }

    #[test]
    fn one_range_of_bytes_is_taken_and_anything_else_is_the_whole() {
        for (range, wanted) in [
            ("bytes=0-0", Part::Of(0..1)),
            ("bytes=0-499", Part::Of(0..500)),
            ("bytes=500-", Part::Of(500..1000)),
            ("bytes=-100", Part::Of(900..1000)),
            ("bytes=-5000", Part::Of(0..1000)),
            ("bytes=900-99999", Part::Of(900..1000)),
            ("bytes=1000-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
        ] {
            assert_eq!(asked(&[("range", range)]), wanted, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_the_whole() {
        assert_eq!(asked(&[("range", "bytes=1-2"), ("if-range", "\"a\"")]), Part::Of(1..3));
        for version in ["\"b\"", "W/\"a\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(asked(&[("range", "bytes=1-2"), ("if-range", version)]), Part::Whole, "{version}");
        }
        assert_eq!(asked(&[("range", "bytes=1-2"), ("range", "bytes=3-4")]), Part::Whole);
    }
}
