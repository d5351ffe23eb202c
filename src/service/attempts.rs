//! Wrong passwords slow their sender down: per account and address, per address, and per account as a whole, but an
//! address from which the owner has signed in before is never slowed by what others do. Kept in memory only.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::base::Timestamp;

/// Wrong tries that cost nothing, for one account from one address.
const FREE: u32 = 5;
/// Wrong tries that cost nothing, for one address whatever the account.
const FREE_ADDRESS: u32 = 20;
/// Wrong tries that cost nothing, for one account from anywhere.
const FREE_ACCOUNT: u32 = 100;
/// The longest wait between tries.
const LONGEST_WAIT_MS: i64 = 5 * 60 * 1000;
/// A count is forgotten when nothing was added for this long.
const MEMORY_MS: i64 = 60 * 60 * 1000;
/// More keys than this are not remembered; the oldest go first.
const MOST_KEYS: usize = 20_000;

/// The wrong tries of late.
#[derive(Debug, Default)]
pub struct Attempts {
    wrong: HashMap<Key, Count>,
    good: HashSet<(String, IpAddr)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, IpAddr),
    Address(IpAddr),
    Account(String),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    wrong: u32,
    last: Timestamp,
}

impl Attempts {
    /// How long a sender has to wait before the next try; `None` when it may try now.
    pub fn wait(&self, account: &str, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let address = network(address);
        let known = self.good.contains(&(account.to_owned(), address));
        let mut keys = vec![(Key::Pair(account.to_owned(), address), FREE)];
        if !known {
            keys.push((Key::Address(address), FREE_ADDRESS));
            keys.push((Key::Account(account.to_owned()), FREE_ACCOUNT));
        }
        let longest = keys.iter().filter_map(|(key, free)| self.left(key, *free, now)).max()?;
        Some(Duration::from_millis(longest as u64))
    }

    /// Notes a try before it is checked, so that many at once do not slip through together.
    pub fn began(&mut self, account: &str, address: IpAddr, now: Timestamp) {
        let address = network(address);
        self.make_room(now);
        for key in
            [Key::Pair(account.to_owned(), address), Key::Address(address), Key::Account(account.to_owned())]
        {
            let count = self.wrong.entry(key).or_insert(Count { wrong: 0, last: now });
            if now.since(count.last) > MEMORY_MS {
                count.wrong = 0;
            }
            count.wrong = count.wrong.saturating_add(1);
            count.last = now;
        }
    }

    /// The try was right: what it cost is given back, and the address is known for this account.
    pub fn succeeded(&mut self, account: &str, address: IpAddr) {
        let address = network(address);
        self.wrong.remove(&Key::Pair(account.to_owned(), address));
        for key in [Key::Address(address), Key::Account(account.to_owned())] {
            if let Some(count) = self.wrong.get_mut(&key) {
                count.wrong = count.wrong.saturating_sub(1);
            }
        }
        if self.good.len() < MOST_KEYS {
            self.good.insert((account.to_owned(), address));
        }
    }

    fn left(&self, key: &Key, free: u32, now: Timestamp) -> Option<i64> {
        let count = self.wrong.get(key)?;
        if count.wrong < free || now.since(count.last) > MEMORY_MS {
            return None;
        }
        // The first wait is a second, and each wrong try doubles it.
        let wait = 1000i64.saturating_mul(1i64 << (count.wrong - free).min(20)).min(LONGEST_WAIT_MS);
        Some(wait - now.since(count.last)).filter(|left| *left > 0)
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.wrong.len() + 3 <= MOST_KEYS {
            return;
        }
        self.wrong.retain(|_, count| now.since(count.last) <= MEMORY_MS);
        if self.wrong.len() + 3 > MOST_KEYS {
            let mut ages: Vec<i64> = self.wrong.values().map(|count| count.last.0).collect();
            let middle = ages.len() / 2;
            let (_, median, _) = ages.select_nth_unstable(middle);
            let median = *median;
            self.wrong.retain(|_, count| count.last.0 > median);
        }
    }
}

/// One household of IPv6 is one sender: the first 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn five_tries_are_free_and_then_each_doubles_the_wait() {
        let mut attempts = Attempts::default();
        let (mut now, home) = (Timestamp(0), ip("192.0.2.1"));
        for _ in 0..5 {
            assert_eq!(attempts.wait("a@example.com", home, now), None);
            attempts.began("a@example.com", home, now);
        }
        assert_eq!(attempts.wait("a@example.com", home, now), Some(Duration::from_secs(1)));
        now = now.plus(Duration::from_secs(1));
        assert_eq!(attempts.wait("a@example.com", home, now), None);
        attempts.began("a@example.com", home, now);
        assert_eq!(attempts.wait("a@example.com", home, now), Some(Duration::from_secs(2)));
        assert_eq!(attempts.wait("a@example.com", home, now.plus(Duration::from_secs(3))), None);
    }

    #[test]
    fn strangers_do_not_lock_the_owner_out() {
        let mut attempts = Attempts::default();
        let home = ip("192.0.2.1");
        attempts.began("a@example.com", home, Timestamp(0));
        attempts.succeeded("a@example.com", home);
        for host in 0..250u8 {
            attempts.began("a@example.com", ip(&format!("198.51.100.{host}")), Timestamp(1));
        }
        assert_eq!(attempts.wait("a@example.com", home, Timestamp(2)), None);
        let stranger = ip("203.0.113.9");
        assert!(attempts.wait("a@example.com", stranger, Timestamp(2)).is_some());
        // Also from a new address, the owner waits minutes, never for ever.
        assert_eq!(attempts.wait("a@example.com", stranger, Timestamp(1 + LONGEST_WAIT_MS)), None);
    }

    #[test]
    fn one_address_that_tries_many_accounts_is_slowed() {
        let mut attempts = Attempts::default();
        for n in 0..20 {
            attempts.began(&format!("{n}@example.com"), ip("198.51.100.7"), Timestamp(0));
        }
        assert!(attempts.wait("new@example.com", ip("198.51.100.7"), Timestamp(0)).is_some());
        assert_eq!(attempts.wait("new@example.com", ip("198.51.100.8"), Timestamp(0)), None);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_sender() {
        assert_eq!(network(ip("2001:db8:1:2:3:4:5:6")), network(ip("2001:db8:1:2::9")));
        assert_ne!(network(ip("2001:db8:1:2::9")), network(ip("2001:db8:1:3::9")));
        assert_eq!(network(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..30_000u32 {
            attempts.began(&format!("{n}"), IpAddr::V4(n.into()), Timestamp(i64::from(n)));
        }
        assert!(attempts.wrong.len() <= MOST_KEYS);
    }
}
