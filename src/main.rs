//! The binary: hands the command line over and turns the result into an exit status.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scimd::base::memory::begin();
    scimd::cli::run(std::env::args_os().collect())
}
