//! Sealed texts: what only this server can read and make again, such as cursors and secrets that must be kept. Which key it
//! is, and where it lies, is the business of `secret` and of those who start the server.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::secret::Key;

/// The first byte of a sealed text: how it was sealed, so that another way may follow one day.
const VERSION: u8 = 1;

impl Key {
    /// A URL-safe text that carries a message, which nobody else can read or alter (AES-256-GCM-SIV). It opens for the
    /// same purpose and context alone.
    pub fn seal(&self, purpose: &str, context: &[u8], message: &[u8]) -> String {
        let mut sealed = message.to_vec();
        let nonce = self
            .cipher(purpose)
            .seal_in_place_append_tag(Aad::from(around(context)), &mut sealed)
            .expect("the system gives random bytes and the message fits into memory");
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&sealed);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The message of a sealed text; `None` when it was not sealed by this key for this purpose and context.
    pub fn open(&self, purpose: &str, context: &[u8], sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (version, bytes) = bytes.split_first()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok().filter(|_| *version == VERSION)?;
        let mut sealed = sealed.to_vec();
        let message = self.cipher(purpose).open_in_place(nonce, Aad::from(around(context)), &mut sealed);
        message.ok().map(|message| message.to_vec())
    }

    /// A cipher with a key of its own for each purpose.
    fn cipher(&self, purpose: &str) -> RandomizedNonceKey {
        let key = self.sign("seal", purpose.as_bytes());
        RandomizedNonceKey::new(&AES_256_GCM_SIV, &key).expect("the key has the cipher's length")
    }
}

/// What is proven beside the message.
fn around(context: &[u8]) -> Vec<u8> {
    [&[VERSION], context].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_for_its_key_purpose_and_context_only() {
        let key = Key::random();
        let sealed = key.seal("cursor", b"team 1", b"after 17");
        assert_eq!(key.open("cursor", b"team 1", &sealed).as_deref(), Some(&b"after 17"[..]));
        assert_eq!(key.open("other", b"team 1", &sealed), None);
        assert_eq!(key.open("cursor", b"team 2", &sealed), None);
        assert_eq!(Key::random().open("cursor", b"team 1", &sealed), None);
        for cut in [&sealed[..0], &sealed[..4], &sealed[..20], &sealed[1..], "%%%"] {
            assert_eq!(key.open("cursor", b"team 1", cut), None, "{cut}");
        }
    }

    #[test]
    fn a_sealed_text_shows_nothing_of_its_message_and_differs_each_time() {
        let key = Key::random();
        let message = b"mei@example.com stands here";
        let (one, two) = (key.seal("cursor", b"", message), key.seal("cursor", b"", message));
        assert_ne!(one, two);
        let bytes = URL_SAFE_NO_PAD.decode(&one).expect("base64");
        assert!(!bytes.windows(4).any(|window| message.windows(4).any(|part| part == window)));
    }

    #[test]
    fn no_bit_and_no_version_can_be_changed() {
        let key = Key::random();
        let bytes = URL_SAFE_NO_PAD.decode(key.seal("cursor", b"", b"17")).expect("base64");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(key.open("cursor", b"", &URL_SAFE_NO_PAD.encode(changed)), None, "byte {at}");
        }
    }
}
