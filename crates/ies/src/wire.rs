//! The JSON of the API: types apart from the library's, so that neither can change the other
//! unawares. The command line reads the same types that the service writes.

mod reply;
mod request;

pub use reply::*;
pub use request::*;
