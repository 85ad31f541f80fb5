//! The page on which a person reads and tries the API, with all its assets built in.

use super::problem::{Problem, kinds};
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// Not an operation of the API, and not in its description.
pub const PAGE: &str = "";

/// To the page's folder, which its links are relative to.
pub async fn index() -> Redirect {
    Redirect::permanent("/docs/")
}

/// The page.
pub async fn page() -> Result<Response, Problem> {
    asset("index.html")
}

/// What the page is made of.
pub async fn file(Path(file): Path<String>) -> Result<Response, Problem> {
    asset(&file)
}

fn asset(path: &str) -> Result<Response, Problem> {
    let config = Arc::new(Config::from("/openapi.json"));
    let file = utoipa_swagger_ui::serve(path, config).map_err(Problem::internal)?;
    let missing = || Problem::new(&kinds::NOT_FOUND, "the API page has no such file");
    let file = file.ok_or_else(missing)?;
    let kind = [(header::CONTENT_TYPE, file.content_type)];
    // Not copied: anybody may ask for a megabyte on every connection, and then not read it.
    let bytes = match file.bytes {
        Cow::Borrowed(built_in) => Bytes::from_static(built_in),
        Cow::Owned(made) => Bytes::from(made),
    };
    let mut response = (kind, bytes).into_response();
    if file.gzpipped {
        let gzip = axum::http::HeaderValue::from_static("gzip");
        response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    }
    Ok(response)
}
