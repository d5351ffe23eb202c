//! Hashing and checking the passwords of administrators off the async threads, two at a time. The rules for choosing
//! one are in `admins`.

use tokio::sync::Semaphore;

use super::Error;
use crate::base::secret;

/// argon2 takes 19 MiB and up to 300 ms a time: more than two at once would let strangers eat the machine.
static HASHING: Semaphore = Semaphore::const_new(2);

/// A longer password than this, in bytes, belongs to nobody.
const LONGEST: usize = 1024;

/// The hash under which a password is kept.
pub async fn hash(password: &str) -> Result<String, Error> {
    let password = password.to_owned();
    off_thread(move || secret::hash_password(&password)).await
}

/// Whether the password is the one that was hashed. Where there is no hash, because nobody has that name, the answer is
/// no and takes as long.
pub async fn matches(password: &str, hash: Option<&str>) -> Result<bool, Error> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    let known = hash.is_some();
    let (password, hash) = (password.to_owned(), hash.unwrap_or(secret::NOBODYS_HASH).to_owned());
    let fits = off_thread(move || secret::verify_password(&password, &hash)).await?;
    Ok(fits && known)
}

/// Takes every place, so that a test sees who waits for one.
#[cfg(test)]
pub async fn all_places() -> tokio::sync::SemaphorePermit<'static> {
    HASHING.acquire_many(2).await.expect("the semaphore is never closed")
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let permit = HASHING.acquire().await.expect("the semaphore is never closed");
    let result = tokio::task::spawn_blocking(move || {
        // Held until the work is done, also when nobody waits for it any more.
        let _permit = permit;
        work()
    });
    result.await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_matches_its_password_alone() {
        let kept = hash("correct horse battery").await.expect("hashed");
        assert!(matches("correct horse battery", Some(&kept)).await.expect("checked"));
        assert!(!matches("correct horse batterz", Some(&kept)).await.expect("checked"));
        assert!(!matches(&"x".repeat(LONGEST + 1), Some(&kept)).await.expect("checked"));
        assert!(!matches("correct horse battery", None).await.expect("checked"));
    }
}
