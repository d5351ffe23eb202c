//! What the machine tells of itself: how much memory this process uses, and whether its clock is kept right.

/// Whether the machine's clock is kept right, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// Something keeps it right, to within so many microseconds.
    Synchronised {
        within_us: i64,
    },
    Unsynchronised,
}

/// Asks the kernel, and nobody on the network; `None` where it does not tell.
pub fn clock() -> Option<ClockState> {
    // SAFETY: the structure is plain numbers, of which zero is each one's nothing; with `modes` 0 the call only reads.
    let (state, told) = unsafe {
        let mut told: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut told), told)
    };
    read(state, told.status, told.maxerror)
}

fn read(state: i32, status: i32, within: impl Into<i64>) -> Option<ClockState> {
    match state {
        ..0 => None,
        libc::TIME_ERROR => Some(ClockState::Unsynchronised),
        _ if status & libc::STA_UNSYNC != 0 => Some(ClockState::Unsynchronised),
        _ => Some(ClockState::Synchronised { within_us: within.into() }),
    }
}

/// The resident memory of this process as Linux tells it.
pub fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_how_much_memory_is_used() {
        assert!(memory().is_some_and(|bytes| bytes > 1024 * 1024));
    }

    #[test]
    fn the_kernel_says_whether_the_clock_is_kept_right() {
        assert!(clock().is_some(), "Linux always tells");
        assert_eq!(read(-1, 0, 0), None);
        assert_eq!(read(libc::TIME_ERROR, 0, 0), Some(ClockState::Unsynchronised));
        assert_eq!(read(0, libc::STA_UNSYNC | libc::STA_PLL, 9), Some(ClockState::Unsynchronised));
        assert_eq!(read(0, libc::STA_PLL, 4000), Some(ClockState::Synchronised { within_us: 4000 }));
    }
}
