//! The JSON of the API: types apart from the library's, so that neither can change the other
//! unawares. The command line reads the same types that the service writes.

mod command;
mod convert;
mod problem;
mod reply;
mod request;
mod summary;

pub use convert::{optional_time, text};
pub use problem::*;
pub use reply::*;
pub use request::*;
pub use summary::*;
