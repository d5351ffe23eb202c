//! Folding: the one way in which texts are made comparable without regard to case. The same function runs
//! on values on their way into the index and on the values of a query.

/// NFC, then full Unicode case folding, without compatibility mapping.
pub fn fold(_text: &str) -> String {
    todo!()
}
