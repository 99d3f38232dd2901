//! Texts as a search compares them: without regard to case, to how a letter is encoded, and to the marks that people leave
//! out when they type. What makes another letter stays: й is not и, ї is not і, が is not か.

use std::{collections::BTreeSet, ops::Range};

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, Script},
};
use unicode_segmentation::UnicodeSegmentation;

const TATWEEL: char = '\u{640}';
const DOTLESS_I: char = 'ı';
/// Over a Cyrillic vowel the stress; over г and к they make letters of Macedonian.
const STRESS: [char; 2] = ['\u{300}', '\u{301}'];
const DIAERESIS: char = '\u{308}';

/// `text` for comparison: compatibility decomposition, case folding, and no marks (Unicode, UAX 15 and 5.18). Folding once
/// more changes nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let (normalizer, composer) = (DecomposingNormalizerBorrowed::new_nfkd(), ComposingNormalizerBorrowed::new_nfc());
    let decomposed = normalizer.normalize(text);
    let cased = CaseMapper::new().fold_string(&decomposed).into_owned();
    let mut folded = String::with_capacity(cased.len());
    let mut base = ' ';
    // Folding may make what can be decomposed.
    for c in normalizer.normalize(&cased).chars() {
        if c.is_ascii() {
            folded.push(c);
            base = c;
            continue;
        }
        match CodePointMapData::<GeneralCategory>::new().get(c) {
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark if is_left_out(base, c) => continue,
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => {}
            // Joiners, soft hyphens: nobody sees them.
            GeneralCategory::Format => continue,
            _ => base = c,
        }
        match c {
            TATWEEL => {}
            DOTLESS_I => folded.push('i'),
            c => folded.push(c),
        }
    }
    // So that the beginning of a letter is no letter of its own.
    composer.normalize(&folded).into_owned()
}

/// Whether people leave the mark out when they type. In scripts that are not named here marks are parts of letters.
fn is_left_out(base: char, mark: char) -> bool {
    match CodePointMapData::<Script>::new().get(base) {
        Script::Cyrillic => match base {
            'е' => mark == DIAERESIS || STRESS.contains(&mark),
            'г' | 'к' => false,
            _ => STRESS.contains(&mark),
        },
        Script::Latin | Script::Greek | Script::Arabic | Script::Hebrew | Script::Common | Script::Inherited => {
            // The voicing marks of kana stand alone, too.
            !matches!(mark, '\u{3099}' | '\u{309a}')
        }
        _ => false,
    }
}

/// Where `text` holds one of the `words`, as folding sees both: whole characters as people see them, ascending, none touching another.
pub fn places(text: &str, words: &BTreeSet<String>) -> Vec<Range<usize>> {
    let words: BTreeSet<String> = words.iter().map(|word| fold(word)).collect();
    let mut folded = String::new();
    // Of each character where it begins in `text` and where its fold begins and ends.
    let mut characters: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (start, character) in text.grapheme_indices(true) {
        let from = folded.len();
        folded += &fold(character);
        characters.push((start..start + character.len(), from..folded.len()));
    }
    let mut found = vec![false; characters.len()];
    for word in words.iter().filter(|word| !word.is_empty()) {
        for (from, hit) in folded.match_indices(word.as_str()) {
            let hit = from..from + hit.len();
            let first = characters.partition_point(|(_, fold)| fold.end <= hit.start);
            let touched = characters[first..].iter().take_while(|(_, fold)| fold.start < hit.end).count();
            found[first..first + touched].fill(true);
        }
    }
    let mut places: Vec<Range<usize>> = Vec::new();
    for ((place, _), _) in characters.into_iter().zip(found).filter(|(_, found)| *found) {
        match places.last_mut() {
            Some(last) if last.end == place.start => last.end = place.end,
            _ => places.push(place),
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_finds_what_is_written() {
        for (typed, written) in [
            ("елка", "Ёлка"),
            ("замок", "за́мок"),
            ("istanbul", "İSTANBUL"),
            ("isparta", "Isparta"),
            ("ısparta", "ISPARTA"),
            ("strasse", "Straße"),
            ("STRASSE", "straße"),
            ("tea", "Ｔｅａ"),
            ("file", "ﬁle"),
            ("cafe", "CAFÉ"),
            ("cafe", "cafe\u{301}"),
            ("οδυσσευς", "ΟΔΥΣΣΕΎΣ"),
            ("كتاب", "كِتَابٌ"),
            ("كتاب", "كـــتاب"),
            ("احمد", "أحمد"),
            ("שלום", "שָׁלוֹם"),
            ("ガ", "ｶﾞ"),
            ("x2", "x²"),
            ("co-op", "Co\u{ad}-op"),
        ] {
            assert_eq!(fold(typed), fold(written), "{typed} {written}");
        }
    }

    #[test]
    fn other_letters_stay_others() {
        for (one, other) in [
            ("и", "й"),
            ("і", "ї"),
            ("у", "ў"),
            ("か", "が"),
            ("は", "ぱ"),
            ("к", "ќ"),
            ("क", "कि"),
            ("क", "क्"),
            ("л", "ль"),
        ] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
            assert_ne!(fold(&one.to_uppercase()), fold(&other.to_uppercase()), "{one} {other}");
        }
        for (part, word) in [("мои", "мой"), ("か", "がま"), ("і", "їжак")] {
            assert!(!fold(word).contains(&fold(part)), "{part} {word}");
        }
    }

    #[test]
    fn places_are_whole_characters_of_the_text() {
        let marked = |text: &str, words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            places(text, &words).into_iter().map(|place| text[place].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(marked("Ёлка и ёлки", &["елк"]), ["Ёлк", "ёлк"]);
        assert_eq!(marked("die Straße", &["ras"]), ["raß"], "half of a letter is the letter");
        assert_eq!(marked("cafe\u{301}s", &["cafe"]), ["cafe\u{301}"]);
        assert_eq!(marked("ﬁle", &["i"]), ["ﬁ"]);
        assert_eq!(marked("abc", &["ab", "bc"]), ["abc"]);
        assert_eq!(marked("👨‍👩‍👧 tea", &["tea"]), ["tea"]);
        assert_eq!(marked("nothing", &[""]), [] as [&str; 0]);
    }
}
