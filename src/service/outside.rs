//! Whether the server can be reached from outside: the last request over TLS, by the public name, from a public address.
//! It is noticed as it comes, and kept once a minute, so that it is known after a restart.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::{Error, Service};
use crate::base::Timestamp;
use crate::base::host::{is_public_address, is_public_name};

const NAME: &str = "outside";
/// It is written again when it is older than this.
const GRAIN_MS: i64 = 60 * 1000;

/// The last request from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromOutside {
    pub at: Timestamp,
    pub address: String,
    /// The name by which it came.
    pub name: String,
}

/// What is known of it.
#[derive(Debug, Default)]
pub struct Noticed(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: Option<FromOutside>,
    /// When something was written last.
    written: Timestamp,
    /// Whether what an earlier run knew was read.
    read: bool,
}

impl Service {
    /// Notices who came over TLS, and by which `Host`.
    pub fn notice_from_outside(&self, peer: IpAddr, host: &str) {
        let peer = peer.to_canonical();
        if !is_public_address(peer) {
            return;
        }
        let Some(name) = self.public_name(host) else { return };
        let at = self.clock().now();
        let mut noticed = self.0.outside.0.lock().unwrap_or_else(PoisonError::into_inner);
        noticed.last = Some(FromOutside { at, address: peer.to_string(), name });
    }

    /// The public name, when a `Host` is it: the one that was set, or any that could be one where none is set.
    fn public_name(&self, host: &str) -> Option<String> {
        let name = |text: &str| {
            let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
            let text = text.split('/').next().unwrap_or_default();
            let text = match text.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
                _ => text,
            };
            text.trim_end_matches('.').to_ascii_lowercase()
        };
        let asked = name(host);
        let fits = match &self.options().public_url {
            Some(url) => name(url) == asked,
            None => is_public_name(&asked),
        };
        fits.then_some(asked)
    }

    /// Writes what was noticed, once a minute at most.
    pub(super) fn write_outside(&self) {
        let mut noticed = self.0.outside.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = noticed.last.clone().filter(|seen| seen.at.since(noticed.written) >= GRAIN_MS)
        else {
            return;
        };
        let value = format!("{} {}", seen.address, seen.name);
        if self.store().later(move |tx| tx.set_known(NAME, seen.at, &value)) {
            noticed.written = seen.at;
        }
    }

    /// The last request from outside, of this run or of one before.
    pub fn from_outside(&self) -> Result<Option<FromOutside>, Error> {
        let mut noticed = self.0.outside.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noticed.last.is_none() && !noticed.read {
            let known = self.store().read_now(|tx| -> Result<_, Error> { Ok(tx.known(NAME)?) })?;
            noticed.read = true;
            if let Some((at, value)) = known
                && let Some((address, name)) = value.split_once(' ')
            {
                noticed.last = Some(FromOutside { at, address: address.to_owned(), name: name.to_owned() });
                noticed.written = at;
            }
        }
        Ok(noticed.last.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::service::testing::desk;
    use crate::service::{Options, Service};

    #[tokio::test]
    async fn only_a_public_address_that_asks_for_the_public_name_shows_it() {
        let desk = desk().await;
        let options = Options {
            public_url: Some("https://SCIM.example.com".into()),
            clock: desk.clock.clone(),
            ..Options::default()
        };
        let service = Service::new(desk.service.store().clone(), options);
        let notice =
            |peer: &str, host: &str| service.notice_from_outside(peer.parse().expect("an address"), host);
        notice("127.0.0.1", "scim.example.com");
        notice("10.1.2.3", "scim.example.com");
        notice("::ffff:10.1.2.3", "scim.example.com");
        notice("203.0.113.24", "other.example.com");
        assert_eq!(service.from_outside().expect("read"), None);
        notice("::ffff:203.0.113.24", "scim.example.com:443");
        let seen = service.from_outside().expect("read").expect("seen");
        assert_eq!((seen.address.as_str(), seen.name.as_str()), ("203.0.113.24", "scim.example.com"));
        assert_eq!(seen.at, desk.clock.now());
        service.write_outside();
        // Whatever is written later waits for the next commit.
        service.store().write(|_| Ok::<(), Error>(())).await.expect("a commit");
        let again = Service::new(service.store().clone(), Options::default());
        assert_eq!(again.from_outside().expect("read"), Some(seen), "after a restart it is known");
        desk.clock.advance(Duration::from_secs(30));
        again.notice_from_outside("203.0.113.25".parse().expect("an address"), "192.0.2.1");
        assert_eq!(again.from_outside().expect("read").expect("seen").address, "203.0.113.24", "no name");
    }
}
