//! The certificate scimd makes for itself, so that nothing is ever sent in the clear before somebody brings a real one.
//! Certificate and key lie in the data directory and are made anew when they near their end or lack a name.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;

use super::{TlsError, files};
use crate::base::Timestamp;

const CHAIN_FILE: &str = "self-signed.crt";
const KEY_FILE: &str = "self-signed.key";
const DAY: i64 = 86_400_000;
/// What browsers accept at most.
const LIFE: i64 = 397 * DAY;
/// A certificate with less than this to live is made anew.
const RENEW: i64 = 30 * DAY;

/// Reads the kept certificate, or makes one for these names.
pub fn load(directory: &Path, names: &[String], now: Timestamp) -> Result<CertifiedKey, TlsError> {
    let (chain, key) = (directory.join(CHAIN_FILE), directory.join(KEY_FILE));
    if !still_good(&chain, names, now) || files::load(&chain, &key).is_err() {
        make(directory, names, now)?;
    }
    files::load(&chain, &key)
}

/// Whether the kept certificate has all the names and time left.
fn still_good(chain: &Path, names: &[String], now: Timestamp) -> bool {
    let Ok(pem) = std::fs::read(chain) else { return false };
    let Ok(der) = CertificateDer::from_pem_slice(&pem) else { return false };
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&der) else { return false };
    if certificate.validity().not_after.timestamp() * 1000 < now.0 + RENEW {
        return false;
    }
    let Ok(Some(kept)) = certificate.subject_alternative_name() else { return false };
    let kept: Vec<String> = kept.value.general_names.iter().filter_map(text_of).collect();
    names.iter().all(|name| kept.iter().any(|kept| kept.eq_ignore_ascii_case(name)))
}

fn text_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_string()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            16 => Some(IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn make(directory: &Path, names: &[String], now: Timestamp) -> Result<(), TlsError> {
    let failed = |error: rcgen::Error| TlsError::Make(error.to_string());
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "scimd self-signed");
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(failed)?),
        });
    }
    let (from, to) = (date(Timestamp(now.0 - DAY)), date(Timestamp(now.0 + LIFE)));
    params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    params.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    // The key first: a crash in between leaves a pair that does not match, which is made anew.
    keep(&directory.join(KEY_FILE), key.serialize_pem().as_bytes())?;
    keep(&directory.join(CHAIN_FILE), certificate.pem().as_bytes())
}

/// Year, month and day of an instant in UTC.
fn date(at: Timestamp) -> (i32, u8, u8) {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = jiff::tz::Offset::UTC.to_datetime(instant);
    (i32::from(day.year()), day.month() as u8, day.day() as u8)
}

/// Writes a file that only its owner reads: beside it first, so that there is never half a file.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), TlsError> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|error| TlsError::File { path: path.to_path_buf(), error })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_string()).collect()
    }

    #[test]
    fn is_kept_until_it_nears_its_end_or_lacks_a_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let now = Timestamp(1_795_462_931_120);
        let first_names = names(&["localhost", "127.0.0.1", "::1"]);
        let first = load(directory.path(), &first_names, now).expect("made");
        let again = load(directory.path(), &first_names, Timestamp(now.0 + 300 * DAY)).expect("kept");
        assert_eq!(first.cert, again.cert);
        let late = load(directory.path(), &first_names, Timestamp(now.0 + 380 * DAY)).expect("made anew");
        assert_ne!(first.cert, late.cert);
        let more =
            load(directory.path(), &names(&["localhost", "scim.example.com"]), now).expect("made anew");
        assert_ne!(late.cert, more.cert);
        let fewer = load(directory.path(), &names(&["LOCALHOST"]), now).expect("kept");
        assert_eq!(more.cert, fewer.cert);
    }

    #[test]
    fn files_are_the_owners_alone_and_a_broken_pair_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let now = Timestamp(1_795_462_931_120);
        load(directory.path(), &names(&["localhost"]), now).expect("made");
        for file in [CHAIN_FILE, KEY_FILE] {
            let mode = std::fs::metadata(directory.path().join(file)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        std::fs::write(directory.path().join(KEY_FILE), "not a key").expect("written");
        load(directory.path(), &names(&["localhost"]), now).expect("made anew");
    }
}
