//! When the allocator gives back to the system what is free.

use libmimalloc_sys::{mi_collect, mi_option_set_default, mi_option_t};

/// For how many milliseconds what is free is kept: this number in mimalloc's list of options, which the crate does not name.
const PURGE_DELAY: mi_option_t = 15;

/// To be called first of all. The default of a second leaves some 10 MiB with a server that writes all day;
/// `MIMALLOC_PURGE_DELAY` still decides.
pub fn begin() {
    // Two megabytes for the first byte that is used of them: a server of 10,000 users was twice as large, no faster, and what
    // was given back came again by the kernel's own doing. A kernel that knows no such pages refuses, which is as good.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // SAFETY: sets one number, before any other thread is there.
    unsafe { mi_option_set_default(PURGE_DELAY, 10) };
}

/// Gives back what this thread holds and does not use. What nothing asks of a thread for long would stay with it.
pub fn give_back() {
    // SAFETY: touches only what is free.
    unsafe { mi_collect(true) };
}

#[cfg(test)]
mod tests {
    use super::PURGE_DELAY;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // No other option begins as 1000.
        // SAFETY: reads one number.
        assert_eq!(unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) }, 1000);
    }
}
