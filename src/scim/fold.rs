//! Folding: the one way in which texts are made comparable without regard to case. The same function runs
//! on values on their way into the index and on the values of a query.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// NFC, then full Unicode case folding, without compatibility mapping. The folded text is normalized once more, since
/// folding can undo the composition.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composer = ComposingNormalizer::new_nfc();
    let folded = CaseMapper::new().fold_string(&composer.normalize(text)).into_owned();
    composer.normalize(&folded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_beyond_ascii() {
        assert_eq!(fold("MEI@Example.COM"), "mei@example.com");
        assert_eq!(fold("Straße"), fold("STRASSE"));
        assert_eq!(fold("Ὀδυσσεύς"), fold("ὈΔΥΣΣΕΎΣ"));
        assert_eq!(fold("Zoe\u{308}"), fold("ZO\u{cb}"));
        assert_eq!(fold("İ"), "i\u{307}");
        assert_ne!(fold("ﬁ"), fold("x"));
        assert_ne!(fold("①"), fold("1"));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".*") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
