//! A certificate chain and its key from two PEM files.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{TlsError, provider};

/// Reads chain and key, and refuses a key that belongs to another certificate.
pub fn load(chain_file: &Path, key_file: &Path) -> Result<CertifiedKey, TlsError> {
    let content = |path: &Path, problem: String| TlsError::Content { path: path.to_path_buf(), problem };
    let chain = CertificateDer::pem_slice_iter(&read(chain_file)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| content(chain_file, format!("is not a PEM certificate chain ({error})")))?;
    if chain.is_empty() {
        return Err(content(chain_file, "holds no certificate in PEM form".to_string()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key_file)?)
        .map_err(|error| content(key_file, format!("holds no private key in PEM form ({error})")))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
        let problem = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("is not the key of the certificate in {}", chain_file.display())
            }
            other => format!("cannot be used together with {} ({other})", chain_file.display()),
        };
        content(key_file, problem)
    })
}

/// Changes when one of the files was written or replaced.
pub fn mark(chain_file: &Path, key_file: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in [chain_file, key_file] {
        let state = std::fs::metadata(path).map(|m| (m.ino(), m.size(), m.mtime(), m.mtime_nsec()));
        state.ok().hash(&mut hasher);
    }
    hasher.finish()
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::File { path: path.to_path_buf(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::tls::{Certificate, Source};

    fn write_pair(directory: &Path, name: &str) {
        let pair = rcgen::generate_simple_self_signed(vec![name.to_string()]).expect("a certificate");
        std::fs::write(directory.join("chain.pem"), pair.cert.pem()).expect("written");
        std::fs::write(directory.join("key.pem"), pair.signing_key.serialize_pem()).expect("written");
    }

    #[test]
    fn a_new_pair_is_taken_over_and_a_wrong_key_kept_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
        write_pair(directory.path(), "one.example.com");
        let source = Source::Files { chain: chain.clone(), key: key.clone() };
        let certificate = Certificate::load(source, Clock::system()).expect("loads");
        assert!(!certificate.reload().expect("unchanged"));

        let old_key = std::fs::read(&key).expect("read");
        let mark = certificate.mark();
        write_pair(directory.path(), "two.example.com");
        assert_ne!(certificate.mark(), mark);
        let new_key = std::fs::read(&key).expect("read");
        std::fs::write(&key, old_key).expect("written");
        let error = certificate.reload().expect_err("the key is of the other certificate").to_string();
        assert!(error.contains("is not the key of the certificate in"), "{error}");

        std::fs::write(&key, new_key).expect("written");
        assert!(certificate.reload().expect("a matching pair"));
    }

    #[test]
    fn says_which_file_holds_what_it_should_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
        write_pair(directory.path(), "one.example.com");
        assert!(
            load(&key, &key)
                .expect_err("no certificate")
                .to_string()
                .contains("key.pem: holds no certificate")
        );
        assert!(
            load(&chain, &chain).expect_err("no key").to_string().contains("chain.pem: holds no private key")
        );
        let missing = directory.path().join("none.pem");
        assert!(load(&missing, &key).expect_err("no file").to_string().contains("none.pem: No such file"));
    }
}
