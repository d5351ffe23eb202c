//! Folding: the one way in which texts are made comparable without regard to case. The same function runs
//! on values on their way into the index and on the values of a query. It is the UsernameCaseMapped profile of PRECIS
//! (RFC 7613 §3.2), as RFC 7644 §5 asks for userName and §7.8 for every text.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// Full-width and half-width characters become the ordinary ones, then NFC and full Unicode case folding, without any other
/// compatibility mapping. The folded text is normalized once more, since folding can undo the composition.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composer = ComposingNormalizer::new_nfc();
    let folded = CaseMapper::new().fold_string(&composer.normalize(&in_width(text))).into_owned();
    composer.normalize(&folded).into_owned()
}

/// The text in ordinary width (RFC 7613 §3.2.2, rule 1).
fn in_width(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| ordinary(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(ordinary).collect())
}

/// What the half-width signs and letters of Japanese from U+FF61 on stand for.
const KANA: [char; 63] = [
    '\u{3002}', '\u{300C}', '\u{300D}', '\u{3001}', '\u{30FB}', '\u{30F2}', '\u{30A1}', '\u{30A3}',
    '\u{30A5}', '\u{30A7}', '\u{30A9}', '\u{30E3}', '\u{30E5}', '\u{30E7}', '\u{30C3}', '\u{30FC}',
    '\u{30A2}', '\u{30A4}', '\u{30A6}', '\u{30A8}', '\u{30AA}', '\u{30AB}', '\u{30AD}', '\u{30AF}',
    '\u{30B1}', '\u{30B3}', '\u{30B5}', '\u{30B7}', '\u{30B9}', '\u{30BB}', '\u{30BD}', '\u{30BF}',
    '\u{30C1}', '\u{30C4}', '\u{30C6}', '\u{30C8}', '\u{30CA}', '\u{30CB}', '\u{30CC}', '\u{30CD}',
    '\u{30CE}', '\u{30CF}', '\u{30D2}', '\u{30D5}', '\u{30D8}', '\u{30DB}', '\u{30DE}', '\u{30DF}',
    '\u{30E0}', '\u{30E1}', '\u{30E2}', '\u{30E4}', '\u{30E6}', '\u{30E8}', '\u{30E9}', '\u{30EA}',
    '\u{30EB}', '\u{30EC}', '\u{30ED}', '\u{30EF}', '\u{30F3}', '\u{3099}', '\u{309A}',
];

/// The character of ordinary width that a full-width or half-width one stands for, by its decomposition in Unicode.
fn ordinary(c: char) -> char {
    let code = c as u32;
    let moved = |first: u32, to: u32| char::from_u32(code - first + to).unwrap_or(c);
    match code {
        0x3000 => ' ',
        0xFF01..=0xFF5E => moved(0xFF01, 0x21),
        0xFF5F..=0xFF60 => moved(0xFF5F, 0x2985),
        0xFF61..=0xFF9F => KANA[(code - 0xFF61) as usize],
        0xFFA0 => '\u{3164}',
        0xFFA1..=0xFFBE => moved(0xFFA1, 0x3131),
        0xFFC2..=0xFFC7 => moved(0xFFC2, 0x314F),
        0xFFCA..=0xFFCF => moved(0xFFCA, 0x3155),
        0xFFD2..=0xFFD7 => moved(0xFFD2, 0x315B),
        0xFFDA..=0xFFDC => moved(0xFFDA, 0x3161),
        0xFFE0 => '\u{A2}',
        0xFFE1 => '\u{A3}',
        0xFFE2 => '\u{AC}',
        0xFFE3 => '\u{AF}',
        0xFFE4 => '\u{A6}',
        0xFFE5 => '\u{A5}',
        0xFFE6 => '\u{20A9}',
        0xFFE8 => '\u{2502}',
        0xFFE9..=0xFFEC => moved(0xFFE9, 0x2190),
        0xFFED => '\u{25A0}',
        0xFFEE => '\u{25CB}',
        _ => c,
    }
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

    #[test]
    fn width_is_no_difference() {
        assert_eq!(fold("ＭＥＩ＠Ｅｘａｍｐｌｅ．ｃｏｍ"), "mei@example.com");
        assert_eq!(fold("ﾔﾏﾀﾞ ﾀﾛｳ"), fold("ヤマダ　タロウ"));
        assert_eq!(fold("ﾊﾟ"), "パ");
        assert_eq!(fold("ￂￇￊￏￒￗￚￜﾡﾾ"), "ㅏㅔㅕㅚㅛㅠㅡㅣㄱㅎ");
        assert_eq!(fold("￠￦￨￩￬￭￮｟｠"), "¢₩│←↓■○⦅⦆");
        for ordinary in ["ヤ", "漢字", "é", "한글", "!", "\u{ff00}", "\u{ffef}"] {
            assert_eq!(fold(ordinary), ordinary);
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".*") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
