//! ItemEventStore as one binary.
#![allow(dead_code, unused_imports)]
mod cli;
mod http;
mod wire;

fn main() {}
