//! ItemEventStore as one binary: the HTTP service and the command line.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("failpoints are for test builds only");

mod cli;
#[cfg(test)]
mod fuzz;
mod http;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(exit) => exit.code(),
        Err(failure) => failure.report(),
    }
}
