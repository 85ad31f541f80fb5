//! ItemEventStore as one binary: the HTTP service and the command line.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("failpoints are for test builds only");

mod cli;
#[cfg(test)]
mod fuzz;
mod http;
mod wire;

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A request makes and frees some hundred small things: an eighth of what a write costs the service
/// with the system's allocator (decision 13).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(exit) => exit.code(),
        Err(failure) => failure.report(),
    }
}
