//! Queries: whatever is asked, one spelling comes out.

use feedbridge::feed::{Kind, Selection};
use proptest::{collection::vec, prelude::*};

fn canonical(query: &str) -> Option<String> {
    Some(Selection::parse(query, 50).ok()?.query())
}

proptest! {
    #[test]
    fn any_query_has_one_spelling_that_stays_as_it_is(query in ".{0,80}") {
        if let Some(once) = canonical(&query) {
            prop_assert_eq!(canonical(&once), Some(once.clone()));
            prop_assert!(once.bytes().all(|b| b.is_ascii_graphic() && b != b'#'), "{}", once);
        }
    }

    #[test]
    fn the_order_of_keys_and_values_says_nothing(
        pairs in vec((prop::sample::select(vec!["kind=photo", "kind=gif,poll", "not=reply", "tag=%23A,b", "q=x+%D0%AF", "limit=9", "not=invite,gif", "not=elsewhere", "not_q=y", "not_tag=c"]), any::<u32>()), 0..8)
    ) {
        let mut shuffled = pairs.clone();
        shuffled.sort_by_key(|(_, order)| *order);
        let joined = |pairs: &[(&str, u32)]| pairs.iter().map(|(pair, _)| *pair).collect::<Vec<_>>().join("&");
        prop_assert_eq!(canonical(&joined(&pairs)), canonical(&joined(&shuffled)));
    }
}

#[test]
fn every_kind_has_a_word_and_words_come_in_the_order_of_kinds() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_word(kind.as_str()), Some(kind));
    }
    assert!(Kind::ALL.is_sorted() && Kind::ALL.is_sorted_by_key(|kind| kind.as_str()));
}
