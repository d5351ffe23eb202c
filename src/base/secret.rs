//! Secrets: random bytes, and the texts and hashes that tokens, sessions, passwords and set-up codes are made of.
//! Who may use them, and where they are kept, is decided above.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base::id::base62;

/// What every token begins with.
pub const PREFIX: &str = "scimd_";
/// 256 random bits in base62.
const RANDOM_CHARS: usize = 43;
/// The checksum behind them.
const CHECK_CHARS: usize = 6;
/// Set-up codes are typed by hand: no 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V.
const CODE_ALPHABET: &[u8; 24] = b"ACDEFGHJKMNPQRTWXY346789";
const CODE_CHARS: usize = 12;
/// A recovery code is kept as a plain hash, so it is longer: 73 random bits.
const RECOVERY_CHARS: usize = 16;

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether two byte strings are the same, in a time that does not tell where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A freshly made provisioning token: its text is shown once and never kept.
#[derive(Clone)]
pub struct Token {
    /// `scimd_[region_]`, 43 base62 characters, 6 of checksum.
    pub text: String,
    /// SHA-256 of the text: what is stored and looked up.
    pub hash: [u8; 32],
    /// The last four characters, for showing `scimd_…Xb91`.
    pub last4: String,
    /// The region in the text, if any.
    pub region: Option<String>,
}

/// What a well-formed token text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// The last four characters.
    pub last4: String,
    /// The region in the text, if any.
    pub region: Option<String>,
}

/// Why a text is no token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It does not begin with `scimd_`: a token of some other product, or only a part of ours.
    MissingPrefix,
    /// It begins as ours do, but length, alphabet or checksum is wrong: cut short or changed while pasting.
    Damaged,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenFault::MissingPrefix => "the token does not begin with scimd_",
            TokenFault::Damaged => "the token was cut short or changed while pasting",
        })
    }
}

impl std::error::Error for TokenFault {}

impl Token {
    /// Makes a token with 256 random bits. The region, 2 to 4 small letters, must have passed `is_region`.
    pub fn make(region: Option<&str>) -> Token {
        let mut text = String::from(PREFIX);
        if let Some(region) = region {
            text.push_str(region);
            text.push('_');
        }
        text.push_str(&base62_of(random::<32>()));
        text.push_str(&checksum(&text));
        let hash = sha256(text.as_bytes());
        let last4 = text[text.len() - 4..].to_string();
        Token { text, hash, last4, region: region.map(str::to_string) }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.last4, self.region.as_deref()))
    }
}

/// Whether a text may stand in a token as its region: 2 to 4 small letters.
pub fn is_region(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase())
}

/// Looks at a pasted token without any database: is it ours, and did it arrive whole?
pub fn examine(text: &str) -> Result<Parsed, TokenFault> {
    let rest = text.strip_prefix(PREFIX).ok_or(TokenFault::MissingPrefix)?;
    let (region, secret) = match rest.split_once('_') {
        Some((region, secret)) if is_region(region) => (Some(region), secret),
        Some(_) => return Err(TokenFault::Damaged),
        None => (None, rest),
    };
    let whole =
        secret.len() == RANDOM_CHARS + CHECK_CHARS && secret.bytes().all(|b| b.is_ascii_alphanumeric());
    if !whole {
        return Err(TokenFault::Damaged);
    }
    let (body, check) = text.split_at(text.len() - CHECK_CHARS);
    if checksum(body) != check {
        return Err(TokenFault::Damaged);
    }
    Ok(Parsed {
        hash: sha256(text.as_bytes()),
        last4: text[text.len() - 4..].to_string(),
        region: region.map(str::to_string),
    })
}

/// How a token is shown after its first time: `scimd_…Xb91`, `scimd_eu_…Xb91`.
pub fn masked(last4: &str, region: Option<&str>) -> String {
    match region {
        Some(region) => format!("{PREFIX}{region}_…{last4}"),
        None => format!("{PREFIX}…{last4}"),
    }
}

/// Six base62 characters of the SHA-256 of the text before them.
fn checksum(body: &str) -> String {
    let mut first = [0u8; 8];
    first.copy_from_slice(&sha256(body.as_bytes())[..8]);
    base62(u128::from(u64::from_be_bytes(first)) % 62u128.pow(CHECK_CHARS as u32), CHECK_CHARS)
}

/// 32 bytes as 43 base62 characters, by long division over 32-bit limbs.
fn base62_of(bytes: [u8; 32]) -> String {
    let mut limbs = [0u32; 8];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *limb = u32::from_be_bytes(*chunk);
    }
    let mut digits = Vec::with_capacity(RANDOM_CHARS);
    for _ in 0..RANDOM_CHARS {
        let mut rest = 0u64;
        for limb in &mut limbs {
            let value = rest << 32 | u64::from(*limb);
            *limb = (value / 62) as u32;
            rest = value % 62;
        }
        digits.push(base62(u128::from(rest), 1));
    }
    digits.reverse();
    digits.concat()
}

/// A new session secret for a cookie, and the hash under which the session is stored.
pub fn session() -> (String, [u8; 32]) {
    let text = URL_SAFE_NO_PAD.encode(random::<32>());
    let hash = sha256(text.as_bytes());
    (text, hash)
}

/// A new set-up code as it is printed: `ACDE-FGHJ-KMNP`, 55 random bits.
pub fn setup_code() -> String {
    letters(CODE_CHARS)
}

/// A new recovery code as it is shown: `ACDE-FGHJ-KMNP-QRTW`, 73 random bits.
pub fn recovery_code() -> String {
    letters(RECOVERY_CHARS)
}

/// Random letters in groups of four.
fn letters(count: usize) -> String {
    let mut code = String::with_capacity(count + count / 4);
    for place in 0..count {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        code.push(random_letter());
    }
    code
}

/// One letter of the alphabet, every letter equally likely: bytes past the last whole multiple are drawn again.
fn random_letter() -> char {
    let size = CODE_ALPHABET.len() as u8;
    loop {
        let [byte] = random::<1>();
        if byte < u8::MAX / size * size {
            return CODE_ALPHABET[usize::from(byte % size)] as char;
        }
    }
}

/// Brings a typed set-up code to the printed form: any case, blanks and dashes anywhere. `None` when it cannot be one.
pub fn read_setup_code(typed: &str) -> Option<String> {
    read_letters(typed, CODE_CHARS)
}

/// Brings a typed recovery code to the shown form; `None` when it cannot be one.
pub fn read_recovery_code(typed: &str) -> Option<String> {
    read_letters(typed, RECOVERY_CHARS)
}

fn read_letters(typed: &str, count: usize) -> Option<String> {
    let letters: Vec<u8> = typed
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b'-')
        .map(|b| b.to_ascii_uppercase())
        .collect();
    if letters.len() != count || !letters.iter().all(|b| CODE_ALPHABET.contains(b)) {
        return None;
    }
    let groups: Vec<&str> =
        letters.chunks(4).map(|group| std::str::from_utf8(group).expect("the alphabet is ASCII")).collect();
    Some(groups.join("-"))
}

/// argon2id with its default parameters. Takes up to 300 ms and 19 MiB: call it on a blocking thread, at most two at a time.
pub fn hash_password(password: &str) -> String {
    Argon2::default()
        .hash_password(password.as_bytes())
        .expect("argon2's default parameters are valid and the system gives a salt")
        .to_string()
}

/// A hash of the same kind whose password nobody has: 32 random bytes stand where the hash of one would.
pub const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$h6VIZoaKcy9+UUcq/fFAeA$xxz/fULlRcut5UAHkTKE67dGr7OzuX1xn6/ma623i8U";

/// Whether a password is the one that was hashed. As slow as `hash_password`; a hash that cannot be read matches nothing.
pub fn verify_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// A key for proving later that a text came from us, and for sealing (`seal`): cursors, CSRF tokens.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl Key {
    /// A new random key.
    pub fn random() -> Key {
        Key(random())
    }

    /// A key that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    /// The key's bytes, for keeping it.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// HMAC-SHA-256 over a purpose and a message; the purpose keeps a text made for one use from serving another.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// A CSRF token for a session: its signature under fresh random bytes, so that no two pages carry the same text
    /// and compression gives nothing away (BREACH).
    pub fn csrf(&self, session: &[u8; 32]) -> String {
        let pad = random::<32>();
        let mut bytes = pad.to_vec();
        bytes.extend(self.sign("csrf", session).iter().zip(pad).map(|(a, b)| a ^ b));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether a CSRF token belongs to the session.
    pub fn csrf_matches(&self, session: &[u8; 32], token: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
        if bytes.len() != 64 {
            return false;
        }
        let (pad, covered) = bytes.split_at(32);
        let mac: Vec<u8> = pad.iter().zip(covered).map(|(a, b)| a ^ b).collect();
        same(&mac, &self.sign("csrf", session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_whole_and_says_so() {
        for region in [None, Some("eu"), Some("apac")] {
            let token = Token::make(region);
            let extra = region.map_or(0, |r| r.len() + 1);
            assert_eq!(token.text.len(), 6 + extra + 49);
            let parsed = examine(&token.text).expect("well formed");
            assert_eq!(
                (parsed.hash, parsed.last4, parsed.region.as_deref()),
                (token.hash, token.last4, region)
            );
        }
        assert_ne!(Token::make(None).text, Token::make(None).text);
    }

    #[test]
    fn every_single_change_and_every_cut_is_noticed() {
        let text = Token::make(Some("eu")).text;
        for at in 6..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(examine(&changed), Err(TokenFault::Damaged), "{changed}");
            assert_eq!(examine(&text[..at]), Err(TokenFault::Damaged));
        }
        assert_eq!(examine(&format!("{text}x")), Err(TokenFault::Damaged));
        assert_eq!(examine("scimd_é"), Err(TokenFault::Damaged));
        let multibyte = format!("scimd_{}é", "a".repeat(47));
        assert_eq!(examine(&multibyte), Err(TokenFault::Damaged));
    }

    #[test]
    fn another_products_token_is_told_apart() {
        for text in ["", "Bearer", "ghp_0123", "SCIMD_abc", "eu_scimd_"] {
            assert_eq!(examine(text), Err(TokenFault::MissingPrefix), "{text}");
        }
    }

    #[test]
    fn base62_of_32_bytes_is_the_number() {
        assert_eq!(base62_of([0; 32]), "0".repeat(43));
        let mut small = [0u8; 32];
        small[31] = 62;
        assert_eq!(base62_of(small), format!("{}10", "0".repeat(41)));
        let mut large = [0u8; 32];
        large[16..].copy_from_slice(&u128::MAX.to_be_bytes());
        assert_eq!(base62_of(large), format!("{}{}", "0".repeat(21), base62(u128::MAX, 22)));
    }

    #[test]
    fn masks_and_debugs_without_the_secret() {
        assert_eq!(masked("Xb91", None), "scimd_…Xb91");
        assert_eq!(masked("Xb91", Some("eu")), "scimd_eu_…Xb91");
        let token = Token::make(None);
        assert_eq!(format!("{token:?}"), format!("scimd_…{}", token.last4));
        assert_eq!(format!("{:?}", Key::random()), "Key(…)");
    }

    #[test]
    fn a_set_up_code_survives_careless_typing() {
        let code = setup_code();
        assert_eq!(code.len(), 14);
        assert_eq!(read_setup_code(&code).as_deref(), Some(code.as_str()));
        let careless = format!(" {} ", code.replace('-', " ").to_lowercase());
        assert_eq!(read_setup_code(&careless).as_deref(), Some(code.as_str()));
        for typed in ["", "ACDE-FGHJ", "ACDE-FGHJ-KMN0", "ACDE-FGHJ-KMNPQ", "ÄCDE-FGHJ-KMN"] {
            assert_eq!(read_setup_code(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_password_matches_its_hash_only() {
        let hash = hash_password("correct horse");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify_password("correct horse", &hash));
        assert!(!verify_password("correct horsf", &hash));
        assert!(!verify_password("correct horse", "not a hash"));
        let costs = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(costs(NOBODYS_HASH), costs(&hash), "nobody's takes as long");
        assert!(PasswordHash::new(NOBODYS_HASH).is_ok() && !verify_password("", NOBODYS_HASH));
    }

    #[test]
    fn a_csrf_token_differs_each_time_and_belongs_to_one_session() {
        let key = Key::random();
        let (one, two) = (session().1, session().1);
        let token = key.csrf(&one);
        assert_ne!(token, key.csrf(&one));
        assert!(key.csrf_matches(&one, &token));
        assert!(!key.csrf_matches(&two, &token));
        assert!(!key.csrf_matches(&one, ""));
    }

    #[test]
    fn sha256_is_the_published_one() {
        let hex: String = sha256(b"abc").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
