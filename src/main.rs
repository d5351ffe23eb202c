//! The binary: hands the command line over and turns the result into an exit status.

use std::process::ExitCode;

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For how many milliseconds the allocator keeps what is free before the system has it back: this number in mimalloc's list of
/// options, which the crate does not name.
const PURGE_DELAY: mi_option_t = 15;

fn main() -> ExitCode {
    // The default of a second leaves some 10 MiB with a server that writes all day. MIMALLOC_PURGE_DELAY still decides.
    // SAFETY: sets one number, before any other thread is there.
    unsafe { mi_option_set_default(PURGE_DELAY, 10) };
    scimd::cli::run(std::env::args_os().collect())
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
