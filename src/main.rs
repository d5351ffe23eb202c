//! The binary: hands the command line over and turns the result into an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    scimd::cli::run(std::env::args_os().collect())
}
